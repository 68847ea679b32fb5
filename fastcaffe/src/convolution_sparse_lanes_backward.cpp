// The sparse backward passes with one image a lane of a vector, on Caffe's own layout. Where a layer steps by 1, both
// gradients come of one walk over the top's, each vector of which is loaded once and multiplied twice.

#include "convolution_sparse.h"
#include "parts.h"
#include "turned_groups.h"

namespace fastcaffe {
namespace {

constexpr std::int64_t kMostSums = 1 << 16;  // floats, a vector a synapse, that stay in the nearest caches

class Backward : public BackwardPass, TurnedGroups {
 public:
  Backward(const ConvolutionShape& shape, const Pattern& pattern)
      : TurnedGroups(shape, pattern), plane_(LanesProduct::plane_of_diffs(shape)) {}
  std::string kernel() const override { return kName; }

  void run(const float* bottom, const float* top_diff, const float* weights, const Gradients& to) const override {
    to_ = to;
    top_diff_ = top_diff;
    once_ = to.bottom && to.weights && product_.both() && !product_.flat();
    if (to.bottom) list_back(weights);
    if (to.weights && !once_) list(nullptr);
    if (to.weights) find_blocks();
    const std::int64_t of_sums = to.weights ? pattern_.synapses() * lanes() : 0;
    const int groups = s_.threads == 1 && of_sums <= kMostSums ? 1 : groups_;
    begin(groups, groups < groups_ ? of_sums : 0);
    for (int first = 0; first < groups_; first += groups) {
      share_out(groups, groups, [&](int slot) { turn(bottom, first + slot, slot); });
      if (to.weights) {
        share_out(static_cast<std::int64_t>(blocks_.size()) - 1, groups,
                  [&](std::int64_t i) { block(blocks_[i], blocks_[i + 1], first, groups); });
      }
      if (to.bottom && !once_) data(first, groups);
    }
    for (int i = 0; to.biases && i < outputs_; ++i) to.biases[i] += sum_of_vectors(total(i, 0), groups_);
  }

 private:
  // Memory for the groups, for a vector of each output and group, and where groups go by, so many floats of sums.
  void begin(int groups, std::int64_t of_sums) const {
    in_floats_ = to_.weights ? LanesBlob::floats(lanes(), channels_, below_) : 0;
    diff_floats_ = to_.bottom ? LanesBlob::floats(lanes(), outputs_, plane_) : 0;
    const std::int64_t turned = groups * (in_floats_ + diff_floats_);
    const std::int64_t of_totals = to_.biases ? std::int64_t(outputs_) * groups_ * lanes() : 0;
    room_ = Scratch::floats(turned + of_totals + of_sums, Scratch::kShared);
    totals_ = room_ + turned;
    sums_ = totals_ + of_totals;
    std::fill(totals_, sums_ + of_sums, 0.f);
    in_.resize(groups);
    diffs_.resize(groups);
  }
  // What a group's gradients of an output add to that of its bias.
  float* total(int output, int group) const { return totals_ + (std::int64_t(output) * groups_ + group) * lanes(); }

  void turn(const float* bottom, int group, int slot) const {
    float* room = room_ + slot * (in_floats_ + diff_floats_);
    if (to_.weights) {
      in_[slot].lie_in(room, lanes(), channels_, below_);
      in_[slot].take(bottom + at_below(group, 0), images_in(group));
    }
    if (!to_.bottom) return;
    diffs_[slot].lie_in(room + in_floats_, lanes(), outputs_, plane_);
    diffs_[slot].take(top_diff_ + at(group, 0), images_in(group));
    for (int output = 0; once_ && to_.biases && output < outputs_; ++output) {
      const LanesMaps map = diffs_[slot].maps(0, output);
      total_of_map(map.first, map.row, plane_.height, plane_.width, total(output, group));
    }
  }

  // Maps whose synapses' sums stay near: of what comes in, if gradients come of one walk, or else of outputs.
  void find_blocks() const {
    const int maps = once_ ? channels_ : outputs_;
    blocks_ = blocks_of(maps, s_.threads, kMostSums / lanes(), [&](int map) { return synapse(map); });
  }
  // A map's first.
  int synapse(int map) const { return once_ ? product_.begin_below(map) : product_.begin(map); }
  std::int32_t weight_at(int synapse) const {
    return once_ ? product_.weight_below(synapse) : product_.weight_at(synapse);
  }

  // The sums of some maps' synapses: of all groups, or of one after the other.
  void block(int begin, int end, int first, int groups) const {
    const int first_synapse = synapse(begin), count = synapse(end) - first_synapse;
    const std::int64_t of_sums = std::int64_t(count) * lanes(), map = once_ ? pixels_below() * lanes() : row_floats();
    float* own = Scratch::floats(of_sums + map + count, Scratch::kOwn);
    float *sums = groups < groups_ ? sums_ : own, *totals = own + of_sums + map;
    if (sums == own) std::fill_n(own, of_sums, 0.f);
    for (int slot = 0; slot < groups; ++slot) {
      once_ ? both(begin, end, first, slot, sums, own + of_sums)
            : weights(begin, end, first, slot, sums, own + of_sums);
    }
    if (first + groups < groups_) return;
    sum_of_lanes(sums, count, totals);
    for (int i = 0; i < count; ++i) to_.weights[weight_at(first_synapse + i)] += totals[i];
  }

