// Compiled with fused multiplication and addition allowed: nothing here has to have Caffe's bits.

#include "lanes_kernels.h"

#include <algorithm>
#include <cstring>

#include "simd.h"

namespace fastcaffe {
namespace {

// How large a tile of sums the registers hold: 32 of them with 16 lanes (and on Arm), 16 of them else.
template <int W>
struct Tile {
#if FASTCAFFE_X86
  static constexpr int kOutputs = W == 16 ? 6 : 4, kPixels = W == 16 ? 4 : 3;
  static constexpr int kTaps = W == 16 ? 6 : 3;
#else
  static constexpr int kOutputs = 6, kPixels = 4, kTaps = 6;
#endif
  static constexpr int kWeightsOutputs = 4;
};

// W vectors of W numbers, rows for columns.
template <int W>
FASTCAFFE_INLINE void transpose(typename Lanes<W>::F* rows) {
  typedef typename Lanes<W>::F F;
#pragma GCC unroll 4
  for (int step = 1; step < W; step *= 2) {
    F shuffled[W];
#pragma GCC unroll 8
    for (int i = 0; i < W / 2; ++i) {
      join_pairs<W>(rows[i], rows[i + W / 2], &shuffled[2 * i], &shuffled[2 * i + 1], typename CountTo<W>::type());
    }
#pragma GCC unroll 16
    for (int i = 0; i < W; ++i) rows[i] = shuffled[i];
  }
}

// Where the first block of a plane's pixels begins: before the plane, where the others lie on whole cache lines then.
template <int W>
FASTCAFFE_INLINE int first_block(const float* plane, std::int64_t image_stride, int pixels) {
  const int beyond = reinterpret_cast<std::uintptr_t>(plane) / sizeof(float) % W;
  return image_stride % W == 0 && pixels >= 8 * W ? -beyond : 0;
}

template <int W>
FASTCAFFE_INLINE void to_lanes_body(const float* from, std::int64_t image_stride, int images, int pixels,
                                    const std::int32_t* place, float* to) {
  typedef typename Lanes<W>::F F;
  if (pixels < W) {
    for (int i = 0; i < pixels; ++i) {
      float* lane = to + std::int64_t(place ? place[i] : i) * W;
      for (int n = 0; n < W; ++n) lane[n] = n < images ? from[n * image_stride + i] : 0.f;
    }
    return;
  }
  for (int done = first_block<W>(from, image_stride, pixels); done < pixels; done += W) {
    const int first = std::max(0, std::min(done, pixels - W));  // the last two blocks may overlap
    F rows[W];
    if (images == W) {
#pragma GCC unroll 16
      for (int n = 0; n < W; ++n) {
        rows[n] = load<F>(from + n * image_stride + first);
        __builtin_prefetch(from + n * image_stride + first + 64);
      }
    } else {
#pragma GCC unroll 16
      for (int n = 0; n < W; ++n) rows[n] = n < images ? load<F>(from + n * image_stride + first) : F{};
    }
    transpose<W>(rows);
    if (place) {
#pragma GCC unroll 16
      for (int i = 0; i < W; ++i) store(to + std::int64_t(place[first + i]) * W, rows[i]);
    } else {
#pragma GCC unroll 16
      for (int i = 0; i < W; ++i) store(to + std::int64_t(first + i) * W, rows[i]);
    }
  }
}

template <int W>
FASTCAFFE_INLINE void from_lanes_body(const float* from, int images, int pixels, const std::int32_t* place, float* to,
                                      std::int64_t image_stride) {
  typedef typename Lanes<W>::F F;
  if (pixels < W) {
    for (int n = 0; n < images; ++n) {
      for (int i = 0; i < pixels; ++i) to[n * image_stride + i] = from[std::int64_t(place ? place[i] : i) * W + n];
    }
    return;
  }
  for (int done = first_block<W>(to, image_stride, pixels); done < pixels; done += W) {
    const int first = std::max(0, std::min(done, pixels - W));
    F rows[W];
    if (place) {
#pragma GCC unroll 16
      for (int i = 0; i < W; ++i) rows[i] = load<F>(from + std::int64_t(place[first + i]) * W);
    } else {
#pragma GCC unroll 16
      for (int i = 0; i < W; ++i) rows[i] = load<F>(from + std::int64_t(first + i) * W);
    }
    transpose<W>(rows);
#pragma GCC unroll 16
    for (int n = 0; n < W; ++n) {
      if (images == W || n < images) store(to + n * image_stride + first, rows[n]);
    }
  }
}

// The sums of B outputs at P pixels stay in registers while the taps go by.
template <int W, int B, int P>
FASTCAFFE_INLINE void convolve_tile(const float* in, const LaneTile& tile, const LaneRun* runs, const float* weights,
                                    const float* bias, float* out, std::int64_t out_stride) {
  typedef typename Lanes<W>::F F;
  F sums[B][P];
#pragma GCC unroll 8
  for (int b = 0; b < B; ++b) {
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) sums[b][p] = bias ? same<F>(bias[b]) : F{};
  }
  for (const LaneRun* run = runs + tile.first_run; run < runs + tile.first_run + tile.runs; ++run) {
    const float* from[P];
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) from[p] = in + (std::int64_t(tile.in[p]) + run->in) * W;
    const float* weight = weights + std::int64_t(run->tap) * B;
    const std::int64_t end = std::int64_t(run->taps) * W;
    for (std::int64_t at = 0; at < end; at += W, weight += B) {
      F x[P];
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p) x[p] = load<F>(from[p] + at);
#pragma GCC unroll 8
      for (int b = 0; b < B; ++b) {
#pragma GCC unroll 8
        for (int p = 0; p < P; ++p) sums[b][p] += weight[b] * x[p];
      }
    }
  }
