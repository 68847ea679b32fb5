#include "joined_kernels.h"

#include "channel_loops.h"
#include "relu_lanes.h"
#include "simd.h"

namespace fastcaffe {
namespace {

// What one channel's numbers are multiplied with.
struct Channel {
  float mean, factor, gamma, beta;

  Channel(const NormalisedScale& scale, std::int64_t channel)
      : mean(scale.means ? scale.means[channel] : 0),
        factor(scale.factors[channel]),
        gamma(scale.gammas[channel]),
        beta(scale.betas ? scale.betas[channel] : -0.f) {}
};

// The gradient with respect to z = y * gamma + beta.
template <bool RECTIFIED>
struct Through {
  const Channel& channel;

  template <class F>
  __attribute__((always_inline)) inline F operator()(F diff, F y) const {
    constexpr int W = sizeof(F) / sizeof(float);
    return RECTIFIED ? gradient<W>(y * channel.gamma + channel.beta, diff, 0) : diff;
  }
};

template <int W, bool RECTIFIED>
FASTCAFFE_INLINE void normalise_pieces(const Pieces& pieces, std::int64_t first, std::int64_t last, const float* x,
                                       const NormalisedScale& scale, float* to, float* kept) {
  for (std::int64_t piece = first; piece < last; ++piece) {
    const Channel channel(scale, piece % pieces.channels);
    for_copied<W>(
        pieces, piece * pieces.length, (piece + 1) * pieces.length, kept, FASTCAFFE_EACH(at) {
          constexpr int V = decltype(width)::value;
          const auto y = (load<typename Lanes<V>::F>(x + at) - channel.mean) * channel.factor;
          const auto z = y * channel.gamma + channel.beta;
          if constexpr (RECTIFIED) {
            store(to + at, rectified<V>(z, 0));
          } else {
            store(to + at, z);
          }
          return y;
        });
  }
  streams_end();
}

template <int W, bool RECTIFIED>
FASTCAFFE_INLINE void sum_pieces(const Pieces& pieces, std::int64_t first, std::int64_t last, const float* diff,
                                 const float* y, const NormalisedScale& scale, Sums* to) {
  for (std::int64_t piece = first; piece < last; ++piece) {
    const Channel channel(scale, piece % pieces.channels);
    to[piece] = sums_of<W>(piece * pieces.length, (piece + 1) * pieces.length, diff, y, Through<RECTIFIED>{channel},
                           FASTCAFFE_NOTHING);
  }
}

template <int W, bool RECTIFIED>
FASTCAFFE_INLINE void backward_pieces(const Pieces& pieces, std::int64_t first, std::int64_t last, const float* diff,
                                      const float* y, const NormalisedScale& scale, const float* mean_diffs,
                                      const float* mean_products, float* to) {
  for (std::int64_t piece = first; piece < last; ++piece) {
    const std::int64_t number = piece % pieces.channels;
    const Channel channel(scale, number);
    const Through<RECTIFIED> through = {channel};
    const float mean_diff = mean_diffs[number], mean_product = mean_products[number];
    for_stretch<W>(
        piece * pieces.length, (piece + 1) * pieces.length, FASTCAFFE_EACH(at) {
          typedef typename Lanes<decltype(width)::value>::F F;
          const F normal = load<F>(y + at), from = through(load<F>(diff + at), normal) * channel.gamma;
          store(to + at, (from - (mean_diff + mean_product * normal)) * channel.factor);
        });
  }
}

template <int W>
FASTCAFFE_INLINE void normalise_and_scale_body(const Pieces& pieces, std::int64_t first, std::int64_t last,
                                               const float* x, const NormalisedScale& scale, float* to, float* kept) {
  if (scale.rectified) return normalise_pieces<W, true>(pieces, first, last, x, scale, to, kept);
  normalise_pieces<W, false>(pieces, first, last, x, scale, to, kept);
}

template <int W>
FASTCAFFE_INLINE void sums_of_scaled_body(const Pieces& pieces, std::int64_t first, std::int64_t last,
                                          const float* diff, const float* y, const NormalisedScale& scale, Sums* to) {
  if (scale.rectified) return sum_pieces<W, true>(pieces, first, last, diff, y, scale, to);
  sum_pieces<W, false>(pieces, first, last, diff, y, scale, to);
}

template <int W>
FASTCAFFE_INLINE void normalise_and_scale_backward_body(const Pieces& pieces, std::int64_t first, std::int64_t last,
                                                        const float* diff, const float* y,
                                                        const NormalisedScale& scale, const float* mean_diffs,
                                                        const float* mean_products, float* to) {
  if (scale.rectified) {
    return backward_pieces<W, true>(pieces, first, last, diff, y, scale, mean_diffs, mean_products, to);
  }
  backward_pieces<W, false>(pieces, first, last, diff, y, scale, mean_diffs, mean_products, to);
}

template <int W>
FASTCAFFE_INLINE void rectified_sum_body(std::int64_t count, const float* x, const float* y, float* to) {
  for_stretch<W>(
      0, count, FASTCAFFE_EACH(at) {
        constexpr int V = decltype(width)::value;
        typedef typename Lanes<V>::F F;
        store(to + at, rectified<V>((0.f + load<F>(x + at)) + load<F>(y + at), 0));
      });
}

template <int W>
FASTCAFFE_INLINE void rectified_sum_backward_body(std::int64_t count, const float* top, const float* diff,
                                                  const float* more, float* to, float* also_to) {
  for_stretch<W>(
      0, count, FASTCAFFE_EACH(at) {
        constexpr int V = decltype(width)::value;
        typedef typename Lanes<V>::F F;
        const F all = more ? load<F>(diff + at) + load<F>(more + at) : load<F>(diff + at);
        const F from = gradient<V>(load<F>(top + at), all, 0);
        store(to + at, from);
        if (also_to) store(also_to + at, from);
      });
}

}  // namespace

FASTCAFFE_KERNEL(normalise_and_scale,
                 (const Pieces& pieces, std::int64_t first, std::int64_t last, const float* x,
                  const NormalisedScale& scale, float* to, float* kept),
                 (pieces, first, last, x, scale, to, kept))
FASTCAFFE_KERNEL(sums_of_scaled,
                 (const Pieces& pieces, std::int64_t first, std::int64_t last, const float* diff, const float* y,
                  const NormalisedScale& scale, Sums* to),
                 (pieces, first, last, diff, y, scale, to))
FASTCAFFE_KERNEL(normalise_and_scale_backward,
                 (const Pieces& pieces, std::int64_t first, std::int64_t last, const float* diff, const float* y,
                  const NormalisedScale& scale, const float* mean_diffs, const float* mean_products, float* to),
                 (pieces, first, last, diff, y, scale, mean_diffs, mean_products, to))
FASTCAFFE_KERNEL(rectified_sum, (std::int64_t count, const float* x, const float* y, float* to), (count, x, y, to))
FASTCAFFE_KERNEL(rectified_sum_backward,
                 (std::int64_t count, const float* top, const float* diff, const float* more, float* to,
                  float* also_to),
                 (count, top, diff, more, to, also_to))

}  // namespace fastcaffe
