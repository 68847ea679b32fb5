// Sparse convolution on Caffe's own layout, with neighbouring pixels of a plane in the lanes of a vector: the loops of
// convolution_sparse_rows.cpp, compiled for each processor.
//
// The planes of the input are laid out once for each kernel column that some synapse uses, shifted by it and with zeros
// around, as wide as an output's. Then what a synapse sees of an image is one stretch of numbers, and all that it costs
// are multiplications of whole vectors by its weight.
#pragma once

#include <cstdint>

#include "sparse_lists.h"

namespace fastcaffe {

// to[i] = from[i + shift] for i in 0..count, or zero where `mask` is. `mask` repeats itself every `period` numbers, a
// number of whole vectors; what is read lies between `begin` and `end`. Writes whole vectors, up to one too many.
void shift_plane(const float* from, const float* begin, const float* end, int shift, const std::int32_t* mask,
                 int period, int count, float* to);

// out[output * pixels + pixel] = bias[output] + sum over the output's synapses of weight * in[at + pixel]. A null bias
// is zero. The outputs' synapses are begin[output]..begin[output + 1]; a plane has no fewer pixels than lanes().
void convolve_sparse_rows(const float* in, const Synapse* synapses, const std::int32_t* begin, int outputs,
                          const float* bias, int pixels, float* out);

// sums[synapse] += sum over pixels of out_diff[output * pixels + pixel] * in[at + pixel], each lane for itself.
void correlate_sparse_rows(const float* in, const Synapse* synapses, const std::int32_t* begin, int outputs,
                           const float* out_diff, int pixels, float* sums);

}  // namespace fastcaffe
