#include "sparse_planes.h"

#include <algorithm>
#include <numeric>

#include "lanes_kernels.h"
#include "rows_kernels.h"
#include "sparse_rows_kernels.h"

namespace fastcaffe {
namespace {

constexpr std::int64_t kNearest = 32 << 10;  // bytes of the nearest cache
constexpr int kLine = 16;                    // floats of a cache line

std::int64_t rounded(std::int64_t count, std::int64_t step) { return (count + step - 1) / step * step; }

std::int64_t padded_rows(const ConvolutionShape& s) {
  return (s.out_height - 1) * s.stride_h + (s.kernel_h - 1) * s.dilation_h + 1;
}

std::int64_t rows_of_phase(const ConvolutionShape& s) { return (padded_rows(s) - 1) / s.stride_h + 1; }

// Of a shifted plane; what is beyond the last row is room for a vector that hangs over.
std::int64_t shifted_floats(const ConvolutionShape& s) {
  return rounded(rows_of_phase(s) * s.stride_h * s.out_width + lanes(), kLine);
}

bool as_wide(const ConvolutionShape& s) {
  return s.stride_h == 1 && s.stride_w == 1 && s.width == s.out_width && s.pad_h >= 0 && s.pad_w >= 0;
}

std::int64_t padded_row(const ConvolutionShape& s) { return rounded(s.width + 2 * s.pad_w, kLine); }

// After so many pixels a mask repeats itself, row by row, or the plane ends.
std::int64_t period_of(const ConvolutionShape& s, bool by_row) {
  const std::int64_t in = by_row ? s.height * s.width : 0;  // which may have more rows than what comes out
  const std::int64_t plane = rounded(std::max(s.out_height * s.out_width, in), lanes());
  return by_row ? std::min(plane, std::lcm<std::int64_t>(s.out_width, lanes())) : plane;
}

// What the outputs of a tile see.
bool tile_is_near(const ConvolutionShape& s) {
  const std::int64_t high = std::max<std::int64_t>(1, sparse_tile() * lanes() / s.out_width);
  const std::int64_t rows = high + (s.kernel_h - 1) * s.dilation_h;
  return s.channels * s.kernel_w * rows * s.out_width * std::int64_t(sizeof(float)) <= kNearest * 3 / 4;
}

}  // namespace

SparsePlanes::Layout SparsePlanes::layout_of(const ConvolutionShape& s) {
  if (!as_wide(s)) return Layout::kByRow;
  if (s.out_height * s.out_width <= kLine) return Layout::kTaps;
  const std::int64_t all = s.channels * s.kernel_w * shifted_floats(s) * std::int64_t(sizeof(float));
  if (s.width % kLine != 0 || all <= kNearest) return Layout::kShifted;
  return tile_is_near(s) ? Layout::kTiled : Layout::kPadded;
}

std::int64_t SparsePlanes::most_floats(const ConvolutionShape& s) {
  switch (layout_of(s)) {
    case Layout::kPadded: return s.channels * padded_rows(s) * padded_row(s);
    case Layout::kTaps: return s.channels * s.kernel_h * s.kernel_w * kLine;
    default: return s.channels * s.kernel_w * shifted_floats(s);
  }
}

bool SparsePlanes::possible(const ConvolutionShape& s) {
  return s.out_height * s.out_width >= lanes() && most_floats(s) <= INT32_MAX &&
         s.outputs * (s.channels / s.groups) * s.kernel_h * s.kernel_w <= INT32_MAX;
}

SparsePlanes::SparsePlanes(const ConvolutionShape& s)
    : s_(s),
      layout_(layout_of(s)),
      rows_(padded_rows(s)),
      phase_rows_(rows_of_phase(s)),
      row_(layout_ == Layout::kPadded ? padded_row(s) : s.out_width),
      size_(layout_ == Layout::kPadded ? rows_ * row_ : layout_ == Layout::kTaps ? kLine : shifted_floats(s)),
      period_(static_cast<int>(period_of(s, layout_ != Layout::kTaps))) {
  if (tiled()) add_tiles();
  const bool masked = layout_ != Layout::kPadded, taps = layout_ == Layout::kTaps;
  for (std::int64_t row = 0; masked && row < (taps ? s.kernel_h : 1); ++row) {
    for (std::int64_t column = 0; column < s.kernel_w; ++column) add_mask(row, column);
  }
}

// Rows that are outside are zeros where a plane is not a tap's.
void SparsePlanes::add_mask(std::int64_t row, std::int64_t column) {
  for (int i = 0; i < period_; ++i) {
    const std::int64_t x = i % s_.out_width * s_.stride_w + column * s_.dilation_w - s_.pad_w;
    const std::int64_t y = i / s_.out_width + row * s_.dilation_h - s_.pad_h;
    const bool inside = x >= 0 && x < s_.width && (layout_ != Layout::kTaps || (y >= 0 && y < s_.height));
    masks_.push_back(inside ? -1 : 0);
  }
}

ShiftedPlane SparsePlanes::shifted(std::int64_t channel, std::int64_t row, std::int64_t column) const {
  const bool tap = layout_ == Layout::kTaps;
  const std::int64_t down = tap ? row * s_.dilation_h - s_.pad_h : 0, right = column * s_.dilation_w - s_.pad_w;
  const std::int64_t mask = (tap ? row * s_.kernel_w : 0) + column;
  return {static_cast<std::int32_t>(channel), static_cast<std::int32_t>(down * s_.width + right),
          static_cast<std::int32_t>(mask * period_)};
}

// As many columns as a row has vectors, and rows as registers are left.
void SparsePlanes::add_tiles() {
  const int width = static_cast<int>(s_.width) / lanes(), row = static_cast<int>(row_) / lanes();
  int wide = 1;
  while (wide < sparse_tile() && width % (2 * wide) == 0) wide *= 2;
  for (int y = 0, high; y < s_.out_height; y += high) {
    high = sparse_tile() / wide;
    while (high > s_.out_height - y) high /= 2;
    for (int x = 0; x < width; x += wide) tiles_.push_back({high, wide, y * row + x, y * width + x, 0, 1});
  }
}

void SparsePlanes::list(const Pattern& pattern, bool turned, SynapseLists* lists) {
  const std::int64_t kernel = s_.kernel_h * s_.kernel_w, inputs = s_.channels / s_.groups;
  const std::int64_t outputs = s_.outputs / s_.groups;
  const bool taps = layout_ == Layout::kTaps, padded = layout_ == Layout::kPadded;
  std::vector<std::int32_t> plane_of(s_.channels * kernel, -1);
  lists->clear();
  used_.clear();
  for (std::int64_t output = 0; output < s_.outputs; ++output) {
    lists->next();
    const std::int64_t group = output / outputs;
    for (std::int64_t input = 0; input < inputs; ++input) {
      const std::int64_t channel = group * inputs + input;
      const std::int64_t first = kernel * (turned ? channel * outputs + output % outputs : output * inputs + input);
      for (std::int64_t x = 0; x < s_.kernel_w; ++x) {
        for (std::int64_t y = 0; y < s_.kernel_h; ++y) {
          const std::int64_t tap = y * s_.kernel_w + x, weight = first + (turned ? kernel - 1 - tap : tap);
          if (!pattern.exists(weight)) continue;
          std::int32_t& plane = plane_of[channel * kernel + (padded ? 0 : taps ? tap : x)];
          if (plane < 0) {
            plane = planes();
            used_.push_back(shifted(channel, y, x));
          }
          const std::int64_t down = taps ? 0 : row_at(y * s_.dilation_h) * row_, right = x * s_.dilation_w;
          lists->add(plane * size_ + down + (padded ? right : 0), weight);
        }
      }
    }
  }
  lists->next();
}

void SparsePlanes::zero(float* to) const {
  if (layout_ == Layout::kPadded) std::fill(to, to + floats(), 0.f);
}

void SparsePlanes::lay_out(int first, int last, const float* image, const float* begin, const float* end,
                           float* to) const {
  const std::int64_t channel = s_.height * s_.width;
  const int height = static_cast<int>(s_.height), width = static_cast<int>(s_.width), row = static_cast<int>(row_);
  const int step = static_cast<int>(s_.stride_w);
  const ShiftedPlane* used = used_.data() + first;
  to += first * size_;
  if (layout_ == Layout::kByRow && step <= 2) {
    const RowShifting by = {channel, size_, width, height, static_cast<int>(s_.pad_h), static_cast<int>(rows_),
                            static_cast<int>(phase_rows_), row, static_cast<int>(s_.stride_h), step, masks_.data()};
    return shift_rows(used, last - first, image, begin, end, by, to);
  }
  if (layout_ == Layout::kTaps) {
    const Shifting by = {channel, size_, 0, pixels(), pixels(), period_, masks_.data()};
    return shift_planes(used, last - first, image, begin, end, by, to);
  }
  if (layout_ == Layout::kShifted || layout_ == Layout::kTiled) {
    const Shifting by = {channel, size_, s_.pad_h * row_, channel, rows_ * row_, period_, masks_.data()};
    return shift_planes(used, last - first, image, begin, end, by, to);
  }
  for (; first < last; ++first, ++used, to += size_) {
    if (layout_ == Layout::kByRow) {
      shift_by_row(*used, image, to);
    } else {
      copy_rows(image + used->channel * channel, height, width, to + s_.pad_h * row_ + s_.pad_w, row);
    }
  }
}

void SparsePlanes::shift_by_row(const ShiftedPlane& used, const float* image, float* plane) const {
  const float* from = image + used.channel * s_.height * s_.width;
  const std::int64_t shift = used.shift;
  // The columns x of an output that see a pixel: 0 <= x * stride + shift < width.
  const std::int64_t first = std::min(s_.out_width, shift < 0 ? (-shift + s_.stride_w - 1) / s_.stride_w : 0);
  const std::int64_t seen = shift < s_.width ? (s_.width - 1 - shift) / s_.stride_w + 1 : 0;
  const std::int64_t last = std::max(first, std::min(s_.out_width, seen));
  for (std::int64_t row = 0; row < rows_; ++row) {
    float* to = plane + row_at(row) * s_.out_width;
    const std::int64_t y = row - s_.pad_h;
    if (y < 0 || y >= s_.height || first == last) {
      std::fill(to, to + s_.out_width, 0.f);
      continue;
    }
    std::fill(to, to + first, 0.f);
    const float* pixel = from + y * s_.width + first * s_.stride_w + shift;
    for (std::int64_t x = first; x < last; ++x, pixel += s_.stride_w) to[x] = *pixel;
    std::fill(to + last, to + s_.out_width, 0.f);
  }
}

void SparsePlanes::convolve(const float* planes, const SynapseLists& lists, int first, int last, const float* biases,
                            float* out) const {
  const Synapse* all = lists.all.data();
  const std::int32_t* begin = lists.begin.data() + first;
  if (biases) biases += first;
  if (!tiled()) return convolve_sparse_rows(planes, all, begin, last - first, biases, pixels(), out);
  const int row = static_cast<int>(row_) / lanes(), out_row = static_cast<int>(s_.width) / lanes();
  // Where a tile's planes are near, outputs go by beside them.
  const int together = layout_ == Layout::kTiled ? 1 : static_cast<int>(tiles_.size());
  for (std::size_t tile = 0; tile < tiles_.size(); tile += together) {
    for (int i = 0; i < last - first; ++i) {
      convolve_sparse_lanes(planes, row, tiles_.data() + tile, together, all, begin + i, {biases ? biases[i] : 0.f},
                            out + std::int64_t(i) * pixels(), out_row);
    }
  }
}

void SparsePlanes::correlate(const float* planes, const SynapseLists& lists, int output, const float* out_diff,
                             float* sums) const {
  const std::int32_t* begin = lists.begin.data() + output;
  if (!tiled()) return correlate_sparse_rows(planes, lists.all.data(), begin, 1, out_diff, pixels(), sums);
  correlate_sparse_lanes(planes, static_cast<int>(row_) / lanes(), tiles_.data(), static_cast<int>(tiles_.size()),
                         out_diff, static_cast<int>(s_.width) / lanes(), lists.all.data(), begin,
                         sums + std::int64_t(*begin) * lanes());
}

}  // namespace fastcaffe
