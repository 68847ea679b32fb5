#include "channel_kernels.h"

#include "simd.h"

namespace fastcaffe {
namespace {

template <int W>
FASTCAFFE_INLINE double lanes_sum(typename Lanes<W>::F x) {
  double total = 0;
  for (int i = 0; i < W; ++i) total += x[i];
  return total;
}

constexpr std::int64_t kFloats = 4096;  // that are summed as floats, over all lanes, before the sum becomes a double

// The sum of value(width, place) over all pieces. Four vectors are summed side by side, else each waits for the last.
template <int W, class Value>
FASTCAFFE_INLINE double sum_over(const Pieces& pieces, const Value& value) {
  typedef typename Lanes<W>::F F;
  F sums[4] = {};
  double total = 0;
  std::int64_t summed = 0;
  for (std::int64_t piece = 0; piece < pieces.count; ++piece) {
    std::int64_t at = piece * pieces.distance;
    const std::int64_t end = at + pieces.length;
    for (; at + 4 * W <= end; at += 4 * W) {
#pragma GCC unroll 4
      for (int k = 0; k < 4; ++k) sums[k] += value(Width<W>(), at + k * W);
    }
    for (; at + W <= end; at += W) sums[0] += value(Width<W>(), at);
    for (; at < end; ++at) total += value(Width<1>(), at)[0];
    summed += pieces.length;
    if (summed < kFloats && piece + 1 < pieces.count) continue;
    total += lanes_sum<W>((sums[0] + sums[1]) + (sums[2] + sums[3]));
#pragma GCC unroll 4
    for (int k = 0; k < 4; ++k) sums[k] = F{};
    summed = 0;
  }
  return total;
}

template <int W>
FASTCAFFE_INLINE void total_body(const Pieces& pieces, const float* x, double* total) {
  *total = sum_over<W>(pieces, FASTCAFFE_EACH(at) { return load<typename Lanes<decltype(width)::value>::F>(x + at); });
}

template <int W>
FASTCAFFE_INLINE void squares_body(const Pieces& pieces, const float* x, float middle, double* total) {
  *total = sum_over<W>(
      pieces, FASTCAFFE_EACH(at) {
        const auto away = load<typename Lanes<decltype(width)::value>::F>(x + at) - middle;
        return away * away;
      });
}

template <int W>
FASTCAFFE_INLINE void both_body(const Pieces& pieces, const float* x, const float* y, Sums* totals) {
  total_body<W>(pieces, x, &totals->of_x);
  totals->of_products = sum_over<W>(
      pieces, FASTCAFFE_EACH(at) {
        typedef typename Lanes<decltype(width)::value>::F F;
        return load<F>(x + at) * load<F>(y + at);
      });
}

template <int W>
FASTCAFFE_INLINE void normalise_body(const Pieces& pieces, const float* x, float mean, float deviation, float* to,
                                     float* copy) {
  for (std::int64_t piece = 0; piece < pieces.count; ++piece) {
    const std::int64_t begin = piece * pieces.distance;
    for_stretch<W>(
        begin, begin + pieces.length, FASTCAFFE_EACH(at) {
          const auto y = (load<typename Lanes<decltype(width)::value>::F>(x + at) - mean) / deviation;
          store(to + at, y);
          if (copy) store(copy + at, y);
        });
  }
}

template <int W>
FASTCAFFE_INLINE void normalise_backward_body(const Pieces& pieces, const float* diff, const float* y, float mean_diff,
                                              float mean_product, float deviation, float* to) {
  for (std::int64_t piece = 0; piece < pieces.count; ++piece) {
    const std::int64_t begin = piece * pieces.distance;
    for_stretch<W>(
        begin, begin + pieces.length, FASTCAFFE_EACH(at) {
          typedef typename Lanes<decltype(width)::value>::F F;
          store(to + at, (load<F>(diff + at) - (mean_diff + mean_product * load<F>(y + at))) / deviation);
        });
  }
}

template <int W>
FASTCAFFE_INLINE void scale_body(const Pieces& pieces, const float* x, float factor, float bias, float* to,
                                 float* copy) {
  for (std::int64_t piece = 0; piece < pieces.count; ++piece) {
    const std::int64_t begin = piece * pieces.distance;
    for_stretch<W>(
        begin, begin + pieces.length, FASTCAFFE_EACH(at) {
          const auto value = load<typename Lanes<decltype(width)::value>::F>(x + at);
          if (copy) store(copy + at, value);
          store(to + at, value * factor + bias);
        });
  }
}

FASTCAFFE_KERNEL(total, (const Pieces& pieces, const float* x, double* total), (pieces, x, total))
FASTCAFFE_KERNEL(squares, (const Pieces& pieces, const float* x, float middle, double* total),
                 (pieces, x, middle, total))
FASTCAFFE_KERNEL(both, (const Pieces& pieces, const float* x, const float* y, Sums* totals), (pieces, x, y, totals))

}  // namespace

double sum(const Pieces& pieces, const float* x) {
  double result;
  total(pieces, x, &result);
  return result;
}

double sum_of_squares_around(const Pieces& pieces, const float* x, float middle) {
  double result;
  squares(pieces, x, middle, &result);
  return result;
}

Sums sums(const Pieces& pieces, const float* x, const float* y) {
  Sums result;
  both(pieces, x, y, &result);
  return result;
}

FASTCAFFE_KERNEL(normalise, (const Pieces& pieces, const float* x, float mean, float deviation, float* to, float* copy),
                 (pieces, x, mean, deviation, to, copy))
FASTCAFFE_KERNEL(normalise_backward,
                 (const Pieces& pieces, const float* diff, const float* y, float mean_diff, float mean_product,
                  float deviation, float* to),
                 (pieces, diff, y, mean_diff, mean_product, deviation, to))
FASTCAFFE_KERNEL(scale, (const Pieces& pieces, const float* x, float factor, float bias, float* to, float* copy),
                 (pieces, x, factor, bias, to, copy))

}  // namespace fastcaffe
