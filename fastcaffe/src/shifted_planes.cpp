#include "shifted_planes.h"

#include <algorithm>
#include <numeric>

#include "lanes_kernels.h"
#include "sparse_rows_kernels.h"

namespace fastcaffe {
namespace {

std::int64_t rounded(std::int64_t count, std::int64_t step) { return (count + step - 1) / step * step; }

std::int64_t padded_rows(const ConvolutionShape& s) {
  return (s.out_height - 1) * s.stride_h + (s.kernel_h - 1) * s.dilation_h + 1;
}

std::int64_t rows_of_phase(const ConvolutionShape& s) { return (padded_rows(s) - 1) / s.stride_h + 1; }

// Of one plane; what is beyond the last row is room for a vector that hangs over.
std::int64_t plane_floats(const ConvolutionShape& s) {
  return rounded(rows_of_phase(s) * s.stride_h * s.out_width + lanes(), 16);
}

}  // namespace

bool ShiftedPlanes::possible(const ConvolutionShape& s) {
  return s.out_height * s.out_width >= lanes() && s.channels * s.kernel_w * plane_floats(s) <= INT32_MAX &&
         s.outputs * (s.channels / s.groups) * s.kernel_h * s.kernel_w <= INT32_MAX;
}

ShiftedPlanes::ShiftedPlanes(const ConvolutionShape& s)
    : s_(s),
      whole_(s.stride_h == 1 && s.stride_w == 1 && s.width == s.out_width && s.pad_h >= 0),
      rows_(padded_rows(s)),
      phase_rows_(rows_of_phase(s)),
      size_(plane_floats(s)),
      period_(static_cast<int>(std::min(std::lcm<std::int64_t>(s.width, lanes()), rounded(s.height * s.width, lanes())))) {
  for (int column = 0; whole_ && column < s.kernel_w; ++column) {
    for (int i = 0; i < period_; ++i) {
      const std::int64_t x = i % s.width + column * s.dilation_w - s.pad_w;
      masks_.push_back(x >= 0 && x < s.width ? -1 : 0);
    }
  }
}

void ShiftedPlanes::list(const Pattern& pattern, bool turned, SynapseLists* lists) {
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
      const std::int64_t first = turned ? (channel * outputs + output % outputs) * kernel : (output * inputs + input) * kernel;
      for (std::int64_t x = 0; x < s_.kernel_w; ++x) {
        for (std::int64_t y = 0; y < s_.kernel_h; ++y) {
          const std::int64_t tap = y * s_.kernel_w + x, weight = first + (turned ? kernel - 1 - tap : tap);
          if (!pattern.exists(weight)) continue;
          std::int32_t& plane = plane_of[channel * s_.kernel_w + x];
          if (plane < 0) {
            plane = planes();
            used_.push_back({static_cast<std::int32_t>(channel), static_cast<std::int32_t>(x)});
          }
          lists->add(plane * size_ + row_at(y * s_.dilation_h) * s_.out_width, weight);
        }
      }
    }
  }
  lists->next();
}

void ShiftedPlanes::lay_out(int first, int last, const float* image, const float* begin, const float* end,
                            float* to) const {
  for (int i = first; i < last; ++i) {
    if (whole_) {
      shift_whole(used_[i], image, begin, end, to + i * size_);
    } else {
      shift_by_row(used_[i], image, to + i * size_);
    }
  }
}

void ShiftedPlanes::shift_whole(const Used& used, const float* image, const float* begin, const float* end,
                                float* plane) const {
  const std::int64_t above = s_.pad_h * s_.width, inside = (std::min(s_.height, rows_ - s_.pad_h)) * s_.width;
  std::fill(plane, plane + above, 0.f);
  shift_plane(image + used.channel * s_.height * s_.width, begin, end,
              static_cast<int>(used.column * s_.dilation_w - s_.pad_w), masks_.data() + used.column * period_, period_,
              static_cast<int>(inside), plane + above);
  std::fill(plane + above + inside, plane + rows_ * s_.width, 0.f);
}

void ShiftedPlanes::shift_by_row(const Used& used, const float* image, float* plane) const {
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

}  // namespace fastcaffe
