// What the layers compute, as plain loops over every number: Caffe's definitions, in doubles where bits do not matter.
#pragma once

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <vector>

#include "convolution_shape.h"
#include "lrn_kernels.h"
#include "pooling_kernels.h"

namespace plain {

typedef std::vector<float> Floats;
typedef std::vector<double> Doubles;
using fastcaffe::ConvolutionShape;
using fastcaffe::Lrn;
using fastcaffe::Pool;

// Calls each(output number, weight number, input number) for each multiplication of a convolution.
template <class Each>
void multiplications(const ConvolutionShape& s, const Each& each) {
  const std::int64_t inputs = s.channels / s.groups, outputs = s.outputs / s.groups;
  for (std::int64_t n = 0; n < s.images; ++n)
    for (std::int64_t o = 0; o < s.outputs; ++o)
      for (std::int64_t y = 0; y < s.out_height; ++y)
        for (std::int64_t x = 0; x < s.out_width; ++x)
          for (std::int64_t i = 0; i < inputs; ++i)
            for (std::int64_t ky = 0; ky < s.kernel_h; ++ky)
              for (std::int64_t kx = 0; kx < s.kernel_w; ++kx) {
                const std::int64_t row = y * s.stride_h - s.pad_h + ky * s.dilation_h;
                const std::int64_t column = x * s.stride_w - s.pad_w + kx * s.dilation_w;
                if (row < 0 || row >= s.height || column < 0 || column >= s.width) continue;
                const std::int64_t channel = o / outputs * inputs + i;
                each(((n * s.outputs + o) * s.out_height + y) * s.out_width + x,
                     ((o * inputs + i) * s.kernel_h + ky) * s.kernel_w + kx,
                     ((n * s.channels + channel) * s.height + row) * s.width + column);
              }
}

// The bottom places begin..end of a window, along one side.
struct Span {
  int begin, end;
  Span(int out, int kernel, int stride, int pad, int size)
      : begin(std::max(0, out * stride - pad)), end(std::min(size, out * stride - pad + kernel)) {}
};

// Calls each(top place, bottom place, how many places AVE divides by) for each place of each window of one plane.
template <class Each>
void windows(const Pool& p, const Each& each) {
  for (int y = 0; y < p.out_height; ++y)
    for (int x = 0; x < p.out_width; ++x) {
      const Span rows(y, p.kernel_h, p.stride_h, p.pad_h, p.height);
      const Span columns(x, p.kernel_w, p.stride_w, p.pad_w, p.width);
      const int high = std::min(y * p.stride_h - p.pad_h + p.kernel_h, p.height + p.pad_h) - (y * p.stride_h - p.pad_h);
      const int wide = std::min(x * p.stride_w - p.pad_w + p.kernel_w, p.width + p.pad_w) - (x * p.stride_w - p.pad_w);
      for (int row = rows.begin; row < rows.end; ++row)
        for (int column = columns.begin; column < columns.end; ++column)
          each(y * p.out_width + x, row * p.width + column, high * wide);
    }
}

// The channels around one.
template <class Each>
void around(const Lrn& lrn, int channel, const Each& each) {
  const int half = (lrn.size - 1) / 2;
  for (int c = std::max(0, channel - half); c <= std::min(lrn.channels - 1, channel + half); ++c) each(c);
}

inline Doubles lrn_scale(const Lrn& lrn, const Floats& bottom) {
  Doubles scale(bottom.size(), lrn.k);
  for (int c = 0; c < lrn.channels; ++c)
    for (std::int64_t i = 0; i < lrn.pixels; ++i)
      around(lrn, c, [&](int other) {
        const double x = bottom[other * lrn.pixels + i];
        scale[c * lrn.pixels + i] += double(lrn.alpha) / lrn.size * x * x;
      });
  return scale;
}

inline Doubles lrn_top(const Lrn& lrn, const Floats& bottom) {
  const Doubles scale = lrn_scale(lrn, bottom);
  Doubles top(bottom.size());
  for (std::size_t i = 0; i < top.size(); ++i) top[i] = bottom[i] * std::pow(scale[i], -double(lrn.beta));
  return top;
}

inline Doubles lrn_bottom_diff(const Lrn& lrn, const Floats& bottom, const Floats& top_diff) {
  const Doubles scale = lrn_scale(lrn, bottom), top = lrn_top(lrn, bottom);
  Doubles diff(bottom.size());
  for (int c = 0; c < lrn.channels; ++c)
    for (std::int64_t i = 0; i < lrn.pixels; ++i) {
      const std::int64_t at = c * lrn.pixels + i;
      double ratios = 0;
      around(lrn, c, [&](int other) {
        const std::int64_t there = other * lrn.pixels + i;
        ratios += top_diff[there] * top[there] / scale[there];
      });
      const double factor = 2.0 * lrn.alpha * lrn.beta / lrn.size;
      diff[at] = top_diff[at] * std::pow(scale[at], -double(lrn.beta)) - factor * bottom[at] * ratios;
    }
  return diff;
}

}  // namespace plain
