#include "relu_kernels.h"

#include "simd.h"

namespace fastcaffe {
namespace {

// max(x, 0) + slope * min(x, 0). With which operand a tie or a NaN ends is what the order of comparison says.
template <int W>
FASTCAFFE_INLINE typename Lanes<W>::F rectified(typename Lanes<W>::F x, float slope) {
  typedef typename Lanes<W>::F F;
  const F zero = {};
  return (x < zero ? zero : x) + slope * (zero < x ? zero : x);
}

// diff * ((x > 0) + slope * (x <= 0)): the three factors are those of positive, of other, and of no numbers.
template <int W>
FASTCAFFE_INLINE typename Lanes<W>::F gradient(typename Lanes<W>::F x, typename Lanes<W>::F diff, float slope) {
  typedef typename Lanes<W>::F F;
  const F zero = {};
  const F positive = same<F>(1 + slope * 0.f), other = same<F>(0 + slope * 1.f), neither = same<F>(0 + slope * 0.f);
  return diff * (x > zero ? positive : (x <= zero ? other : neither));
}

template <int W>
FASTCAFFE_INLINE void relu_forward_body(const float* bottom, float* top, std::int64_t count, float slope) {
  for_stretch<W>(
      0, count, FASTCAFFE_EACH(at) {
        constexpr int V = decltype(width)::value;
        store(top + at, rectified<V>(load<typename Lanes<V>::F>(bottom + at), slope));
      });
}

template <int W>
FASTCAFFE_INLINE void relu_backward_body(const float* bottom, const float* top_diff, float* bottom_diff,
                                         std::int64_t count, float slope) {
  for_stretch<W>(
      0, count, FASTCAFFE_EACH(at) {
        constexpr int V = decltype(width)::value;
        typedef typename Lanes<V>::F F;
        store(bottom_diff + at, gradient<V>(load<F>(bottom + at), load<F>(top_diff + at), slope));
      });
}

}  // namespace

FASTCAFFE_KERNEL(relu_forward, (const float* bottom, float* top, std::int64_t count, float slope),
                 (bottom, top, count, slope))
FASTCAFFE_KERNEL(relu_backward,
                 (const float* bottom, const float* top_diff, float* bottom_diff, std::int64_t count, float slope),
                 (bottom, top_diff, bottom_diff, count, slope))

}  // namespace fastcaffe