  void both(int begin, int end, int first, int slot, float* sums, float* map) const {
    for (int channel = begin; channel < end; ++channel) {
      float* of_channel = sums + std::int64_t(synapse(channel) - synapse(begin)) * lanes();
      product_.gradients(in_[slot], diffs_[slot], channel, 0, 0, whole(map), of_channel);
      give(map, first + slot, channel);
    }
  }

  void weights(int begin, int end, int first, int slot, float* sums, float* room) const {
    for (const Rows& rows : bands_) {
      for (int output = begin; output < end; ++output) {
        float* of_output = sums + std::int64_t(synapse(output) - synapse(begin)) * lanes();
        float* of_bias = to_.biases ? total(output, first + slot) : nullptr;
        const LanesMaps diff =
            to_.bottom ? diffs_[slot].maps(0, output) : turned_rows(first + slot, output, rows, room);
        if (product_.rows_apart()) {
          product_.correlate_rows(in_[slot], output, 0, rows, diff, of_output, of_bias);
        } else {
          product_.correlate(in_[slot], output, 0, 1, diff, of_output, of_bias);
        }
      }
    }
  }

  // Where nothing else asks for the top's gradients, rows of them are turned as they are needed.
  LanesMaps turned_rows(int group, int output, const Rows& rows, float* room) const {
    const std::int64_t before = rows.first * s_.out_width, count = rows.last * s_.out_width - before;
    to_lanes(top_diff_ + at(group, output) + before, s_.outputs * pixels(), images_in(group), static_cast<int>(count),
             nullptr, room);
    return rows_at(room, rows);
  }

  void data(int first, int groups) const {
    share_out(std::int64_t(groups) * channels_, groups, [&](std::int64_t task) {
      const int slot = static_cast<int>(task / channels_), channel = static_cast<int>(task % channels_);
      float* map = Scratch::floats(pixels_below() * lanes(), Scratch::kOwn);
      product_.backward(diffs_[slot], channel, 0, 1, whole(map));
      give(map, first + slot, channel);
    });
  }

  // A map of the bottom's gradient, and how it is turned back.
  LanesMaps whole(float* map) const { return {map, 0, static_cast<int>(s_.width)}; }
  void give(const float* map, int group, int channel) const {
    from_lanes(map, images_in(group), static_cast<int>(pixels_below()), nullptr, to_.bottom + at_below(group, channel),
               s_.channels * pixels_below());
  }

  const LanesPlane plane_;
  mutable std::vector<LanesBlob> diffs_;  // a group each
  mutable std::vector<int> blocks_;
  mutable Gradients to_ = {nullptr, nullptr, nullptr};  // of the pass that runs, as all below
  mutable const float* top_diff_ = nullptr;
  mutable bool once_ = false;
  mutable std::int64_t in_floats_ = 0, diff_floats_ = 0;
  mutable float *room_ = nullptr, *totals_ = nullptr, *sums_ = nullptr;
};

// Each alone.
class BackwardData : public BackwardDataPass {
 public:
  BackwardData(const ConvolutionShape& shape, const Pattern& pattern) : pass_(shape, pattern) {}
  std::string kernel() const override { return pass_.kernel(); }
  void run(const float* top_diff, const float* weights, float* bottom_diff) const override {
    pass_.run(nullptr, top_diff, weights, {bottom_diff, nullptr, nullptr});
  }

 private:
  Backward pass_;
};

class BackwardWeights : public BackwardWeightsPass {
 public:
  BackwardWeights(const ConvolutionShape& shape, const Pattern& pattern) : pass_(shape, pattern) {}
  std::string kernel() const override { return pass_.kernel(); }
  void run(const float* bottom, const float* top_diff, float* weights_diff, float* biases_diff) const override {
    pass_.run(bottom, top_diff, nullptr, {nullptr, weights_diff, biases_diff});
  }

 private:
  Backward pass_;
};

template <class Base, class Pass>
std::unique_ptr<Base> made(const ConvolutionShape& shape, const Pattern& pattern) {
  return std::unique_ptr<Base>(LanesProduct::possible(shape) ? new Pass(shape, pattern) : nullptr);
}

}  // namespace

std::unique_ptr<BackwardPass> sparse_lanes_backward(const ConvolutionShape& shape, const Pattern& pattern) {
  return made<BackwardPass, Backward>(shape, pattern);
}

std::unique_ptr<BackwardDataPass> sparse_lanes_backward_data(const ConvolutionShape& shape, const Pattern& pattern) {
  return made<BackwardDataPass, BackwardData>(shape, pattern);
}

std::unique_ptr<BackwardWeightsPass> sparse_lanes_backward_weights(const ConvolutionShape& shape,
                                                                   const Pattern& pattern) {
  return made<BackwardWeightsPass, BackwardWeights>(shape, pattern);
}

}  // namespace fastcaffe