#pragma GCC unroll 8
  for (int b = 0; b < B; ++b) {
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) store(out + (b * out_stride + tile.out[p]) * W, sums[b][p]);
  }
}

template <int W, int B>
FASTCAFFE_INLINE void convolve_block(const float* in, const LaneTile* tiles, int count, const LaneRun* runs,
                                     const float* weights, const float* bias, float* out, std::int64_t out_stride) {
  for (const LaneTile* tile = tiles; tile < tiles + count; ++tile) {
    if (tile->pixels == 1) {
      convolve_tile<W, B, 1>(in, *tile, runs, weights, bias, out, out_stride);
    } else {
      convolve_tile<W, B, Tile<W>::kPixels>(in, *tile, runs, weights, bias, out, out_stride);
    }
  }
}

template <int W>
FASTCAFFE_INLINE void convolve_lanes_body(const float* in, const LaneTile* tiles, int count, const LaneRun* runs,
                                          const float* weights, int outputs, const float* bias, float* out,
                                          std::int64_t out_stride) {
  constexpr int kMost = Tile<W>::kOutputs;
  switch (outputs) {
    case 1: return convolve_block<W, 1>(in, tiles, count, runs, weights, bias, out, out_stride);
    case 2: return convolve_block<W, 2>(in, tiles, count, runs, weights, bias, out, out_stride);
    case 3: return convolve_block<W, 3>(in, tiles, count, runs, weights, bias, out, out_stride);
    case 4: return convolve_block<W, 4>(in, tiles, count, runs, weights, bias, out, out_stride);
    case 5: return convolve_block<W, std::min(5, kMost)>(in, tiles, count, runs, weights, bias, out, out_stride);
    default: return convolve_block<W, kMost>(in, tiles, count, runs, weights, bias, out, out_stride);
  }
}

// The sums of B outputs and Q taps stay in registers while the pixels go by.
template <int W, int B, int Q>
FASTCAFFE_INLINE void correlate_tile(const float* in, const std::int32_t* pixel_at, const float* out_diff,
                                     std::int64_t out_stride, int pixels, const std::int32_t* tap_at, float* sums) {
  typedef typename Lanes<W>::F F;
  F kept[Q][B];
  const float* from[Q];
#pragma GCC unroll 8
  for (int q = 0; q < Q; ++q) {
    from[q] = in + std::int64_t(tap_at[q]) * W;
#pragma GCC unroll 8
    for (int b = 0; b < B; ++b) kept[q][b] = load<F>(sums + (q * B + b) * W);
  }
  for (int pixel = 0; pixel < pixels; ++pixel, out_diff += W) {
    const std::int64_t at = std::int64_t(pixel_at[pixel]) * W;
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
    for (int b = 0; b < B; ++b) store(sums + (q * B + b) * W, kept[q][b]);
  }
}

template <int W, int B>
FASTCAFFE_INLINE void correlate_block(const float* in, const std::int32_t* pixel_at, const float* out_diff,
                                      std::int64_t out_stride, int pixels, const std::int32_t* tap_at, int taps,
                                      float* sums) {
  constexpr int Q = Tile<W>::kTaps;
  int tap = 0;
  // 5 taps a time where that comes out even, as for 5 x 5 kernels.
  if (Q == 6 && taps % 6 && taps % 5 == 0) {
    for (; tap < taps; tap += 5) {
      correlate_tile<W, B, 5>(in, pixel_at, out_diff, out_stride, pixels, tap_at + tap, sums + tap * B * W);
    }
    return;
  }
  for (; tap + Q <= taps; tap += Q) {
    correlate_tile<W, B, Q>(in, pixel_at, out_diff, out_stride, pixels, tap_at + tap, sums + tap * B * W);
  }
  for (; tap + 3 <= taps; tap += 3) {
    correlate_tile<W, B, 3>(in, pixel_at, out_diff, out_stride, pixels, tap_at + tap, sums + tap * B * W);
  }
  for (; tap < taps; ++tap) {
    correlate_tile<W, B, 1>(in, pixel_at, out_diff, out_stride, pixels, tap_at + tap, sums + tap * B * W);
  }
}

