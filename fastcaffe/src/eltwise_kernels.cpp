#include "eltwise_kernels.h"

#include "simd.h"

namespace fastcaffe {
namespace {

template <int W>
FASTCAFFE_INLINE void weighted_sum_body(std::int64_t count, float a, const float* x, float b, const float* y,
                                        float* to) {
  for_stretch<W>(
      0, count, FASTCAFFE_EACH(at) {
        typedef typename Lanes<decltype(width)::value>::F F;
        store(to + at, (0.f + a * load<F>(x + at)) + b * load<F>(y + at));
      });
}

template <int W>
FASTCAFFE_INLINE void add_body(std::int64_t count, const float* x, const float* y, float* to) {
  for_stretch<W>(
      0, count, FASTCAFFE_EACH(at) {
        typedef typename Lanes<decltype(width)::value>::F F;
        store(to + at, load<F>(x + at) + load<F>(y + at));
      });
}

template <int W>
FASTCAFFE_INLINE void add_weighted_body(std::int64_t count, float a, const float* x, float* to) {
  for_stretch<W>(
      0, count, FASTCAFFE_EACH(at) {
        typedef typename Lanes<decltype(width)::value>::F F;
        store(to + at, load<F>(to + at) + a * load<F>(x + at));
      });
}

template <int W>
FASTCAFFE_INLINE void weighted_body(std::int64_t count, float a, const float* x, float* to) {
  for_stretch<W>(
      0, count, FASTCAFFE_EACH(at) { store(to + at, a * load<typename Lanes<decltype(width)::value>::F>(x + at)); });
}

}  // namespace

FASTCAFFE_KERNEL(weighted_sum, (std::int64_t count, float a, const float* x, float b, const float* y, float* to),
                 (count, a, x, b, y, to))
FASTCAFFE_KERNEL(add, (std::int64_t count, const float* x, const float* y, float* to), (count, x, y, to))
FASTCAFFE_KERNEL(add_weighted, (std::int64_t count, float a, const float* x, float* to), (count, a, x, to))
FASTCAFFE_KERNEL(weighted, (std::int64_t count, float a, const float* x, float* to), (count, a, x, to))

}  // namespace fastcaffe
