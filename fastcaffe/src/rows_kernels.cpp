// Compiled with fused multiplication and addition allowed: nothing here has to have Caffe's bits.

#include "rows_kernels.h"

#include <algorithm>

#include "simd.h"

namespace fastcaffe {
namespace {

// How large a tile of sums the registers hold: 32 of them with 16 lanes (and on Arm), 16 of them else.
template <int W>
struct Tile {
  static constexpr bool kMany = W == 16 || !FASTCAFFE_X86;
  static constexpr int kOutputs = kMany ? 6 : 4, kVectors = kMany ? 4 : 3;
  static constexpr int kWeightsOutputs = 4, kTaps = kMany ? 6 : 3;
};

// The sums of B outputs at P vectors of pixels stay in registers while the taps go by.
template <int W, int B, int P>
FASTCAFFE_INLINE void convolve_tile(const float* in, const RowPlaces& places, int vector, const float* weights,
                                    const float* bias, float* out, std::int64_t out_stride) {
  typedef typename Lanes<W>::F F;
  F sums[B][P];
  const float* from[P];
#pragma GCC unroll 8
  for (int p = 0; p < P; ++p) from[p] = in + places.vector_at[vector + p];
#pragma GCC unroll 8
  for (int b = 0; b < B; ++b) {
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) sums[b][p] = bias ? same<F>(bias[b]) : F{};
  }
  for (int tap = 0; tap < places.taps; ++tap, weights += B) {
    const std::int64_t at = places.tap_at[tap];
    F x[P];
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) x[p] = load<F>(from[p] + at);
#pragma GCC unroll 8
    for (int b = 0; b < B; ++b) {
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p) sums[b][p] += weights[b] * x[p];
    }
  }
#pragma GCC unroll 8
  for (int b = 0; b < B; ++b) {
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) store(out + b * out_stride + (vector + p) * W, sums[b][p]);
  }
}

template <int W, int B>
FASTCAFFE_INLINE void convolve_block(const float* in, const RowPlaces& places, const float* weights, const float* bias,
                                     float* out, std::int64_t out_stride) {
  constexpr int P = Tile<W>::kVectors;
  int vector = 0;
  for (; vector + P <= places.vectors; vector += P) {
    convolve_tile<W, B, P>(in, places, vector, weights, bias, out, out_stride);
  }
  for (; vector < places.vectors; ++vector) {
    convolve_tile<W, B, 1>(in, places, vector, weights, bias, out, out_stride);
  }
}

template <int W>
FASTCAFFE_INLINE void convolve_rows_body(const float* in, const RowPlaces& places, const float* weights, int outputs,
                                         const float* bias, float* out, std::int64_t out_stride) {
  constexpr int kMost = Tile<W>::kOutputs;
  switch (outputs) {
    case 1: return convolve_block<W, 1>(in, places, weights, bias, out, out_stride);
    case 2: return convolve_block<W, 2>(in, places, weights, bias, out, out_stride);
    case 3: return convolve_block<W, 3>(in, places, weights, bias, out, out_stride);
    case 4: return convolve_block<W, 4>(in, places, weights, bias, out, out_stride);
    case 5: return convolve_block<W, std::min(5, kMost)>(in, places, weights, bias, out, out_stride);
    default: return convolve_block<W, kMost>(in, places, weights, bias, out, out_stride);
  }
}

// The sums of Q taps and B outputs stay in registers while the pixels go by.
template <int W, int B, int Q>
FASTCAFFE_INLINE void correlate_tile(const float* in, const RowPlaces& places, int tap, const float* out_diff,
                                     std::int64_t out_stride, float* sums) {
  typedef typename Lanes<W>::F F;
  F kept[Q][B];
  const float* from[Q];
#pragma GCC unroll 8
  for (int q = 0; q < Q; ++q) {
    from[q] = in + places.tap_at[tap + q];
#pragma GCC unroll 8
    for (int b = 0; b < B; ++b) kept[q][b] = load<F>(sums + ((tap + q) * B + b) * W);
  }
  for (int vector = 0; vector < places.vectors; ++vector, out_diff += W) {
    const std::int64_t at = places.vector_at[vector];
    F diff[B];
#pragma GCC unroll 8
    for (int b = 0; b < B; ++b) diff[b] = load<F>(out_diff + b * out_stride);
#pragma GCC unroll 8
    for (int q = 0; q < Q; ++q) {
      const F x = load<F>(from[q] + at);
#pragma GCC unroll 8
      for (int b = 0; b < B; ++b) kept[q][b] += x * diff[b];
    }
  }
#pragma GCC unroll 8
  for (int q = 0; q < Q; ++q) {
#pragma GCC unroll 8
    for (int b = 0; b < B; ++b) store(sums + ((tap + q) * B + b) * W, kept[q][b]);
  }
}

template <int W, int B>
FASTCAFFE_INLINE void correlate_block(const float* in, const RowPlaces& places, const float* out_diff,
                                      std::int64_t out_stride, float* sums) {
  constexpr int Q = Tile<W>::kTaps;
  int tap = 0;
  for (; tap + Q <= places.taps; tap += Q) correlate_tile<W, B, Q>(in, places, tap, out_diff, out_stride, sums);
  for (; tap < places.taps; ++tap) correlate_tile<W, B, 1>(in, places, tap, out_diff, out_stride, sums);
}

template <int W>
FASTCAFFE_INLINE void correlate_rows_body(const float* in, const RowPlaces& places, const float* out_diff,
                                          std::int64_t out_stride, int outputs, float* sums) {
  switch (outputs) {
    case 1: return correlate_block<W, 1>(in, places, out_diff, out_stride, sums);
    case 2: return correlate_block<W, 2>(in, places, out_diff, out_stride, sums);
    case 3: return correlate_block<W, 3>(in, places, out_diff, out_stride, sums);
    default: return correlate_block<W, 4>(in, places, out_diff, out_stride, sums);
  }
}

template <int W>
FASTCAFFE_INLINE void copy_rows_body(const float* from, int rows, int width, float* to, int stride) {
  typedef typename Lanes<W>::F F;
  for (int row = 0; row < rows; ++row, from += width, to += stride) {
    for (int at = 0; at < width; at += W) store(to + at, load<F>(from + at));
  }
}

template <int W>
FASTCAFFE_INLINE void tell_blocks_body(RowBlocks* blocks) {
  *blocks = {W, Tile<W>::kOutputs, Tile<W>::kWeightsOutputs};
}

FASTCAFFE_KERNEL(tell_blocks, (RowBlocks * blocks), (blocks))

}  // namespace

RowBlocks row_blocks() {
  RowBlocks blocks;
  tell_blocks(&blocks);
  return blocks;
}

FASTCAFFE_KERNEL(convolve_rows,
                 (const float* in, const RowPlaces& places, const float* weights, int outputs, const float* bias,
                  float* out, std::int64_t out_stride),
                 (in, places, weights, outputs, bias, out, out_stride))
FASTCAFFE_KERNEL(correlate_rows,
                 (const float* in, const RowPlaces& places, const float* out_diff, std::int64_t out_stride, int outputs,
                  float* sums),
                 (in, places, out_diff, out_stride, outputs, sums))
FASTCAFFE_KERNEL(copy_rows, (const float* from, int rows, int width, float* to, int stride),
                 (from, rows, width, to, stride))

}  // namespace fastcaffe
