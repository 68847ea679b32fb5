// ReLU of a vector, to the last bit what Caffe computes, signed zeros and NaN included.
#pragma once

#include "simd.h"

namespace fastcaffe {

// max(x, 0) + slope * min(x, 0). With which operand a tie or a NaN ends is what the order of comparison says.
template <int W>
FASTCAFFE_INLINE typename Lanes<W>::F rectified(typename Lanes<W>::F x, float slope) {
  typedef typename Lanes<W>::F F;
  const F zero = {};
  return (x < zero ? zero : x) + slope * (zero < x ? zero : x);
}

// Without a slope: 0 * -inf is NaN here too.
template <int W>
FASTCAFFE_INLINE typename Lanes<W>::F rectified(typename Lanes<W>::F x) {
  const typename Lanes<W>::F zero = {};
  return x < zero ? x * zero + zero : x;
}

// Which numbers are positive: a bit a lane, the first one lowest. As assembly, because GCC 12 takes the lanes of a
// comparison apart one by one.
template <int W>
FASTCAFFE_INLINE std::uint16_t positive_bits(typename Lanes<W>::F x) {
  std::int32_t word = 0;
  const typename Lanes<W>::F zero = {};
#if FASTCAFFE_X86
  if constexpr (W == 16) {
    asm("vcmpps $30, %2, %1, %%k1\n\tkmovw %%k1, %0" : "=r"(word) : "v"(x), "v"(zero) : "k1");  // 30: greater
  } else if constexpr (W == 8) {
    asm("vmovmskps %1, %0" : "=r"(word) : "x"(x > zero));
  } else {
    asm("movmskps %1, %0" : "=r"(word) : "x"(x > zero));
  }
#else
  for (int i = 0; i < W; ++i) word |= (x > zero)[i] & 1 << i;
#endif
  return static_cast<std::uint16_t>(word);
}

// diff * ((x > 0) + slope * (x <= 0)): the three factors are those of positive, of other, and of no numbers.
template <int W>
FASTCAFFE_INLINE typename Lanes<W>::F gradient(typename Lanes<W>::F x, typename Lanes<W>::F diff, float slope) {
  typedef typename Lanes<W>::F F;
  const F zero = {};
  const F positive = same<F>(1 + slope * 0.f), other = same<F>(0 + slope * 1.f), neither = same<F>(0 + slope * 0.f);
  return diff * (x > zero ? positive : (x <= zero ? other : neither));
}

}  // namespace fastcaffe
