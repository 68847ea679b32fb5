// Compiled with fused multiplication and addition allowed: nothing here has to have Caffe's bits.

#include "sparse_4x4_kernels.h"

#include "relu_lanes.h"
#include "simd.h"

namespace fastcaffe {
namespace {

template <int W>
struct Map4x4 {
  typename Lanes<W>::F at[4][4];
};

// Calls each(y, x, offset of what the tap meets there) for the places at which tap TAP meets no padding.
template <int W, int TAP, class Each>
FASTCAFFE_INLINE void places_of_tap(const Each& each) {
  constexpr int down = TAP / 3 - 1, right = TAP % 3 - 1;
  constexpr int top = down < 0 ? 1 : 0, bottom = down > 0 ? 3 : 4, left = right < 0 ? 1 : 0, end = right > 0 ? 3 : 4;
#pragma GCC unroll 4
  for (int y = top; y < bottom; ++y) {
#pragma GCC unroll 4
    for (int x = left; x < end; ++x) each(y, x, ((y + down) * 4 + x + right) * W);
  }
}

template <int W, int TAP>
FASTCAFFE_INLINE void convolve_taps(const float* in, const Synapse* synapses, const std::int32_t* begin,
                                    Map4x4<W>* sums) {
  typedef typename Lanes<W>::F F;
  for (const Synapse *synapse = synapses + begin[TAP], *end = synapses + begin[TAP + 1]; synapse < end; ++synapse) {
    const float* from = one_address(in + synapse->at);
    const float weight = synapse->weight;
    places_of_tap<W, TAP>([&](int y, int x, int offset) __attribute__((always_inline)) {
      sums->at[y][x] += weight * load<F>(from + offset);
    });
  }
  if constexpr (TAP + 1 < kTaps4x4) convolve_taps<W, TAP + 1>(in, synapses, begin, sums);
}

template <int W>
FASTCAFFE_INLINE void convolve_4x4_body(const float* in, const Synapse* synapses, const std::int32_t* begin,
                                        const SumsOf& of, float* out, int out_row) {
  typedef typename Lanes<W>::F F;
  Map4x4<W> sums;
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) sums.at[i / 4][i % 4] = same<F>(of.bias);
  convolve_taps<W, 0>(in, synapses, begin, &sums);
  if (of.positive) {
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) {
      F* sum = &sums.at[i / 4][i % 4];
      of.positive[i / 4 * out_row + i % 4] = positive_bits<W>(*sum);
      *sum = rectified<W>(*sum);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) store(out + (i / 4 * out_row + i % 4) * W, sums.at[i / 4][i % 4]);
}

template <int W, int TAP>
FASTCAFFE_INLINE void correlate_taps(const float* in, const Map4x4<W>& diff, const Synapse* synapses,
                                     const std::int32_t* begin, float* sums) {
  typedef typename Lanes<W>::F F;
  float* to = sums + std::int64_t(begin[TAP] - begin[0]) * W;
  for (const Synapse *synapse = synapses + begin[TAP], *end = synapses + begin[TAP + 1]; synapse < end; ++synapse) {
    const float* from = one_address(in + synapse->at);
    F even = load<F>(to), odd = {};
    places_of_tap<W, TAP>([&](int y, int x, int offset) __attribute__((always_inline)) {
      F* sum = x % 2 ? &odd : &even;
      *sum += diff.at[y][x] * load<F>(from + offset);
    });
    store(to, even + odd);
    to += W;
  }
  if constexpr (TAP + 1 < kTaps4x4) correlate_taps<W, TAP + 1>(in, diff, synapses, begin, sums);
}

template <int W>
FASTCAFFE_INLINE void correlate_4x4_body(const float* in, const float* out_diff, int out_row, const Synapse* synapses,
                                         const std::int32_t* begin, float* sums, float* total) {
  typedef typename Lanes<W>::F F;
  Map4x4<W> diff;
  F all = {};
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) {
    diff.at[i / 4][i % 4] = load<F>(out_diff + (i / 4 * out_row + i % 4) * W);
    all += diff.at[i / 4][i % 4];
  }
  if (total) store(total, load<F>(total) + all);
  correlate_taps<W, 0>(in, diff, synapses, begin, sums);
}

}  // namespace

FASTCAFFE_KERNEL(convolve_4x4,
                 (const float* in, const Synapse* synapses, const std::int32_t* begin, const SumsOf& of, float* out,
                  int out_row),
                 (in, synapses, begin, of, out, out_row))
FASTCAFFE_KERNEL(correlate_4x4,
                 (const float* in, const float* out_diff, int out_row, const Synapse* synapses,
                  const std::int32_t* begin, float* sums, float* total),
                 (in, out_diff, out_row, synapses, begin, sums, total))

}  // namespace fastcaffe
