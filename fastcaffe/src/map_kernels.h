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
// than -FLT_MAX, as where all are NaN. `rectify`: of the maximum max(x, 0), and kNoMaximum where it is not positive.
constexpr int kNoMaximum = 255;
void max_pool_map(const Pool& pool, const float* in, int in_row, float* out, int out_row, std::uint8_t* at,
                  bool rectify = false);
void max_pool_map_backward(const Pool& pool, const float* out_diff, int out_row, const std::uint8_t* at, float* in_diff,
                           int in_row);
// Windows of 3 x 3, 2 apart and without padding, of which a few rows of a map see few others. The gradients of rows
// first..last, the first one even; `in_diff` begins with that.
bool threes(const Pool& pool);
void max_pool_rows_backward(const Pool& pool, int first, int last, const float* out_diff, int out_row,
                            const std::uint8_t* at, float* in_diff, int in_row);
void average_pool_map(const Pool& pool, const float* in, int in_row, float* out, int out_row);
// `positive`, unless it is null: as rectify_map has noted it of what was averaged, whose ReLU is gone back through too.
void average_pool_map_backward(const Pool& pool, const float* out_diff, int out_row, float* in_diff, int in_row,
                               const std::uint16_t* positive = nullptr);

}  // namespace fastcaffe
