// Sums of blobs, place by place.
#pragma once

#include <cstdint>

namespace fastcaffe {

// to = (0 + a * x) + b * y; the zero is Caffe's, which makes -0 to +0.
void weighted_sum(std::int64_t count, float a, const float* x, float b, const float* y, float* to);
// to = x + y.
void add(std::int64_t count, const float* x, const float* y, float* to);
// to = to + a * x.
void add_weighted(std::int64_t count, float a, const float* x, float* to);
// to = a * x.
void weighted(std::int64_t count, float a, const float* x, float* to);

}  // namespace fastcaffe
