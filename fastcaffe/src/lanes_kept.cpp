#include "lanes_kept.h"

#include <algorithm>
#include <limits>

#include "caffe/layer.hpp"
#include "promises.h"
#include "simd.h"
#include "sparse_limits.h"
#include "threads.h"

namespace fastcaffe {
namespace {

constexpr double kMostEmpty = 1.15;       // lanes, a lane with an image
constexpr std::int64_t kNear = 1 << 20;   // floats of a batch that may be read again for every output

// Then the gradient of its blob is the weight of a loss, and later, in place, what a backward pass has left there.
bool bears_loss(Neighbour& layer) { return dynamic_cast<caffe::Layer<float>&>(layer).loss(0) != 0; }

}  // namespace

void UnreadBlob::fill(caffe::Blob<float>* blob) {
  if (count_ == blob->count()) return;
  count_ = blob->count();
  const float nothing = std::numeric_limits<float>::quiet_NaN();
  std::fill_n(blob->mutable_cpu_data(), count_, nothing);
  std::fill_n(blob->mutable_cpu_diff(), count_, nothing);
}

bool ChannelStep::hand_on(caffe::Blob<float>* top) {
  if (!in_lanes_) {
    alone();
    return false;
  }
  in_lanes_ = false;
  handed_on_ = true;
  if (given_) {
    given_->give(top->mutable_cpu_data());
    unread_.forget();
  } else {
    unread_.fill(top);
  }
  return true;
}

KeepsLanes::KeepsLanes(caffe::Phase phase)
    : may_keep_(phase == caffe::TRAIN && blobs_between_unread() && lanes() >= kLanesKept && sparse_allowed()) {}

bool KeepsLanes::worth(std::int64_t images) const {
  return (images + lanes() - 1) / lanes() * lanes() <= kMostEmpty * images;
}

// Only then does Caffe take the way back through this layer whatever is below, and those behind that learn need it.
bool KeepsLanes::learns() {
  auto& layer = dynamic_cast<caffe::Layer<float>&>(*this);
  return layer.param_propagate_down(0) || layer.param_propagate_down(1);
}

// Which layers are done along with this one, and who reads what they make. Alone it need not keep lanes.
bool KeepsLanes::plan(const ConvolutionShape& s, bool source) {
  const int images = static_cast<int>(s.images), outputs = static_cast<int>(s.outputs);
  int height = static_cast<int>(s.out_height), width = static_cast<int>(s.out_width);
  std::int64_t pixels = std::int64_t(height) * width;
  Neighbour* last = this;
  shape_ = s;
  steps_.clear();
  whole_batch_ = false;
  largest_ = 0;
  for (Neighbour* next = reader(); next; next = next->reader()) {
    ChannelStep* step = dynamic_cast<ChannelStep*>(next);
    Follower* follower = dynamic_cast<Follower*>(next);
    if (!step || !follower || (step->learns() && !learns()) || bears_loss(*next)) break;
    const int width_below = width;
    if (!step->begin(images, outputs, &height, &width)) break;
    largest_ = std::max(largest_, pixels);
    pixels = std::int64_t(height) * width;
    whole_batch_ = whole_batch_ || step->whole_batch();
    if (step->bare()) largest_ = std::max(largest_, pixels);
    steps_.push_back({step, follower, width, height, width_below});
    last = next;
  }
  reader_ = dynamic_cast<KeepsLanes*>(last->reader());
  if (reader_ && !reader_->may_keep_) reader_ = nullptr;
  if (steps_.empty() && !reader_ && !source) return false;
  join_relus();
  find_bands();
  out_.shape(images, outputs, reader_ ? reader_->plane_below(height, width) : LanesPlane::bare(height, width));
  return true;
}

// A ReLU costs little while what it works on is in registers. One beside a MAX pool is done with that. Of one behind the
// product, if it is not the last step, the product does the way there, and an average pool perhaps the way back.
void KeepsLanes::join_relus() {
  const bool flat = shape_.out_height * shape_.out_width == 1;
  forward_.clear();
  backward_.clear();
  positive_ = nullptr;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    MapNotes<std::uint16_t>* positive = steps_[i].step->positive();
    ChannelStep* next = i + 1 < steps_.size() ? steps_[i + 1].step : nullptr;
    const bool joined = positive && ((next && next->take_relu()) || (i && steps_[i - 1].step->take_relu()));
    if (joined) continue;
    const bool first = positive && i == 0 && next && !whole_batch_ && !flat;
    if (first) positive_ = positive;
    if (!first) forward_.push_back(steps_[i]);
    if (!positive || !next || !next->take_relu_back(positive)) backward_.push_back(steps_[i]);
  }
}

void KeepsLanes::follow(const Pattern& pattern) {
  const int out_row = steps_.empty() ? out_.plane().row : static_cast<int>(shape_.out_width);
  const bool fits = product_ && product_->is_for(shape_, out_row);
  if (!fits) product_.reset(new LanesProduct(shape_, out_row));
  if (!fits || version_ != pattern.version()) {
    product_->list(pattern);
    find_blocks();
  }
  version_ = pattern.version();
}

