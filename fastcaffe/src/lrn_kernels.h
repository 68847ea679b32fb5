// Local response normalisation across channels: top = bottom * scale^-beta with
// scale = k + alpha / size * (sum of the squares of the `size` channels around).
#pragma once

#include <cstdint>

namespace fastcaffe {

struct Lrn {
  int channels, size;
  std::int64_t pixels;  // of a plane
  float alpha, beta, k;
};

// Whether there is code for a beta: 0.5, 0.75 and 1, which need only roots.
bool lrn_covers(float beta);

// One image each, of it the pixels first..last.
void lrn_forward(const Lrn& lrn, std::int64_t first, std::int64_t last, const float* bottom, float* scale, float* top);
void lrn_backward(const Lrn& lrn, std::int64_t first, std::int64_t last, const float* bottom, const float* scale,
                  const float* top, const float* top_diff, float* bottom_diff);

}  // namespace fastcaffe
