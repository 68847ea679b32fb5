#include "lrn_kernels.h"

#include <algorithm>

#include "simd.h"
#include "threads.h"

namespace fastcaffe {
namespace {

constexpr int kPixels = 64;  // at a time: those of all channels stay in the nearest caches

template <int W>
FASTCAFFE_INLINE typename Lanes<W>::F root(typename Lanes<W>::F x) {
  typename Lanes<W>::F y;
  for (int i = 0; i < W; ++i) y[i] = __builtin_sqrtf(x[i]);
  return y;
}

// scale^-beta.
template <int W>
FASTCAFFE_INLINE typename Lanes<W>::F power(typename Lanes<W>::F scale, float beta) {
  const typename Lanes<W>::F one = same<typename Lanes<W>::F>(1.f);
  if (beta == 0.75f) return one / root<W>(scale * root<W>(scale));
  return one / (beta == 0.5f ? root<W>(scale) : scale);
}

template <int W>
FASTCAFFE_INLINE void scale_vector(const Lrn& lrn, int channel, const float* bottom, float* scale, float* top) {
  typedef typename Lanes<W>::F F;
  const int half = lrn.size / 2, begin = std::max(0, channel - half), end = std::min(lrn.channels, channel + half + 1);
  F sum = {};
  for (int c = begin; c < end; ++c) {
    const F x = load<F>(bottom + (c - channel) * lrn.pixels);
    sum += x * x;
  }
  const F s = lrn.k + lrn.alpha / lrn.size * sum;
  store(scale, s);
  store(top, load<F>(bottom) * power<W>(s, lrn.beta));
}

template <int W>
FASTCAFFE_INLINE void lrn_forward_body(const Lrn& lrn, std::int64_t first, std::int64_t last, const float* bottom,
                                       float* scale, float* top) {
  for (std::int64_t begin = first; begin < last; begin += kPixels) {
    const std::int64_t end = std::min(begin + kPixels, last);
    for (int channel = 0; channel < lrn.channels; ++channel) {
      const std::int64_t plane = channel * lrn.pixels;
      for_stretch<W>(
          plane + begin, plane + end, FASTCAFFE_EACH(at) {
            scale_vector<decltype(width)::value>(lrn, channel, bottom + at, scale + at, top + at);
          });
    }
  }
}

template <int W>
FASTCAFFE_INLINE void ratio_vector(const float* top_diff, const float* top, const float* scale, float* ratio) {
  typedef typename Lanes<W>::F F;
  store(ratio, load<F>(top_diff) * load<F>(top) / load<F>(scale));
}

template <int W>
FASTCAFFE_INLINE void diff_vector(const Lrn& lrn, int channel, const float* ratio, const float* bottom,
                                  const float* scale, const float* top_diff, float* bottom_diff) {
  typedef typename Lanes<W>::F F;
  const int half = lrn.size / 2, begin = std::max(0, channel - half), end = std::min(lrn.channels, channel + half + 1);
  F sum = {};
  for (int c = begin; c < end; ++c) sum += load<F>(ratio + (c - channel) * kPixels);
  const float factor = 2.f * lrn.alpha * lrn.beta / lrn.size;
  store(bottom_diff, load<F>(top_diff) * power<W>(load<F>(scale), lrn.beta) - factor * load<F>(bottom) * sum);
}

// d bottom[i] = d top[i] * scale[i]^-beta - 2 alpha beta / size * bottom[i] * sum over j around i of
// d top[j] * top[j] / scale[j].
template <int W>
FASTCAFFE_INLINE void lrn_backward_body(const Lrn& lrn, std::int64_t first, std::int64_t last, const float* bottom,
                                        const float* scale, const float* top, const float* top_diff,
                                        float* bottom_diff) {
  float* ratios = Scratch::floats(std::int64_t(lrn.channels) * kPixels);
  for (std::int64_t begin = first; begin < last; begin += kPixels) {
    const std::int64_t end = std::min(begin + kPixels, last);
    for (int channel = 0; channel < lrn.channels; ++channel) {
      const std::int64_t plane = channel * lrn.pixels;
      float* ratio = ratios + channel * kPixels - (plane + begin);
      for_stretch<W>(
          plane + begin, plane + end, FASTCAFFE_EACH(at) {
            ratio_vector<decltype(width)::value>(top_diff + at, top + at, scale + at, ratio + at);
          });
    }
    for (int channel = 0; channel < lrn.channels; ++channel) {
      const std::int64_t plane = channel * lrn.pixels;
      const float* ratio = ratios + channel * kPixels - (plane + begin);
      for_stretch<W>(
          plane + begin, plane + end, FASTCAFFE_EACH(at) {
            diff_vector<decltype(width)::value>(lrn, channel, ratio + at, bottom + at, scale + at, top_diff + at,
                                                bottom_diff + at);
          });
    }
  }
}

}  // namespace

bool lrn_covers(float beta) { return beta == 0.5f || beta == 0.75f || beta == 1.f; }

FASTCAFFE_KERNEL(lrn_forward,
                 (const Lrn& lrn, std::int64_t first, std::int64_t last, const float* bottom, float* scale, float* top),
                 (lrn, first, last, bottom, scale, top))
FASTCAFFE_KERNEL(lrn_backward,
                 (const Lrn& lrn, std::int64_t first, std::int64_t last, const float* bottom, const float* scale,
                  const float* top, const float* top_diff, float* bottom_diff),
                 (lrn, first, last, bottom, scale, top, top_diff, bottom_diff))

}  // namespace fastcaffe
