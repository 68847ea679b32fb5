// Sparse convolution of maps of 4 x 4 by kernels of 3 x 3, padded by 1, with one image a lane: 31 of 100 products would
// be with padding. A whole map of sums stays in the registers, and each of the nine taps meets only what is there, so
// that maps need no zeros around: an input is less than half as large, and stays in the second cache.
#pragma once

#include <cstdint>

#include "sparse_lanes_kernels.h"
#include "sparse_lists.h"

namespace fastcaffe {

constexpr int kTaps4x4 = 9;

// out = bias + sum over synapses of weight * in[at + tap]. An output's synapses are in nine parts, of a tap each, which
// begin[tap] and begin[tap + 1] say; `at` is where the input's map begins. `out_row`: vectors from row to row.
void convolve_4x4(const float* in, const Synapse* synapses, const std::int32_t* begin, const SumsOf& of, float* out,
                  int out_row);

// sums[synapse] += sum over the map of out_diff * in[at + tap], each lane for itself; counted from the output's first.
// total += sum over the map of out_diff, unless it is null.
void correlate_4x4(const float* in, const float* out_diff, int out_row, const Synapse* synapses,
                   const std::int32_t* begin, float* sums, float* total = nullptr);

}  // namespace fastcaffe
