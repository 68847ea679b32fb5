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

// After so many pixels a mask repeats itself, or the plane ends.
int period_of(const ConvolutionShape& s) {
  const std::int64_t repeated = std::lcm<std::int64_t>(s.width, lanes());
  return static_cast<int>(std::min(repeated, rounded(s.height * s.width, lanes())));
}

bool better_padded(const ConvolutionShape& s) {
  return as_wide(s) && s.width % kLine == 0 &&
         s.channels * s.kernel_w * shifted_floats(s) * std::int64_t(sizeof(float)) > kNearest;
}

}  // namespace

std::int64_t SparsePlanes::most_floats(const ConvolutionShape& s) {
  return s.channels * (better_padded(s) ? padded_rows(s) * padded_row(s) : s.kernel_w * shifted_floats(s));
}

bool SparsePlanes::possible(const ConvolutionShape& s) {
  return s.out_height * s.out_width >= lanes() && most_floats(s) <= INT32_MAX &&
         s.outputs * (s.channels / s.groups) * s.kernel_h * s.kernel_w <= INT32_MAX;
}

SparsePlanes::SparsePlanes(const ConvolutionShape& s)
    : s_(s),
      whole_(as_wide(s)),
      padded_(better_padded(s)),
      rows_(padded_rows(s)),
      phase_rows_(rows_of_phase(s)),
      row_(padded_ ? padded_row(s) : s.out_width),
      size_(padded_ ? rows_ * row_ : shifted_floats(s)),
      period_(period_of(s)) {
  if (padded_) add_tiles();
  for (int column = 0; whole_ && !padded_ && column < s.kernel_w; ++column) {
    for (int i = 0; i < period_; ++i) {
      const std::int64_t x = i % s.width + column * s.dilation_w - s.pad_w;
      masks_.push_back(x >= 0 && x < s.width ? -1 : 0);
    }
  }
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
  std::vector<std::int32_t> plane_of(s_.channels * s_.kernel_w, -1);
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
          std::int32_t& plane = plane_of[channel * s_.kernel_w + (padded_ ? 0 : x)];
          if (plane < 0) {
            plane = planes();
            used_.push_back({static_cast<std::int32_t>(channel), static_cast<std::int32_t>(x)});
          }
          lists->add(plane * size_ + row_at(y * s_.dilation_h) * row_ + (padded_ ? x * s_.dilation_w : 0), weight);
        }
      }
    }
  }
  lists->next();
}

void SparsePlanes::zero(float* to) const {
  if (padded_) std::fill(to, to + floats(), 0.f);
  if (padded_ || !whole_) return;  // by row, the zeros come with the rows
  for (float* plane = to; plane < to + floats(); plane += size_) {
    std::fill(plane, plane + s_.pad_h * row_, 0.f);
    std::fill(plane + (s_.pad_h + s_.height) * row_, plane + rows_ * row_, 0.f);
  }
}

void SparsePlanes::lay_out(int first, int last, const float* image, const float* begin, const float* end,
                           float* to) const {
  for (int i = first; i < last; ++i) {
    float* plane = to + i * size_;
    if (padded_) {
      copy_rows(image + used_[i].channel * s_.height * s_.width, static_cast<int>(s_.height),
                static_cast<int>(s_.width), plane + s_.pad_h * row_ + s_.pad_w, static_cast<int>(row_));
    } else if (whole_) {
      shift_whole(used_[i], image, begin, end, plane);
    } else {
      shift_by_row(used_[i], image, plane);
    }
  }
}

void SparsePlanes::shift_whole(const Used& used, const float* image, const float* begin, const float* end,
                               float* plane) const {
  const std::int64_t above = s_.pad_h * s_.width, inside = s_.height * s_.width;
  shift_plane(image + used.channel * inside, begin, end, static_cast<int>(used.column * s_.dilation_w - s_.pad_w),
              masks_.data() + used.column * period_, period_, static_cast<int>(inside), plane + above);
  const std::int64_t over = rounded(inside, lanes());  // the last vector has written into the zeros
  if (over > inside) std::fill(plane + above + inside, plane + above + over, 0.f);
}

void SparsePlanes::shift_by_row(const Used& used, const float* image, float* plane) const {
  const float* from = image + used.channel * s_.height * s_.width;
  const std::int64_t shift = used.column * s_.dilation_w - s_.pad_w;
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
  if (!padded_) {
    return convolve_sparse_rows(planes, lists.all.data(), lists.begin.data() + first, last - first,
                                biases ? biases + first : nullptr, pixels(), out);
  }
  for (int output = first; output < last; ++output, out += pixels()) {
    convolve_sparse_lanes(planes, static_cast<int>(row_) / lanes(), tiles_.data(), static_cast<int>(tiles_.size()),
                          lists.all.data(), lists.begin.data() + output, biases ? biases[output] : 0.f, out,
                          static_cast<int>(s_.width) / lanes());
  }
}

void SparsePlanes::correlate(const float* planes, const SynapseLists& lists, int output, const float* out_diff,
                             float* sums) const {
  const std::int32_t* begin = lists.begin.data() + output;
  if (!padded_) return correlate_sparse_rows(planes, lists.all.data(), begin, 1, out_diff, pixels(), sums);
  correlate_sparse_lanes(planes, static_cast<int>(row_) / lanes(), tiles_.data(), static_cast<int>(tiles_.size()),
                         out_diff, static_cast<int>(s_.width) / lanes(), lists.all.data(), begin,
                         sums + std::int64_t(*begin) * lanes());
}

}  // namespace fastcaffe