bool KeepsLanes::forward_in_lanes(bool few, const ConvolutionShape& s, const Pattern& pattern, const float* weights,
                                  const float* biases, caffe::Blob<float>* bottom, caffe::Blob<float>* top) {
  source_ = below_;
  below_ = nullptr;
  held_ = few && worth(s.images) && LanesProduct::possible(s) && plan(s, source_ != nullptr);
  diffs_here_ = backward_waits_ = false;
  if (!held_) {
    if (reader_) reader_->below_ = nullptr;
    if (source_ && source_->forward_waits_) source_->forward_now();
    if (source_) source_->out_.give(bottom->mutable_cpu_data());
    source_ = nullptr;
    unread_.forget();
    return false;
  }
  follow(pattern);
  product_->weigh(weights);
  in_ = source_ ? &source_->out_ : &own_in_;
  if (!source_) {
    own_in_.shape(static_cast<int>(s.images), static_cast<int>(s.channels), LanesProduct::plane_below(s));
    own_in_.take(bottom->cpu_data());
  }
  biases_ = biases;
  for (const Step& step : steps_) step.step->start();
  forward_waits_ = reader_ && forward_by_group();
  if (!forward_waits_) forward_now();
  mark_steps(top);
  return true;
}

bool KeepsLanes::apart() const { return whole_batch_ && in_->groups() * in_->group_floats() > kNear; }

// First all that this layer makes, group by group, whose input stays near; then the steps.
void KeepsLanes::forward_apart() {
  const int outputs = static_cast<int>(shape_.outputs), groups = out_.groups();
  made_.shape(out_.images(), outputs,
              LanesPlane::bare(static_cast<int>(shape_.out_height), static_cast<int>(shape_.out_width)));
  const std::int64_t tasks = std::int64_t(groups) * outputs;
  parallel(tasks, kMultiplied / (work() / tasks + 1) + 1, [&](std::int64_t task, std::int64_t end) {
    for (; task < end; ++task) {
      const int output = static_cast<int>(task % outputs), group = static_cast<int>(task / outputs);
      product_->forward(*in_, output, group, 1, {bias(output)}, made_.maps(group, output));
    }
  });
  parallel(outputs, kCopied / (shape_.images * shape_.out_height * shape_.out_width + 1) + 1,
           [&](std::int64_t output, std::int64_t end) {
             for (; output < end; ++output) {
               forward_steps(static_cast<int>(output), 0, groups, made_.maps(0, static_cast<int>(output)));
             }
           });
}

void KeepsLanes::forward_maps() const {
  const int groups = out_.groups(), outputs = static_cast<int>(shape_.outputs);
  const std::int64_t tasks = all_groups() ? outputs : std::int64_t(groups) * outputs;
  parallel(tasks, kMultiplied / (work() / tasks + 1) + 1, [&](std::int64_t task, std::int64_t end) {
    for (; task < end; ++task) {
      const int output = static_cast<int>(task % outputs);
      all_groups() ? forward_map(output, 0, groups) : forward_map(output, static_cast<int>(task / outputs), 1);
    }
  });
}

// What the blobs between here and the reader get they get from their own layers, after their Reshape.
void KeepsLanes::mark_steps(caffe::Blob<float>* top) {
  if (reader_) reader_->below_ = this;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    steps_[i].follower->set_done();
    steps_[i].step->done_in_lanes(i + 1 == steps_.size() && !reader_ ? &out_ : nullptr);
  }
  if (steps_.empty() && !reader_) {
    unread_.forget();
    out_.give(top->mutable_cpu_data());
  } else {
    unread_.fill(top);
  }
}

// One of two areas for maps between the steps.
LanesMaps KeepsLanes::scratch(int area, std::int64_t width, int groups) const {
  float* floats = Scratch::floats(2 * largest_ * groups * lanes(), Scratch::kOwn);
  return {floats + area * largest_ * groups * lanes(), largest_ * lanes(), static_cast<int>(width)};
}

void KeepsLanes::forward_map(int output, int first, int groups) const {
  if (in_bands(output)) return forward_bands(output, first);
  LanesMaps at = steps_.empty() ? out_.maps(first, output) : scratch(0, shape_.out_width, groups);
  std::uint16_t* positive = positive_ ? positive_->of(output, first) : nullptr;
  product_->forward(*in_, output, first, groups, {bias(output), false, positive}, at);
  forward_steps(output, first, groups, at);
}

void KeepsLanes::forward_steps(int output, int first, int groups, LanesMaps at, int area, std::size_t from) const {
  for (std::size_t i = from; i < forward_.size(); ++i) {
    ChannelStep* step = forward_[i].step;
    LanesMaps to = at;
    const bool last = i + 1 == forward_.size();
    if (last && !step->bare()) {
      to = out_.maps(first, output);
    } else if (!step->in_place()) {
      area = 1 - area;
      to = scratch(area, forward_[i].width, groups);
    }
    step->step(output, first, groups, at, to);
    at = to;
    if (last && step->bare()) {
      copy_maps(at, out_.plane().height, out_.plane().width, groups, out_.maps(first, output));
    }
  }
}

}  // namespace fastcaffe
