// Layers that keep lanes and whose maps are larger than the nearest cache: a map is convolved and pooled by bands of
// rows that stay in it, on the way there; and its gradients are made and used by such bands on the way back.

#include <algorithm>

#include "lanes_kept.h"
#include "threads.h"

namespace fastcaffe {
namespace {

constexpr std::int64_t kNear = 24 << 10;  // bytes of a map that stays in the nearest cache beside what a product sees
constexpr std::int64_t kBand = 12 << 10;  // bytes of a band

}  // namespace

// Bands are rows that the first step makes, if it can go by rows; of those that it sees, two bands share one.
void KeepsLanes::find_bands() {
  const std::int64_t row = shape_.out_width * lanes() * std::int64_t(sizeof(float));
  const bool by_rows = !forward_.empty() && forward_[0].step->by_rows() && forward_[0].step == backward_[0].step;
  const bool large = shape_.out_height * row > kNear && !whole_batch_ && !positive_;
  band_ = by_rows && large ? static_cast<int>(std::max<std::int64_t>(1, (kBand / row - 1) / 2)) : 0;
}

void KeepsLanes::forward_bands(int output, int group) const {
  const int rows = forward_[0].height, height = static_cast<int>(shape_.out_height);
  const LanesMaps seen = scratch(0, shape_.out_width, 1);
  const LanesMaps to = forward_.size() == 1 ? out_.maps(group, output) : scratch(1, forward_[0].width, 1);
  const std::int64_t row = std::int64_t(seen.row) * lanes();
  for (int first = 0; first < rows; first += band_) {
    const int last = std::min(rows, first + band_);
    if (first) std::copy_n(seen.first + 2 * band_ * row, row, seen.first);  // the row that the band before has made
    const LanesMaps whole = {seen.first - 2 * first * row, seen.group, seen.row};
    const LanesProduct::Rows made = {2 * first + (first > 0), std::min(2 * last + 1, height)};
    product_->forward_rows(*in_, output, group, made, bias(output), whole);
    forward_[0].step->step_rows(output, group, first, last, seen, to);
  }
  forward_steps(output, group, 1, to, 1, 1);
}

// Where the step that goes by bands is the only one, all outputs do a band before the next: what they see of it is near.
void KeepsLanes::weights_by_bands(int group, int first, int last, const LanesMaps& buffer, float* sums,
                                  float* biases) const {
  const int rows = backward_[0].height, together = backward_.size() == 1 ? last - first : 1;
  for (int begin = first; begin < last; begin += together) {
    const LanesMaps at = together == 1 ? backward_steps(begin, group, 1, 1, nullptr) : LanesMaps();
    for (int band = 0; band < rows; band += band_) {
      for (int output = begin; output < begin + together; ++output) {
        if (!in_bands(output)) continue;
        float* of_output = sums + std::int64_t(product_->begin(output) - product_->begin(first)) * lanes();
        float* of_bias = biases ? biases + std::int64_t(output - first) * lanes() : nullptr;
        const LanesMaps diffs = together == 1 ? at : diffs_.maps(slot(diffs_, group), output);
        correlate_band(output, group, band, diffs, buffer, of_output, of_bias);
      }
    }
  }
}

// `at`: the gradients of what the step makes; `buffer` is room for those of a band of what comes in.
void KeepsLanes::correlate_band(int output, int group, int band, const LanesMaps& at, const LanesMaps& buffer,
                                float* sums, float* total) const {
  const int rows = backward_[0].height, height = static_cast<int>(shape_.out_height);
  const int first = 2 * band, last = band + band_ < rows ? first + 2 * band_ : height;
  backward_[0].step->step_rows_back(output, group, first, last, at, buffer);
  const LanesMaps whole = {buffer.first - std::int64_t(first) * buffer.row * lanes(), buffer.group, buffer.row};
  product_->correlate_rows(*in_, output, group, {first, last}, whole, sums, total);
}

}  // namespace fastcaffe
