// What a layer with weights does to blobs with one image a lane (lanes_blob.h): a convolution, or an InnerProduct,
// which is a convolution of maps of one number. The synapses that exist are all it meets.
#pragma once

#include <vector>

#include "convolution_shape.h"
#include "lanes_blob.h"
#include "lanes_layout.h"
#include "sparse_gradients_kernels.h"
#include "sparse_lanes_kernels.h"
#include "sparse_pattern.h"

namespace fastcaffe {

class LanesProduct {
 public:
  // `out_row`: vectors from one row of the outputs to the next.
  LanesProduct(const ConvolutionShape& shape, int out_row);

  // How the bottom has to lie, with the padding that taps meet, and the gradients of the outputs.
  static LanesPlane plane_below(const ConvolutionShape& shape);
  static LanesPlane plane_of_diffs(const ConvolutionShape& shape);
  static bool possible(const ConvolutionShape& shape);

  bool is_for(const ConvolutionShape& shape, int out_row) const { return shape == shape_ && out_row == out_row_; }
  // Maps of one number: outputs are done for all groups of images at a time.
  bool flat() const { return flat_; }

  // The synapses that exist; and what they weigh, before forward and correlate, and before backward.
  void list(const Pattern& pattern) { list_outputs(pattern), list_channels(pattern); }
  void list_outputs(const Pattern& pattern);   // for forward and correlate
  void list_channels(const Pattern& pattern);  // for backward and gradients
  void weigh(const float* weights) { forward_.weigh(weights); }
  void weigh_backward(const float* weights);
  // An output's first synapse, among all; and where a synapse's weight lies in the blob.
  int begin(int output) const { return forward_.begin[blocks_[output] * parts_]; }
  std::int32_t weight_at(int synapse) const { return forward_.weight_at[synapse]; }

  // One output of some groups of images, from group `first` on. What is positive of it, if that is asked for, is noted
  // as it lies in `out`, group after group.
  void forward(const LanesBlob& in, int output, int first, int groups, SumsOf of, const LanesMaps& out) const;
  // The gradient of one channel of the bottom; `diffs` lies as plane_of_diffs says.
  void backward(const LanesBlob& diffs, int channel, int first, int groups, const LanesMaps& in_diff) const;
  // Adds to the gradients of an output's synapses, a vector each, and to that of its bias, unless `total` is null.
  // `diff` lies as plane_of_diffs says, or bare.
  void correlate(const LanesBlob& in, int output, int first, int groups, const LanesMaps& diff, float* sums,
                 float* total) const;

  // Whether both gradients can be had in one walk over those of the outputs: channel after channel. Its synapses have an
  // order of their own then.
  bool both() const { return flat_ || !gradient_tiles_.empty(); }
  int begin_below(int channel) const {
    return phases_[0].lists.begin[phases_[0].blocks[channel] * phases_[0].parts()];
  }
  std::int32_t weight_below(int synapse) const { return phases_[0].lists.weight_at[synapse]; }
  // The gradient of one channel of one group; those of its synapses, a vector each, are added to. `diffs` lies as
  // plane_of_diffs says, the group in `slot`.
  void gradients(const LanesBlob& in, const LanesBlob& diffs, int channel, int group, int slot,
                 const LanesMaps& in_diff, float* sums) const;

  // The same of maps of one number, of some channels and all groups; `in_diff` begins with the first of them.
  void gradients_of_numbers(const LanesBlob& in, const LanesBlob& diffs, int first, int last, const LanesMaps& in_diff,
                            float* sums) const;

  // Whether outputs can be done by rows: then some of them, of one group. `out` and `diff` are whole maps.
  bool rows_apart() const { return !row_tiles_.empty(); }
  // Whether it pays for this one, whose inputs are not taken in blocks.
  bool by_rows(int output) const { return rows_apart() && blocks_[output + 1] - blocks_[output] == 1; }
  struct Rows {
    int first, last;
  };
  void forward_rows(const LanesBlob& in, int output, int group, Rows rows, float bias, const LanesMaps& out) const;
  void correlate_rows(const LanesBlob& in, int output, int group, Rows rows, const LanesMaps& diff, float* sums,
                      float* total) const;

 private:
  struct Phase {  // bottom places a stride apart, which meet the same taps
    int row, column;
    std::vector<int> row_taps, column_taps;
    std::vector<SparseTile> tiles;
    SynapseLists lists;
    std::vector<int> blocks;  // of each channel's synapses, as below
    int parts() const { return static_cast<int>(row_taps.size()); }
  };
  struct Stretch {  // of maps and of a kernel's columns
    std::int64_t first_map, last_map;
    int first_x, last_x;
  };

  void list_output(const Pattern& pattern, std::int64_t output, int y, const Stretch& of);
  void list_channel(const Pattern& pattern, std::int64_t channel, int y, const Stretch& of, Phase* phase) const;
  std::vector<std::int64_t> near_inputs(const Pattern& pattern, std::int64_t output) const;
  std::vector<std::int64_t> near_outputs(const Pattern& pattern, std::int64_t channel, const Phase& phase) const;
  std::vector<SparseTile> tiles(int out_row) const;
  void find_row_tiles();
  void find_gradient_tiles();
  static const std::vector<SparseTile>& tiles_of_groups(int groups, std::int64_t in, std::int64_t out);
  void list_phase(const Pattern& pattern, Phase* phase) const;
  void backward_phase(const float* diffs, int channel, const Phase& phase, const LanesMaps& in_diff) const;
  void add_phase(int row, int column);

  ConvolutionShape shape_;
  int out_row_;
  bool flat_, small_;  // small: sparse_4x4_kernels.h is for it
  LaneAxis rows_, columns_, diff_rows_, diff_columns_;
  LanesPlane in_, diffs_;
  int parts_;  // of an output's synapses, or a block's: those of each row of the kernel, or small, of each tap
  std::vector<int> blocks_;  // of all synapses, which block is an output's first; they see maps that stay near
  std::vector<SparseTile> tiles_, diff_tiles_, bare_tiles_;
  std::vector<GradientTile> gradient_tiles_;  // none where both gradients cannot be had at once
  std::vector<int> row_tiles_;  // where a row's begin, if each is in one row only
  SynapseLists forward_;
  std::vector<Phase> phases_;
};

}  // namespace fastcaffe
