// The products of a vector with the rows of a matrix that has few entries: InnerProduct of one image. Compiled for each
// processor.
#pragma once

#include <cstdint>

#include "sparse_lists.h"

namespace fastcaffe {

// out[output] = bias[output] + sum over the output's synapses of weight * in[at], of outputs first..last, whose
// synapses are begin[output]..begin[output + 1]. A null bias is zero.
void multiply_sparse_vector(const float* in, const Synapse* synapses, const std::int32_t* begin, int first, int last,
                            const float* bias, float* out);

}  // namespace fastcaffe
