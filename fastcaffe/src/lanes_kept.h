// Layers with weights that keep lanes: Convolution and InnerProduct with few synapses leave what they make with one
// image a lane (lanes_blob.h) where another of them reads it, and do the work of the layers in between that look at
// each channel alone, map by map, while it is near. Gradients come back the same way.
//
// Only where whoever made the net has promised that nobody reads the blobs in between (promises.h): there are no
// numbers in them, but NaN. What leaves such layers for any other, and what the net's last one makes, is as ever.
#pragma once

#include <memory>
#include <vector>

#include "caffe/blob.hpp"
#include "lanes_blob.h"
#include "lanes_product.h"
#include "large_pages.h"
#include "neighbours.h"

namespace fastcaffe {

// NaN in a blob that nobody reads, so that whoever does sees that nothing is there.
class UnreadBlob {
 public:
  void fill(caffe::Blob<float>* blob);
  void forget() { count_ = -1; }  // others have written it

 private:
  std::int64_t count_ = -1;
};

// What a step remembers of maps in lanes for its way back: `each` notes of a vector.
template <class Note>
struct MapNotes {
  int height = 0, width = 0, groups = 0, each = 0;
  std::int64_t room = 0;
  std::shared_ptr<float> memory;

  void begin(int images, int channels, int rows, int columns, int of_vector) {
    height = rows, width = columns, groups = (images + lanes() - 1) / lanes(), each = of_vector;
    const std::int64_t floats = (std::int64_t(channels) * groups * rows * columns * each * sizeof(Note) + 3) / 4;
    if (floats <= room) return;
    memory.reset();
    room = 0;
    memory = large_pages(floats);
    room = floats;
  }
  Note* of(int channel, int group) {
    return reinterpret_cast<Note*>(memory.get()) + (std::int64_t(channel) * groups + group) * height * width * each;
  }
};

// A layer that does something to each channel by itself. A layer that keeps lanes does it as a part of its own work.
class ChannelStep {
 public:
  virtual ~ChannelStep() = default;
  // Whether it can, for so many images and channels; the size of their planes becomes that of what comes out.
  virtual bool begin(int images, int channels, int* height, int* width) = 0;
  virtual bool in_place() const = 0;              // whether it may write where it reads
  virtual bool whole_batch() const { return false; }  // whether it has to see all groups at once
  virtual bool bare() const { return false; }         // whether its maps have to be without zeros around
  virtual bool learns() const { return false; }       // whether it has gradients to add on the way back
  // Of a ReLU without a slope: which numbers are positive, for whoever does its work along with its own.
  virtual MapNotes<std::uint16_t>* positive() { return nullptr; }
  // Whether it does a ReLU's work too, which comes just before it or behind it, both ways.
  virtual bool take_relu() { return false; }
  // Whether it goes the way back through a ReLU just before it, which has noted what is positive.
  virtual bool take_relu_back(MapNotes<std::uint16_t>*) { return false; }
  // Whether it can go by rows: windows of 3 rows, 2 apart.
  virtual bool by_rows() const { return false; }
  // Rows first..last of what it makes of one group; `in` begins with row 2 * first.
  virtual void step_rows(int, int, int, int, const LanesMaps&, const LanesMaps&) {}
  // Gradients of rows first..last of what comes in, the first one even; `in_diff` begins with that.
  virtual void step_rows_back(int, int, int, int, const LanesMaps&, const LanesMaps&) {}
  // Once a pass, before the first channel.
  virtual void start() {}
  virtual void start_back() {}
  // One channel of some groups of images, from group `first` on.
  virtual void step(int channel, int first, int groups, const LanesMaps& in, const LanesMaps& out) = 0;
  virtual void step_back(int channel, int first, int groups, const LanesMaps& out_diff, const LanesMaps& in_diff) = 0;

  // It is done in lanes; `given` is what its top blob gets, or null if nobody reads that.
  void done_in_lanes(const LanesBlob* given) {
    in_lanes_ = true;
    given_ = given;
  }

 protected:
  static const char* kept() { return "lanes kept, with its leader"; }
  // Of a layer that a leader has done: whether that was in lanes. Its top has what it is to have then.
  bool hand_on(caffe::Blob<float>* top);
  // It has not been done by a leader.
  void alone() {
    handed_on_ = false;
    unread_.forget();
  }
  bool handed_on() const { return handed_on_; }  // in the last forward pass

 private:
  bool in_lanes_ = false, handed_on_ = false;
  UnreadBlob unread_;
  const LanesBlob* given_ = nullptr;
};

class KeepsLanes : public Neighbour {
 public:
  explicit KeepsLanes(caffe::Phase phase);

  // How it would find its bottom, if that has planes of this size.
  virtual LanesPlane plane_below(int height, int width) const = 0;

 protected:
  static const char* kept() { return "lanes kept"; }
  bool may_keep() const { return may_keep_; }

