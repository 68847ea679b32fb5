#include "relu_kernels.h"

#include "relu_lanes.h"
#include "simd.h"

namespace fastcaffe {
namespace {

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
