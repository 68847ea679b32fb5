// The sparse forward pass with one image a lane of a vector, on Caffe's own layout: for batches, with any step.

#include "convolution_sparse.h"
#include "turned_groups.h"

namespace fastcaffe {
namespace {

class Forward : public ForwardPass, TurnedGroups {
 public:
  using TurnedGroups::TurnedGroups;
  std::string kernel() const override { return kName; }

  void run(const float* bottom, const float* weights, const float* biases, float* top) const override {
    list(weights);
    const int groups = s_.threads > 1 ? groups_ : 1, bands = static_cast<int>(bands_.size());
    const bool alone = groups % s_.threads == 0;  // each thread has groups of its own
    const std::int64_t floats = LanesBlob::floats(lanes(), channels_, below_);
    float* room = Scratch::floats(groups * floats, Scratch::kShared);
    in_.resize(groups);
    for (int first = 0; first < groups_; first += groups) {
      const auto band = [&](int slot, int number) {  // its outputs follow each other: what they see is near
        for (int i = 0; i < outputs_; ++i) give(slot, i, bands_[number], biases ? biases[i] : 0.f, first, top);
      };
      share_out(groups, groups, [&](int slot) {
        in_[slot].lie_in(room + slot * floats, lanes(), channels_, below_);
        in_[slot].take(bottom + at_below(first + slot, 0), images_in(first + slot));
        for (int number = 0; alone && number < bands; ++number) band(slot, number);
      });
      if (alone) continue;
      const int tasks = bands * outputs_;
      share_out(std::int64_t(groups) * tasks, groups, [&](std::int64_t task) {
        const int output = static_cast<int>(task % outputs_), number = static_cast<int>(task % tasks / outputs_);
        give(static_cast<int>(task / tasks), output, bands_[number], biases ? biases[output] : 0.f, first, top);
      });
    }
  }

 private:
  // Some rows of an output, of a group, into the blob.
  void give(int slot, int output, const Rows& rows, float bias, int first, float* top) const {
    float* sums = Scratch::floats(row_floats(), Scratch::kOwn);
    if (product_.rows_apart()) {
      product_.forward_rows(in_[slot], output, 0, rows, bias, rows_at(sums, rows));
    } else {
      product_.forward(in_[slot], output, 0, 1, {bias}, rows_at(sums, rows));
    }
    const std::int64_t before = rows.first * s_.out_width, count = rows.last * s_.out_width - before;
    from_lanes(sums, images_in(first + slot), static_cast<int>(count), nullptr, top + at(first + slot, output) + before,
               s_.outputs * pixels());
  }
};

}  // namespace

std::unique_ptr<ForwardPass> sparse_lanes_forward(const ConvolutionShape& shape, const Pattern& pattern) {
  return std::unique_ptr<ForwardPass>(LanesProduct::possible(shape) ? new Forward(shape, pattern) : nullptr);
}

}  // namespace fastcaffe
