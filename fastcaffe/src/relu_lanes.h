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

// diff * ((x > 0) + slope * (x <= 0)): the three factors are those of positive, of other, and of no numbers.
template <int W>
FASTCAFFE_INLINE typename Lanes<W>::F gradient(typename Lanes<W>::F x, typename Lanes<W>::F diff, float slope) {
  typedef typename Lanes<W>::F F;
  const F zero = {};
  const F positive = same<F>(1 + slope * 0.f), other = same<F>(0 + slope * 1.f), neither = same<F>(0 + slope * 0.f);
  return diff * (x > zero ? positive : (x <= zero ? other : neither));
}

}  // namespace fastcaffe
