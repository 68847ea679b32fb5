// Convolution of stride 1 on Caffe's own layout, with neighbouring columns in the lanes of a vector: the loops of
// convolution_rows.cpp, compiled for each processor. Rows are whole vectors; the bottom has zeros around its rows.
#pragma once

#include <cstdint>

namespace fastcaffe {

// Kernels work on blocks of at most so many.
struct RowBlocks {
  int lanes, outputs, weights_outputs;
};
RowBlocks row_blocks();

// Where things are, counted in numbers: vector v of an output plane sees the padded bottom at vector_at[v] + tap_at[t].
struct RowPlaces {
  int vectors, taps;
  const std::int32_t *vector_at, *tap_at;
};

// out[output * out_stride + pixel] = bias[output] + sum over taps of weights[tap * outputs + output] * in[place]. A
// null bias is zero.
void convolve_rows(const float* in, const RowPlaces& places, const float* weights, int outputs, const float* bias,
                   float* out, std::int64_t out_stride);

// sums[tap * outputs + output] += sum over vectors of out_diff[output * out_stride + pixel] * in[place], each lane for
// itself.
void correlate_rows(const float* in, const RowPlaces& places, const float* out_diff, std::int64_t out_stride,
                    int outputs, float* sums);

// The rows of a plane into the padded one: `width` numbers, a number of whole vectors, every `stride`.
void copy_rows(const float* from, int rows, int width, float* to, int stride);

}  // namespace fastcaffe
