// The way back through layers that keep lanes.

#include <algorithm>

#include "lanes_kept.h"
#include "parts.h"
#include "threads.h"

namespace fastcaffe {
namespace {

constexpr std::int64_t kMostSums = 1 << 16;  // floats, a vector a synapse, that stay in the nearest caches

}  // namespace

// The gradients of what this layer itself has made, from those behind the steps.
void KeepsLanes::backward_maps(int output, int first, int groups, const LanesMaps& to) const {
  const LanesMaps at = backward_steps(output, first, groups, 0, &to);
  if (at.first == to.first) return;
  copy_maps(at, static_cast<int>(shape_.out_height), static_cast<int>(shape_.out_width), groups, to);
}

// The way back to what comes into step `last`: where that lies now. It may go to `to`, unless that is null.
LanesMaps KeepsLanes::backward_steps(int output, int first, int groups, std::size_t last, const LanesMaps* to) const {
  LanesMaps at = diffs_.maps(slot(diffs_, first), output);
  int area = 0;
  for (std::size_t i = backward_.size(); i-- > last;) {
    ChannelStep* step = backward_[i].step;
    LanesMaps next = at;
    if (to && i == 0 && (!step->bare() || to->row == shape_.out_width)) {
      next = *to;
    } else if (!step->in_place()) {
      area = 1 - area;
      next = scratch(area, backward_[i].width_below, groups);
    }
    step->step_back(output, first, groups, at, next);
    at = next;
  }
  return at;
}

bool KeepsLanes::gradients_in_lanes(caffe::Blob<float>* top) {
  bool waiting = held_;
  for (const Step& step : steps_) waiting = held_ && step.follower->take_waiting() && waiting;
  if (!waiting) return false;
  if (!diffs_here_) {
    shape_diffs(out_.images());
    diffs_.take((steps_.empty() ? top : steps_.back().follower->blob())->cpu_diff());
  }
  diffs_here_ = false;
  return true;
}

void KeepsLanes::find_blocks() {
  const std::int64_t threads = shape_.threads, most = kMostSums / lanes();
  blocks_ = blocks_of(static_cast<int>(shape_.outputs), threads, most, [&](int i) { return product_->begin(i); });
  if (!product_->both()) return;
  const int channels = static_cast<int>(shape_.channels);
  channel_blocks_ = blocks_of(channels, threads, most, [&](int i) { return product_->begin_below(i); });
}

void KeepsLanes::backward_in_lanes(const Pattern& pattern, const float* weights, float* weights_diff,
                                   float* biases_diff, caffe::Blob<float>* bottom) {
  const std::int64_t before = version_;
  follow(pattern);
  if (version_ != before) product_->weigh(weights);
  wanted_ = {weights_diff, biases_diff, bottom != nullptr};
  const bool on = bottom && source_ && source_->held_;  // gradients go on in lanes
  backward_waits_ = on && backward_by_group() && source_->backward_by_group() && source_->came_back_;
  came_back_ = true;
  if (bottom) begin_data(weights, backward_waits_);
  for (const Step& step : steps_) step.step->start_back();
  if (on) source_->diffs_here_ = true;
  if (backward_waits_) return;
  backward_now();
  if (bottom && !on) to_->give(bottom->mutable_cpu_diff());
}

// Room for the gradients of what this layer has made, and of its bottom, in lanes too if they came from there.
void KeepsLanes::begin_data(const float* weights, bool waits) {
  const int images = out_.images();
  product_->weigh_backward(weights);
  inner_diffs_.shape(backward_by_group() ? lanes() : images, out_.channels(), LanesProduct::plane_of_diffs(shape_));
  to_ = source_ && source_->held_ ? &source_->diffs_ : &in_diffs_;
  if (to_ != &in_diffs_) return source_->shape_diffs(waits ? lanes() : images);
  to_->shape(images, static_cast<int>(shape_.channels),
             LanesPlane::bare(static_cast<int>(shape_.height), static_cast<int>(shape_.width)));
}

// Room for the gradients of what comes out behind the steps.
void KeepsLanes::shape_diffs(int images) {
  diffs_.shape(images, out_.channels(), LanesPlane::bare(out_.plane().height, out_.plane().width));
}

// All groups of images, whatever the threads.
void KeepsLanes::backward_whole() {
  if (wanted_.bottom && whole_batch_) backward_apart();
  if (both()) return both_by_blocks();
  const std::int64_t blocks = static_cast<std::int64_t>(blocks_.size()) - 1;
  parallel(blocks, kMultiplied / (work() / blocks + 1) + 1, [&](std::int64_t block, std::int64_t end) {
    for (; block < end; ++block) weights_of_block(blocks_[block], blocks_[block + 1]);
  });
  if (wanted_.bottom) backward_data();
}

void KeepsLanes::backward_apart() {
  const std::int64_t numbers = shape_.images * shape_.out_height * shape_.out_width;
  parallel(out_.channels(), kCopied / numbers + 1, [&](std::int64_t output, std::int64_t end) {
    for (; output < end; ++output) {
      const int map = static_cast<int>(output);
      backward_maps(map, 0, out_.groups(), inner_diffs_.maps(0, map));
    }
  });
}

// The outputs of a block, for one group of images after the other: what they see stays near, and sums are formed in the
// same order whatever the threads are.
void KeepsLanes::weights_of_block(int first, int last) const {
  const std::int64_t count = product_->begin(last) - product_->begin(first);
  const std::int64_t pixels = shape_.out_height * shape_.out_width;
  const int groups = out_.groups(), at_a_time = product_->flat() || (whole_batch_ && !wanted_.bottom) ? groups : 1;
  const std::int64_t of_sums = count * lanes(), of_map = wanted_.bottom ? 0 : pixels * at_a_time * lanes();
  const std::int64_t of_biases = wanted_.biases_diff ? std::int64_t(last - first) * lanes() : 0;
  const std::int64_t floats = of_sums + of_biases + of_map + count + last - first;
  float* sums = Scratch::floats(floats, Scratch::kShared);  // kOwn is for the steps
  float *biases = sums + of_sums, *map = biases + of_biases, *totals = map + of_map;
  std::fill(sums, map, 0.f);
  for (int group = groups - at_a_time; group >= 0; group -= at_a_time) {
    weights_of(group, at_a_time, first, last, of_map ? map : nullptr, sums, of_biases ? biases : nullptr);
  }
  sum_of_lanes(sums, static_cast<int>((of_sums + of_biases) / lanes()), totals);
  for (int output = first; wanted_.biases_diff && output < last; ++output) {
    wanted_.biases_diff[output] += totals[count + output - first];
  }
  if (!wanted_.weights_diff) return;
  for (std::int64_t i = 0; i < count; ++i) {
    wanted_.weights_diff[product_->weight_at(product_->begin(first) + static_cast<int>(i))] += totals[i];
  }
}

// Some outputs of some groups: their gradients come to lie in `map`, one after the other, unless that is null, and are
// added to the sums of their synapses and biases, unless those are.
void KeepsLanes::weights_of(int group, int groups, int first, int last, float* map, float* sums, float* biases) const {
  const std::int64_t pixels = shape_.out_height * shape_.out_width;
  const LanesMaps one = {map, pixels * lanes(), static_cast<int>(shape_.out_width)};
  if (map && band_ > 0) weights_by_bands(group, first, last, one, sums, biases);
  for (int output = first; output < last; ++output) {
    if (map && in_bands(output)) continue;
    const LanesMaps diff = map ? one : inner_diffs_.maps(slot(inner_diffs_, group), output);
    float* of_output = sums + std::int64_t(product_->begin(output) - product_->begin(first)) * lanes();
    float* of_bias = biases ? biases + std::int64_t(output - first) * lanes() : nullptr;
    if (map || !whole_batch_) backward_maps(output, group, groups, diff);
    if (wanted_.weights_diff || biases) product_->correlate(*in_, output, group, groups, diff, of_output, of_bias);
  }
}

// Some channels' gradients of some groups.
void KeepsLanes::data_of(int group, int groups, int first, int last) const {
  const std::int64_t plane = shape_.height * shape_.width * lanes();
  for (int channel = first; channel < last; ++channel) {
    const LanesMaps in = {to_->begin(slot(*to_, group)) + channel * plane, to_->group_floats(),
                          static_cast<int>(shape_.width)};
    product_->backward(inner_diffs_, channel, slot(inner_diffs_, group), groups, in);
  }
}

void KeepsLanes::backward_data() const {
  const int channels = static_cast<int>(shape_.channels), groups = out_.groups();
  const std::int64_t tasks = product_->flat() ? channels : std::int64_t(groups) * channels;
  parallel(tasks, kMultiplied / (work() / tasks + 1) + 1, [&](std::int64_t task, std::int64_t end) {
    for (; task < end; ++task) {
      const int channel = static_cast<int>(task % channels), group = static_cast<int>(task / channels);
      data_of(group, product_->flat() ? groups : 1, channel, channel + 1);
    }
  });
}

// The gradients of some outputs, of one group of images; and what they add to the biases', a vector each, unless that
// is null.
void KeepsLanes::diffs_of(int group, int first, int last, float* biases) const {
  for (int output = first; output < last; ++output) {
    const LanesMaps diff = inner_diffs_.maps(slot(inner_diffs_, group), output);
    if (!whole_batch_) backward_maps(output, group, 1, diff);
    if (!biases) continue;
    total_of_map(diff.first, diff.row, static_cast<int>(shape_.out_height), static_cast<int>(shape_.out_width),
                 biases + std::int64_t(output - first) * lanes());
  }
}

// Those of some channels and of their synapses, in one walk over the outputs'. Of maps of one number, of all groups.
void KeepsLanes::both_of(int group, int first, int last, float* sums) const {
  if (product_->flat()) {
    const LanesMaps in = {to_->begin(0) + std::int64_t(first) * lanes(), to_->group_floats(), 1};
    return product_->gradients_of_numbers(*in_, inner_diffs_, first, last, in, sums);
  }
  const std::int64_t plane = shape_.height * shape_.width * lanes();
  for (int channel = first; channel < last; ++channel) {
    const LanesMaps in = {to_->begin(slot(*to_, group)) + channel * plane, to_->group_floats(),
                          static_cast<int>(shape_.width)};
    const std::int64_t at = product_->begin_below(channel) - product_->begin_below(first);
    product_->gradients(*in_, inner_diffs_, channel, group, slot(inner_diffs_, group), in, sums + at * lanes());
  }
}

// Threads share the outputs out among them, then the channels; sums are formed in the same order whatever the threads.
void KeepsLanes::both_by_blocks() const {
  const int groups = out_.groups(), outputs = static_cast<int>(shape_.outputs);
  parallel(outputs, kMultiplied / (work() / outputs + 1) + 1, [&](std::int64_t output, std::int64_t end) {
    for (; output < end; ++output) {
      float* total = Scratch::floats(lanes(), Scratch::kShared);
      std::fill_n(total, lanes(), 0.f);
      const int map = static_cast<int>(output);
      for (int group = groups; group-- > 0;) diffs_of(group, map, map + 1, total);
      if (wanted_.biases_diff) wanted_.biases_diff[output] += sum_of_vectors(total, 1);
    }
  });
  const std::int64_t blocks = static_cast<std::int64_t>(channel_blocks_.size()) - 1;
  parallel(blocks, kMultiplied / (work() / blocks + 1) + 1, [&](std::int64_t block, std::int64_t end) {
    for (; block < end; ++block) {
      const int first = channel_blocks_[block], last = channel_blocks_[block + 1];
      const int begin = product_->begin_below(first), count = product_->begin_below(last) - begin;
      float *sums = Scratch::floats(std::int64_t(count) * (lanes() + 1), Scratch::kShared);
      float* totals = sums + std::int64_t(count) * lanes();
      std::fill(sums, totals, 0.f);
      const int walks = product_->flat() ? 1 : groups;
      for (int group = walks; group-- > 0;) both_of(group, first, last, sums);
      sum_of_lanes(sums, count, totals);
      for (int i = 0; i < count; ++i) wanted_.weights_diff[product_->weight_below(begin + i)] += totals[i];
    }
  });
}

// Multiplications of a pass.
std::int64_t KeepsLanes::work() const {
  return product_->begin(out_.channels()) * shape_.out_height * shape_.out_width * shape_.images;
}

}  // namespace fastcaffe
