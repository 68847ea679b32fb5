// Pooling and ReLU of a map with one image a lane of a vector: no lanes need be taken apart for windows, because each
// vector is one place of its images. `..._row`: vectors from one row to the next.
#pragma once

#include <cstdint>

#include "pooling_kernels.h"

namespace fastcaffe {

// max(x, 0), and which numbers are positive: a word a vector, a bit a lane, the first one lowest. In and out may be the
// same.
void rectify_map(const float* in, int in_row, int rows, int columns, float* out, int out_row, std::uint16_t* positive);
void rectify_map_backward(const float* out_diff, int out_row, int rows, int columns, const std::uint16_t* positive,
                          float* in_diff, int in_row);

// `at` gets a byte for each number of the top: which place of its window the maximum has; kNoMaximum if none is more
// than -FLT_MAX, as where all are NaN.
constexpr int kNoMaximum = 255;
void max_pool_map(const Pool& pool, const float* in, int in_row, float* out, int out_row, std::uint8_t* at);
void max_pool_map_backward(const Pool& pool, const float* out_diff, int out_row, const std::uint8_t* at, float* in_diff,
                           int in_row);
void average_pool_map(const Pool& pool, const float* in, int in_row, float* out, int out_row);
void average_pool_map_backward(const Pool& pool, const float* out_diff, int out_row, float* in_diff, int in_row);

}  // namespace fastcaffe