template <int W>
FASTCAFFE_INLINE void correlate_lanes_body(const float* in, const std::int32_t* pixel_at, const float* out_diff,
                                           std::int64_t out_stride, int pixels, const std::int32_t* tap_at, int taps,
                                           int outputs, float* sums) {
  switch (outputs) {
    case 1: return correlate_block<W, 1>(in, pixel_at, out_diff, out_stride, pixels, tap_at, taps, sums);
    case 2: return correlate_block<W, 2>(in, pixel_at, out_diff, out_stride, pixels, tap_at, taps, sums);
    case 3: return correlate_block<W, 3>(in, pixel_at, out_diff, out_stride, pixels, tap_at, taps, sums);
    default: return correlate_block<W, 4>(in, pixel_at, out_diff, out_stride, pixels, tap_at, taps, sums);
  }
}

template <int W>
FASTCAFFE_INLINE float sum_lanes(typename Lanes<W>::F x) {
  float halves[W];
  store(halves, x);
  for (int width = W / 2; width; width /= 2) {
    for (int i = 0; i < width; ++i) halves[i] += halves[i + width];
  }
  return halves[0];
}

template <int W>
FASTCAFFE_INLINE void sum_of_lanes_body(const float* from, int count, float* to) {
  typedef typename Lanes<W>::F F;
  int i = 0;
  // Of W vectors at a time, lane by lane, in the order of sum_lanes.
  for (; i + W <= count; i += W) {
    F rows[W];
#pragma GCC unroll 16
    for (int n = 0; n < W; ++n) rows[n] = load<F>(from + std::int64_t(i + n) * W);
    transpose<W>(rows);
#pragma GCC unroll 4
    for (int width = W / 2; width; width /= 2) {
#pragma GCC unroll 8
      for (int n = 0; n < width; ++n) rows[n] += rows[n + width];
    }
    store(to + i, rows[0]);
  }
  for (; i < count; ++i) to[i] = sum_lanes<W>(load<F>(from + std::int64_t(i) * W));
}

template <int W>
FASTCAFFE_INLINE void sum_vectors_body(const float* from, std::int64_t count, float* to) {
  typedef typename Lanes<W>::F F;
  F sums[4] = {};
  std::int64_t at = 0;
  for (; at + 4 <= count; at += 4) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) sums[i] += load<F>(from + (at + i) * W);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 3; ++i) {
    if (at + i < count) sums[i] += load<F>(from + (at + i) * W);
  }
  *to = sum_lanes<W>((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

template <int W>
FASTCAFFE_INLINE void tell_body(int* count, LaneBlocks* blocks) {
  *count = W;
  *blocks = {Tile<W>::kOutputs, Tile<W>::kPixels, Tile<W>::kWeightsOutputs, Tile<W>::kTaps};
}

FASTCAFFE_KERNEL(tell, (int* count, LaneBlocks* blocks), (count, blocks))
FASTCAFFE_KERNEL(sum_vectors, (const float* from, std::int64_t count, float* to), (from, count, to))

}  // namespace

int lanes() {
  static const int known = [] {
    int count;
    LaneBlocks blocks;
    tell(&count, &blocks);
    return count;
  }();
  return known;
}

LaneBlocks lane_blocks() {
  int count;
  LaneBlocks blocks;
  tell(&count, &blocks);
  return blocks;
}

float sum_of_vectors(const float* from, std::int64_t count) {
  float sum;
  sum_vectors(from, count, &sum);
  return sum;
}

FASTCAFFE_KERNEL(to_lanes,
                 (const float* from, std::int64_t image_stride, int images, int pixels, const std::int32_t* place,
                  float* to),
                 (from, image_stride, images, pixels, place, to))
FASTCAFFE_KERNEL(from_lanes,
                 (const float* from, int images, int pixels, const std::int32_t* place, float* to,
                  std::int64_t image_stride),
                 (from, images, pixels, place, to, image_stride))
FASTCAFFE_KERNEL(convolve_lanes,
                 (const float* in, const LaneTile* tiles, int count, const LaneRun* runs, const float* weights,
                  int outputs, const float* bias, float* out, std::int64_t out_stride),
                 (in, tiles, count, runs, weights, outputs, bias, out, out_stride))
FASTCAFFE_KERNEL(correlate_lanes,
                 (const float* in, const std::int32_t* pixel_at, const float* out_diff, std::int64_t out_stride,
                  int pixels, const std::int32_t* tap_at, int taps, int outputs, float* sums),
                 (in, pixel_at, out_diff, out_stride, pixels, tap_at, taps, outputs, sums))
FASTCAFFE_KERNEL(sum_of_lanes, (const float* from, int count, float* to), (from, count, to))

}  // namespace fastcaffe
