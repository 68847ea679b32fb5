// Sparse convolution of tiles of vectors that lie row by row: with one image a lane (lanes_product.h), or with pixels
// in the lanes of rows that are whole vectors (sparse_planes.h). Compiled for each processor.
#pragma once

#include <cstdint>

#include "sparse_lists.h"

namespace fastcaffe {

// Neighbouring vectors of an output's sums that the registers hold together, and which of its parts they meet. Places
// are counted in vectors.
struct SparseTile {
  std::int32_t rows, columns;  // powers of 2
  std::int32_t in, out;        // the first vector's
  std::int32_t first_part, last_part;
};

// The most vectors of a tile.
int sparse_tile();

// From one column's vector to the next: of what comes in, and of what goes out. One of them is 1.
struct ColumnSteps {
  int in = 1, out = 1;
};

// What an output's sums begin with, and whether they are rectified in the end.
struct SumsOf {
  float bias = 0;
  bool more = false;                  // they go on from what is in `out`
  std::uint16_t* positive = nullptr;  // gets which were positive: a word a vector of `out`, a bit a lane
};

// out[vector] = bias + sum over synapses of weight * in[vector + at], of one output, whose synapses begin[part] says.
// `in_row` and `out_row`: vectors from one row to the next.
void convolve_sparse_lanes(const float* in, int in_row, const SparseTile* tiles, int count, const Synapse* synapses,
                           const std::int32_t* begin, const SumsOf& of, float* out, int out_row,
                           ColumnSteps steps = {});

// sums[synapse] += sum over vectors of out_diff[vector] * in[vector + at], each lane for itself; synapses are counted
// from the output's first. `in_step`: as above. total += sum over vectors of out_diff[vector], unless that is null.
void correlate_sparse_lanes(const float* in, int in_row, const SparseTile* tiles, int count, const float* out_diff,
                            int out_row, const Synapse* synapses, const std::int32_t* begin, float* sums,
                            int in_step = 1, float* total = nullptr);

}  // namespace fastcaffe
