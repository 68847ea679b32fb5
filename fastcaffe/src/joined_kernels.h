// What BatchNorm, Scale and ReLU, or Eltwise, ReLU and Split do to a blob, in one go.
#pragma once

#include <cstdint>

#include "channel_kernels.h"

namespace fastcaffe {

// Normalised numbers y = (x - mean) * factor, then z = y * gamma + beta, then perhaps max(z, 0): one of each a channel.
struct NormalisedScale {
  const float *means, *factors, *gammas, *betas;  // betas may be null
  bool rectified;
};
// y into `kept`, what becomes of it into `to`.
void normalise_and_scale(const Pieces& pieces, std::int64_t first, std::int64_t last, const float* x,
                         const NormalisedScale& scale, float* to, float* kept);
// The sums of the gradient with respect to z, and of that times y.
void sums_of_scaled(const Pieces& pieces, std::int64_t first, std::int64_t last, const float* diff, const float* y,
                    const NormalisedScale& scale, Sums* to);
// to = (gradient with respect to y - mean_diff - mean_product * y) * factor.
void normalise_and_scale_backward(const Pieces& pieces, std::int64_t first, std::int64_t last, const float* diff,
                                  const float* y, const NormalisedScale& scale, const float* mean_diffs,
                                  const float* mean_products, float* to);

// to = max((0 + x) + y, 0).
void rectified_sum(std::int64_t count, const float* x, const float* y, float* to);
// The gradient of that, whose results are in `top`, into one or two places. A second `more` is added to the first.
void rectified_sum_backward(std::int64_t count, const float* top, const float* diff, const float* more, float* to,
                            float* also_to);

}  // namespace fastcaffe
