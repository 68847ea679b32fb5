// The loops over a channel's numbers that BatchNorm, Scale, and both taken together are made of.
#pragma once

#include <algorithm>

#include "channel_kernels.h"
#include "simd.h"

namespace fastcaffe {

constexpr std::int64_t kFloats = 4096;             // that are summed as floats before the sum becomes a double
constexpr std::int64_t kStreamed = 512 * 1024;     // numbers of a blob that no second-level cache keeps
constexpr std::int64_t kAhead = 1024;               // numbers that are fetched ahead
constexpr std::int64_t kShortestStreamed = 8 * 16;  // numbers of a piece; shorter ones have too many broken lines

// The sum of the lanes, by halves.
template <int W>
FASTCAFFE_INLINE float lanes_sum(typename Lanes<W>::F x) {
  if constexpr (W == 1) {
    return x[0];
  } else {
    typename Lanes<W / 2>::F halves[2];
    __builtin_memcpy(halves, &x, sizeof x);
    return lanes_sum<W / 2>(halves[0] + halves[1]);
  }
}

// The sum of value(width, place) over first..last. Four vectors are summed side by side, else each waits for the last.
template <int W, class Value>
FASTCAFFE_INLINE double sum_over(std::int64_t first, std::int64_t last, const Value& value) {
  typedef typename Lanes<W>::F F;
  double total = 0;
  for (std::int64_t at = first; at < last;) {
    const std::int64_t end = std::min(at + kFloats, last);
    F sums[4] = {};
    float rest = 0;
    for (; at + 4 * W <= end; at += 4 * W) {
#pragma GCC unroll 4
      for (int k = 0; k < 4; ++k) sums[k] += value(Width<W>(), at + k * W);
    }
    for (; at + W <= end; at += W) sums[0] += value(Width<W>(), at);
    for (; at < end; ++at) rest += value(Width<1>(), at)[0];
    total += lanes_sum<W>((sums[0] + sums[1]) + (sums[2] + sums[3])) + rest;
  }
  return total;
}

template <int W>
FASTCAFFE_INLINE double sum_of(std::int64_t first, std::int64_t last, const float* x) {
  return sum_over<W>(
      first, last, FASTCAFFE_EACH(at) { return load<typename Lanes<decltype(width)::value>::F>(x + at); });
}

// The sums of v = of(x, y) and of v * y over first..last, and each(width, place, v) at every place. What the forward
// pass kept in y comes from memory; processors fetch ahead by themselves, but stop at the end of each 4 KB.
template <int W, class Of, class Each>
FASTCAFFE_INLINE Sums sums_of(std::int64_t first, std::int64_t last, const float* x, const float* y, const Of& of,
                              const Each& each) {
  typedef typename Lanes<W>::F F;
  Sums total = {0, 0};
  for (std::int64_t at = first; at < last;) {
    const std::int64_t end = std::min(at + kFloats, last);
    F of_x[4] = {}, of_products[4] = {};
    float x_rest = 0, products_rest = 0;
    for (; at + 4 * W <= end; at += 4 * W) {
#pragma GCC unroll 4
      for (int k = 0; k < 4; ++k) {
        __builtin_prefetch(y + at + k * W + kAhead);
        const F other = load<F>(y + at + k * W), value = of(load<F>(x + at + k * W), other);
        of_x[k] += value;
        of_products[k] += value * other;
        each(Width<W>(), at + k * W, value);
      }
    }
    for (; at + W <= end; at += W) {
      const F other = load<F>(y + at), value = of(load<F>(x + at), other);
      of_x[0] += value;
      of_products[0] += value * other;
      each(Width<W>(), at, value);
    }
    for (; at < end; ++at) {
      const auto other = load<Lanes<1>::F>(y + at), value = of(load<Lanes<1>::F>(x + at), other);
      x_rest += value[0];
      products_rest += value[0] * other[0];
      each(Width<1>(), at, value);
    }
    total.of_x += lanes_sum<W>((of_x[0] + of_x[1]) + (of_x[2] + of_x[3])) + x_rest;
    total.of_products +=
        lanes_sum<W>((of_products[0] + of_products[1]) + (of_products[2] + of_products[3])) + products_rest;
  }
  return total;
}

// For sums_of: v = x, and nothing at each place.
#define FASTCAFFE_ITSELF [](auto x, auto) __attribute__((always_inline)) { return x; }
#define FASTCAFFE_NOTHING [](auto, std::int64_t, auto) __attribute__((always_inline)) {}

// Calls each(width, place, where a copy goes) over first..last. Copies that are read much later, by the backward pass,
// go straight to memory if they are long: reading their old contents first would take as long as writing.
template <int W, class Each>
FASTCAFFE_INLINE void for_copied(const Pieces& pieces, std::int64_t first, std::int64_t last, float* copy,
                                 const Each& each) {
  const bool streamed = copy && pieces.length >= kShortestStreamed && pieces.count() * pieces.length >= kStreamed;
  std::int64_t at = first;
  if (streamed) {
    const auto whole = reinterpret_cast<std::uintptr_t>(copy + first) / sizeof(float) % W;
    const std::int64_t aligned = first + (W - whole) % W;
    for (; at < aligned; ++at) store(copy + at, each(Width<1>(), at));
    for (; at + W <= last; at += W) stream<W>(copy + at, each(Width<W>(), at));
    for (; at < last; ++at) store(copy + at, each(Width<1>(), at));
  } else if (copy) {
    for_stretch<W>(first, last, FASTCAFFE_EACH(place) { store(copy + place, each(width, place)); });
  } else {
    for_stretch<W>(first, last, FASTCAFFE_EACH(place) { each(width, place); });
  }
}

}  // namespace fastcaffe
