// ReLU over a stretch of numbers, to the last bit what Caffe computes, signed zeros and NaN included.
#pragma once

#include <cstdint>

namespace fastcaffe {

void relu_forward(const float* bottom, float* top, std::int64_t count, float slope);
void relu_backward(const float* bottom, const float* top_diff, float* bottom_diff, std::int64_t count, float slope);

}  // namespace fastcaffe
