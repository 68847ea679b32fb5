#include "channel_kernels.h"

#include "channel_loops.h"
#include "simd.h"

namespace fastcaffe {
namespace {

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

template <int W>
FASTCAFFE_INLINE void sums_body(const Pieces& pieces, std::int64_t first, std::int64_t last, const float* x,
                                const float* y, Sums* to) {
  for (std::int64_t piece = first; piece < last; ++piece) {
    to[piece] = sums_of<W>(piece * pieces.length, (piece + 1) * pieces.length, x, y, FASTCAFFE_ITSELF,
                           FASTCAFFE_NOTHING);
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
        begin, end, diff, x, FASTCAFFE_ITSELF,
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