  // The whole forward pass of this layer and those behind it, if there is somebody to keep lanes for. `few`: it has few
  // synapses, and the gradients of the others are not asked for.
  bool forward_in_lanes(bool few, const ConvolutionShape& shape, const Pattern& pattern, const float* weights,
                        const float* biases, caffe::Blob<float>* bottom, caffe::Blob<float>* top);
  // Whether the gradients have come to where the last forward pass left lanes; asked once, before backward_in_lanes.
  bool gradients_in_lanes(caffe::Blob<float>* top);
  // Null gradients are not wanted. Adds to the parameters'.
  void backward_in_lanes(const Pattern& pattern, const float* weights, float* weights_diff, float* biases_diff,
                         caffe::Blob<float>* bottom);

 private:
  struct Step {
    ChannelStep* step;
    Follower* follower;
    int width, height, width_below;  // of what it makes, and of what comes in
  };

  bool plan(const ConvolutionShape& shape, bool source);
  void join_relus();
  void find_bands();
  bool learns();
  bool worth(std::int64_t images) const;
  void follow(const Pattern& pattern);
  void mark_steps(caffe::Blob<float>* top);
  // Whether a map is done for all groups at a time, or apart from the steps for each.
  bool all_groups() const { return product_->flat() || (whole_batch_ && !apart()); }
  bool apart() const;
  void forward_apart();
  void forward_maps() const;
  float bias(int output) const { return biases_ ? biases_[output] : 0.f; }
  void forward_map(int output, int first, int groups) const;
  void forward_bands(int output, int group) const;
  void forward_steps(int output, int first, int groups, LanesMaps at, int area = 0, std::size_t from = 0) const;
  bool in_bands(int output) const { return band_ > 0 && product_->by_rows(output); }
  void correlate_band(int output, int group, int band, const LanesMaps& at, const LanesMaps& buffer, float* sums,
                      float* total) const;
  void backward_maps(int output, int first, int groups, const LanesMaps& to) const;
  LanesMaps backward_steps(int output, int first, int groups, std::size_t last, const LanesMaps* to) const;
  LanesMaps scratch(int area, std::int64_t width, int groups) const;
  void find_blocks();
  void begin_data(const float* weights, bool waits);
  void shape_diffs(int images);
  void backward_apart();
  void backward_whole();
  void weights_of_block(int first, int last) const;
  void weights_of(int group, int groups, int first, int last, float* map, float* sums, float* biases) const;
  void weights_by_bands(int group, int first, int last, const LanesMaps& buffer, float* sums, float* biases) const;
  void data_of(int group, int groups, int first, int last) const;
  void backward_data() const;
  bool both() const { return wanted_.bottom && wanted_.weights_diff && product_->both(); }
  void diffs_of(int group, int first, int last, float* biases) const;
  void both_of(int group, int first, int last, float* sums) const;
  void both_by_blocks() const;
  std::int64_t work() const;
  // lanes_kept_groups.cpp
  bool forward_by_group() const { return shape_.threads == 1 && !whole_batch_ && !product_->flat(); }
  bool backward_by_group() const { return forward_by_group() && blocks_.size() == 2; }
  void forward_now();
  void forward_group(int group) const;
  void backward_now();
  void begin_sums();
  void backward_group(int group);
  void end_sums() const;
  // A blob may have room for one group of images at a time.
  static int slot(const LanesBlob& blob, int group) { return group % blob.groups(); }

  const bool may_keep_;
  bool held_ = false;              // the last forward pass was in lanes
  bool diffs_here_ = false;        // the reader has written diffs_, or waits to do so
  bool forward_waits_ = false;     // its pass is still to be done, along with the reader's
  bool backward_waits_ = false;    // the same of the way back, along with the source's
  bool came_back_ = false;         // gradients have once come to it in lanes: they do whenever its reader has some
  const float* biases_ = nullptr;  // of the last forward pass
  struct Wanted {                  // of the pass back
    float *weights_diff, *biases_diff;
    bool bottom;
  } wanted_ = {nullptr, nullptr, false};
  LanesBlob sums_;                 // of the synapses and biases, a vector each, while groups of images go by
  KeepsLanes* below_ = nullptr;    // whose output lies in lanes for this layer's next pass
  KeepsLanes* source_ = nullptr;   // whose output this layer has read
  KeepsLanes* reader_ = nullptr;   // that reads what the last step makes
  std::vector<Step> steps_;
  std::vector<Step> forward_, backward_;  // those of them that no other does along with its own work
  MapNotes<std::uint16_t>* positive_ = nullptr;  // of a ReLU whose work the product does
  int band_ = 0;                   // rows that a pool makes at a time, while those that it sees are near; 0: all
  bool whole_batch_ = false;       // one of them has to see all groups at once
  std::int64_t largest_ = 0;       // pixels of a map between the steps
  ConvolutionShape shape_ = {};
  std::unique_ptr<LanesProduct> product_;
  std::int64_t version_ = 0;       // of the pattern whose synapses are listed
  std::vector<int> blocks_;        // of outputs whose synapses' gradients are summed up at a time
  std::vector<int> channel_blocks_;  // the same of channels, where the bottom's gradients are had along with them
  LanesBlob own_in_, made_, out_, diffs_, inner_diffs_, in_diffs_;
  const LanesBlob* in_ = nullptr;
  LanesBlob* to_ = nullptr;        // the gradients of the bottom: the source's, or own ones
  UnreadBlob unread_;
};

}  // namespace fastcaffe
