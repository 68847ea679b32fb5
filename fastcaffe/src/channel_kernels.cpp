#include "channel_kernels.h"

#include <algorithm>

#include "simd.h"

namespace fastcaffe {
namespace {

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

template <int W>
FASTCAFFE_INLINE void total_body(std::int64_t count, const float* x, double* to) {
  *to = sum_of<W>(0, count, x);
}

template <int W>
FASTCAFFE_INLINE void moments_body(const Pieces& pieces, std::int64_t first, std::int64_t last, const float* x,
                                   Moments* to) {
  for (std::int64_t piece = first; piece < last; ++piece) {
    const std::int64_t begin = piece * pieces.length, end = begin + pieces.length;
    const double sum = sum_of<W>(begin, end, x);
    const float mean = sum / pieces.length;
    const double squares = sum_over<W>(
        begin, end, FASTCAFFE_EACH(at) {
          const auto away = load<typename Lanes<decltype(width)::value>::F>(x + at) - mean;
          return away * away;
        });
    to[piece] = {sum, squares};
  }
}

// The sums of x and of x * y over first..last, and each(width, place, x) at every place. What the forward pass kept in
// y comes from memory; processors fetch ahead by themselves, but stop at the end of each 4 KB.
template <int W, class Each>
FASTCAFFE_INLINE Sums sums_of(std::int64_t first, std::int64_t last, const float* x, const float* y, const Each& each) {
  typedef typename Lanes<W>::F F;
  Sums total = {0, 0};
  for (std::int64_t at = first; at < last;) {
    const std::int64_t end = std::min(at + kFloats, last);
    F of_x[4] = {}, of_products[4] = {};
    float x_rest = 0, products_rest = 0;
    for (; at + 4 * W <= end; at += 4 * W) {
#pragma GCC unroll 4
      for (int k = 0; k < 4; ++k) {
        const F value = load<F>(x + at + k * W);
        __builtin_prefetch(y + at + k * W + kAhead);
        of_x[k] += value;
        of_products[k] += value * load<F>(y + at + k * W);
        each(Width<W>(), at + k * W, value);
      }
    }
    for (; at + W <= end; at += W) {
      const F value = load<F>(x + at);
      of_x[0] += value;
      of_products[0] += value * load<F>(y + at);
      each(Width<W>(), at, value);
    }
    for (; at < end; ++at) {
      x_rest += x[at];
      products_rest += x[at] * y[at];
      each(Width<1>(), at, load<Lanes<1>::F>(x + at));
    }
    total.of_x += lanes_sum<W>((of_x[0] + of_x[1]) + (of_x[2] + of_x[3])) + x_rest;
    total.of_products +=
        lanes_sum<W>((of_products[0] + of_products[1]) + (of_products[2] + of_products[3])) + products_rest;
  }
  return total;
}

template <int W>
FASTCAFFE_INLINE void sums_body(const Pieces& pieces, std::int64_t first, std::int64_t last, const float* x,
                                const float* y, Sums* to) {
  for (std::int64_t piece = first; piece < last; ++piece) {
    to[piece] = sums_of<W>(piece * pieces.length, (piece + 1) * pieces.length, x, y,
                           [](auto, std::int64_t, auto) __attribute__((always_inline)) {});
  }
}

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

template <int W>
FASTCAFFE_INLINE void normalise_body(const Pieces& pieces, std::int64_t first, std::int64_t last, const float* x,
                                     const float* means, const float* factors, float* to, float* copy) {
  for (std::int64_t piece = first; piece < last; ++piece) {
    const float mean = means[piece % pieces.channels], factor = factors[piece % pieces.channels];
    for_copied<W>(
        pieces, piece * pieces.length, (piece + 1) * pieces.length, copy, FASTCAFFE_EACH(at) {
          const auto y = (load<typename Lanes<decltype(width)::value>::F>(x + at) - mean) * factor;
          store(to + at, y);
          return y;
        });
  }
  streams_end();
}

template <int W>
FASTCAFFE_INLINE void normalise_backward_body(const Pieces& pieces, std::int64_t first, std::int64_t last,
                                              const float* diff, const float* y, const float* mean_diffs,
                                              const float* mean_products, const float* factors, float* to) {
  for (std::int64_t piece = first; piece < last; ++piece) {
    const std::int64_t channel = piece % pieces.channels;
    const float mean_diff = mean_diffs[channel], mean_product = mean_products[channel], factor = factors[channel];
    for_stretch<W>(
        piece * pieces.length, (piece + 1) * pieces.length, FASTCAFFE_EACH(at) {
          typedef typename Lanes<decltype(width)::value>::F F;
          store(to + at, (load<F>(diff + at) - (mean_diff + mean_product * load<F>(y + at))) * factor);
        });
  }
}

template <int W>
FASTCAFFE_INLINE void scale_body(const Pieces& pieces, std::int64_t first, std::int64_t last, const float* x,
                                 const float* factors, const float* biases, float* to, float* copy) {
  for (std::int64_t piece = first; piece < last; ++piece) {
    const float factor = factors[piece % pieces.channels], bias = biases ? biases[piece % pieces.channels] : -0.f;
    for_copied<W>(
        pieces, piece * pieces.length, (piece + 1) * pieces.length, copy, FASTCAFFE_EACH(at) {
          const auto value = load<typename Lanes<decltype(width)::value>::F>(x + at);
          store(to + at, value * factor + bias);
          return value;
        });
  }
  streams_end();
}

template <int W>
FASTCAFFE_INLINE void scale_backward_body(const Pieces& pieces, std::int64_t first, std::int64_t last,
                                          const float* diff, const float* x, const float* factors, float* to,
                                          Sums* totals) {
  for (std::int64_t piece = first; piece < last; ++piece) {
    const std::int64_t begin = piece * pieces.length, end = begin + pieces.length;
    const float factor = factors[piece % pieces.channels];
    totals[piece] = sums_of<W>(
        begin, end, diff, x,
        [&](auto, std::int64_t at, auto value) __attribute__((always_inline)) { store(to + at, value * factor); });
  }
}

FASTCAFFE_KERNEL(total, (std::int64_t count, const float* x, double* to), (count, x, to))

}  // namespace

double sum(std::int64_t count, const float* x) {
  double result;
  total(count, x, &result);
  return result;
}

FASTCAFFE_KERNEL(moments,
                 (const Pieces& pieces, std::int64_t first, std::int64_t last, const float* x, Moments* to),
                 (pieces, first, last, x, to))
FASTCAFFE_KERNEL(sums,
                 (const Pieces& pieces, std::int64_t first, std::int64_t last, const float* x, const float* y,
                  Sums* to),
                 (pieces, first, last, x, y, to))
FASTCAFFE_KERNEL(normalise,
                 (const Pieces& pieces, std::int64_t first, std::int64_t last, const float* x, const float* means,
                  const float* factors, float* to, float* copy),
                 (pieces, first, last, x, means, factors, to, copy))
FASTCAFFE_KERNEL(normalise_backward,
                 (const Pieces& pieces, std::int64_t first, std::int64_t last, const float* diff, const float* y,
                  const float* mean_diffs, const float* mean_products, const float* factors, float* to),
                 (pieces, first, last, diff, y, mean_diffs, mean_products, factors, to))
FASTCAFFE_KERNEL(scale,
                 (const Pieces& pieces, std::int64_t first, std::int64_t last, const float* x, const float* factors,
                  const float* biases, float* to, float* copy),
                 (pieces, first, last, x, factors, biases, to, copy))
FASTCAFFE_KERNEL(scale_backward,
                 (const Pieces& pieces, std::int64_t first, std::int64_t last, const float* diff, const float* x,
                  const float* factors, float* to, Sums* totals),
                 (pieces, first, last, diff, x, factors, to, totals))

}  // namespace fastcaffe
