// Compiled with fused multiplication and addition allowed: nothing here has to have Caffe's bits.

#include "sparse_dot_kernels.h"

#include "simd.h"

namespace fastcaffe {
namespace {

constexpr int kSums = 8;  // side by side, else each addition waits for the one before

// Number by number: what has to be fetched for a lane of a vector costs as much.
template <int W>
FASTCAFFE_INLINE void multiply_sparse_vector_body(const float* in, const Synapse* synapses, const std::int32_t* begin,
                                                  int first, int last, const float* bias, float* out) {
  for (int output = first; output < last; ++output) {
    const Synapse *synapse = synapses + begin[output], *end = synapses + begin[output + 1];
    float sums[kSums] = {bias ? bias[output] : 0.f};
    for (; synapse + kSums <= end; synapse += kSums) {
#pragma GCC unroll 8
      for (int i = 0; i < kSums; ++i) sums[i] += synapse[i].weight * in[synapse[i].at];
    }
    for (; synapse < end; ++synapse) sums[0] += synapse->weight * in[synapse->at];
    out[output] = ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
  }
}

}  // namespace

FASTCAFFE_KERNEL(multiply_sparse_vector,
                 (const float* in, const Synapse* synapses, const std::int32_t* begin, int first, int last,
                  const float* bias, float* out),
                 (in, synapses, begin, first, last, bias, out))

}  // namespace fastcaffe
