// Sparse convolution with one image a lane of a vector: the loops of convolution_sparse_lanes.cpp, compiled for each
// processor. What the input looks like sparse_grid.h says.
#pragma once

#include <cstdint>

#include "sparse_lists.h"

namespace fastcaffe {

// Neighbouring output pixels whose sums the registers hold together, and which of an output's parts they meet. Places
// are counted in vectors.
struct SparseTile {
  std::int32_t rows, columns;  // 1, 2 or 4; a power of 2
  std::int32_t in, out;        // the first pixel's
  std::int32_t first_part, last_part;
};

// The most pixels of a tile.
int sparse_tile();

// out[pixel] = bias + sum over synapses of weight * in[pixel + at], of one output, whose synapses begin[part] says.
// `in_row` and `out_row`: vectors from one row of pixels to the next.
void convolve_sparse_lanes(const float* in, int in_row, const SparseTile* tiles, int count, const Synapse* synapses,
                           const std::int32_t* begin, float bias, float* out, int out_row);

// sums[synapse] += sum over pixels of out_diff[pixel] * in[pixel + at], each lane for itself; synapses are counted from
// the output's first.
void correlate_sparse_lanes(const float* in, int in_row, const SparseTile* tiles, int count, const float* out_diff,
                            int out_row, const Synapse* synapses, const std::int32_t* begin, float* sums);

}  // namespace fastcaffe
