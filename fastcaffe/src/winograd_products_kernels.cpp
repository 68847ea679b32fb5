// Compiled with fused multiplication and addition allowed: nothing here has to have Caffe's bits.

#include <algorithm>

#include "parts.h"
#include "winograd_kernels.h"
#include "winograd_tile.h"

namespace fastcaffe {
namespace {

FASTCAFFE_INLINE void bring(WinogradAhead* ahead) {
  for (int i = 0; i < 2; ++i) {
    const float* const end = std::min(ahead->end[i], ahead->from[i] + 16 * ahead->lines[i]);
    for (; ahead->from[i] < end; ahead->from[i] += 16) __builtin_prefetch(ahead->from[i], 0, 2);  // not nearest: full
  }
}

// The sums of B outputs at a few vectors of tiles stay in registers while the channels go by.
template <int W, int B>
FASTCAFFE_INLINE void multiply(const float* weights, const float* in, int channels, bool add, float* to) {
  typedef typename Lanes<W>::F F;
  constexpr int P = WinogradTile<W>::kVectors;
  F sums[B][P];
#pragma GCC unroll 8
  for (int b = 0; b < B; ++b) {
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) sums[b][p] = add ? load<F>(to + (b * P + p) * W) : F{};
  }
  for (int first = 0; first < channels; first += W, weights += B * W) {
    for (const float *u = weights, *end = u + std::min(W, channels - first); u < end; ++u, in += P * W) {
      F x[P];
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p) x[p] = load<F>(in + p * W);
#pragma GCC unroll 8
      for (int b = 0; b < B; ++b) {
#pragma GCC unroll 8
        for (int p = 0; p < P; ++p) sums[b][p] += u[b * W] * x[p];
      }
    }
  }
#pragma GCC unroll 8
  for (int b = 0; b < B; ++b) {
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) store(to + (b * P + p) * W, sums[b][p]);
  }
}

template <int W>
FASTCAFFE_INLINE void winograd_products_body(const WinogradRoom& weights, const WinogradRoom& in, int channels,
                                             int outputs, bool add, const WinogradRoom& sums, WinogradAhead* ahead) {
  constexpr int kMost = WinogradTile<W>::kOutputs;
  const Parts blocks{outputs, kMost};
  for (int place = 0; place < kWinogradPlaces; ++place) {
    const float *u = weights.first + place * weights.place, *x = in.first + place * in.place;
    float* to = sums.first + place * sums.place;
    for (int block = 0; block < blocks.number(); ++block) {
      const int size = blocks.size(block);
      bring(ahead);
      switch (size) {
        case 1: multiply<W, 1>(u, x, channels, add, to); break;
        case 2: multiply<W, 2>(u, x, channels, add, to); break;
        case 3: multiply<W, 3>(u, x, channels, add, to); break;
        case 4: multiply<W, 4>(u, x, channels, add, to); break;
        case 5: multiply<W, std::min(5, kMost)>(u, x, channels, add, to); break;
        default: multiply<W, kMost>(u, x, channels, add, to); break;
      }
      u += size * weights.map;
      to += size * sums.map;
    }
  }
}

// Of vectors that have 2 S lanes each, side by side in a and then in b: S lanes each, sums of two.
template <int W, int S, int... K>
FASTCAFFE_INLINE typename Lanes<W>::F fold(typename Lanes<W>::F a, typename Lanes<W>::F b, Indices<K...>) {
  return __builtin_shufflevector(a, b, (K / (W / 2) * W + K % (W / 2) / S * 2 * S + K % S)...) +
         __builtin_shufflevector(a, b, (K / (W / 2) * W + K % (W / 2) / S * 2 * S + K % S + S)...);
}

// N vectors, a power of two, folded until all their lanes are in one.
template <int W, int N>
FASTCAFFE_INLINE typename Lanes<W>::F folded(const typename Lanes<W>::F* x) {
  if constexpr (N == 1) {
    return x[0];
  } else {
    return fold<W, W / N>(folded<W, N / 2>(x), folded<W, N / 2>(x + N / 2), typename CountTo<W>::type());
  }
}

// to[i] += the sum of the lanes of x[i].
template <int W, int N>
FASTCAFFE_INLINE void add_lanes(const typename Lanes<W>::F* x, float* to) {
  typedef typename Lanes<W>::F F;
  if constexpr (N > W) {
    add_lanes<W, W>(x, to);
    add_lanes<W, N - W>(x + W, to + W);
  } else if constexpr (N == W) {
    store(to, load<F>(to) + folded<W, W>(x));
  } else {
    constexpr int kRoom = N > W / 2 ? W : N > W / 4 ? W / 2 : W / 4;
    const typename CountTo<W>::type all;
    F some[kRoom];
#pragma GCC unroll 16
    for (int i = 0; i < kRoom; ++i) some[i] = i < N ? x[i] : F{};
    F sums = folded<W, kRoom>(some);
    if constexpr (kRoom < W / 2) sums = fold<W, 2>(sums, sums, all);
    if constexpr (kRoom < W) sums = fold<W, 1>(sums, sums, all);
    float each[W];
    store(each, sums);
    for (int i = 0; i < N; ++i) to[i] += each[i];
  }
}

// The sums of B outputs and Q channels stay in registers while the tiles go by.
template <int W, int B, int Q>
FASTCAFFE_INLINE void correlate(const float* in, std::int64_t in_map, const float* diffs, std::int64_t diffs_map,
                                int vectors, float* sums) {
  typedef typename Lanes<W>::F F;
  F kept[B * Q];
  const float *x_at[Q], *d_at[B];
#pragma GCC unroll 8
  for (int q = 0; q < Q; ++q) x_at[q] = in + q * in_map;
#pragma GCC unroll 8
  for (int b = 0; b < B; ++b) d_at[b] = diffs + b * diffs_map;
#pragma GCC unroll 32
  for (int i = 0; i < B * Q; ++i) kept[i] = F{};
  for (std::int64_t at = 0; at < std::int64_t(vectors) * W; at += W) {
    F d[B];
#pragma GCC unroll 8
    for (int b = 0; b < B; ++b) d[b] = load<F>(d_at[b] + at);
#pragma GCC unroll 8
    for (int q = 0; q < Q; ++q) {
      const F x = load<F>(x_at[q] + at);
#pragma GCC unroll 8
      for (int b = 0; b < B; ++b) kept[b * Q + q] += x * d[b];
    }
  }
  add_lanes<W, B * Q>(kept, sums);
}

template <int W, int Q>
FASTCAFFE_INLINE void correlate_channels(const float* in, std::int64_t in_map, const float* diffs,
                                         std::int64_t diffs_map, int vectors, int outputs, float* sums,
                                         WinogradAhead* ahead) {
  const Parts blocks{outputs, WinogradTile<W>::kCorrelatedOutputs};
  for (int block = 0; block < blocks.number(); ++block) {
    const float* d = diffs + blocks.begin(block) * diffs_map;
    bring(ahead);
    switch (blocks.size(block)) {
      case 1: correlate<W, 1, Q>(in, in_map, d, diffs_map, vectors, sums); break;
      case 2: correlate<W, 2, Q>(in, in_map, d, diffs_map, vectors, sums); break;
      case 3: correlate<W, 3, Q>(in, in_map, d, diffs_map, vectors, sums); break;
      default: correlate<W, 4, Q>(in, in_map, d, diffs_map, vectors, sums); break;
    }
    sums += blocks.size(block) * Q;
  }
}

// A block of channels stays in the nearest cache while all outputs go by.
template <int W>
FASTCAFFE_INLINE void winograd_correlations_body(const WinogradRoom& in, const WinogradRoom& diffs, int vectors,
                                                 int channels, int outputs, float* sums, std::int64_t sums_place,
                                                 WinogradAhead* ahead) {
  constexpr int kMost = WinogradTile<W>::kCorrelatedChannels;
  const Parts blocks{channels, kMost};
  for (int place = 0; place < kWinogradPlaces; ++place) {
    const float* d = diffs.first + place * diffs.place;
    float* to = sums + place * sums_place;
    for (int block = 0; block < blocks.number(); ++block) {
      const float* x = in.first + place * in.place + blocks.begin(block) * in.map;
      const int size = blocks.size(block);
      switch (size) {
        case 1: correlate_channels<W, 1>(x, in.map, d, diffs.map, vectors, outputs, to, ahead); break;
        case 2: correlate_channels<W, 2>(x, in.map, d, diffs.map, vectors, outputs, to, ahead); break;
        case 3: correlate_channels<W, 3>(x, in.map, d, diffs.map, vectors, outputs, to, ahead); break;
        case 4: correlate_channels<W, std::min(4, kMost)>(x, in.map, d, diffs.map, vectors, outputs, to, ahead); break;
        case 5: correlate_channels<W, std::min(5, kMost)>(x, in.map, d, diffs.map, vectors, outputs, to, ahead); break;
        default: correlate_channels<W, kMost>(x, in.map, d, diffs.map, vectors, outputs, to, ahead); break;
      }
      to += std::int64_t(size) * outputs;
    }
  }
}

template <int W>
FASTCAFFE_INLINE void tell_blocks_body(WinogradBlocks* blocks) {
  typedef WinogradTile<W> Tile;
  *blocks = {W, Tile::kVectors, Tile::kOutputs, Tile::kCorrelatedOutputs, Tile::kCorrelatedChannels};
}

FASTCAFFE_KERNEL(tell_blocks, (WinogradBlocks * blocks), (blocks))

}  // namespace

WinogradBlocks winograd_blocks() {
  WinogradBlocks blocks;
  tell_blocks(&blocks);
  return blocks;
}

FASTCAFFE_KERNEL(winograd_products,
                 (const WinogradRoom& weights, const WinogradRoom& in, int channels, int outputs, bool add,
                  const WinogradRoom& sums, WinogradAhead* ahead),
                 (weights, in, channels, outputs, add, sums, ahead))
FASTCAFFE_KERNEL(winograd_correlations,
                 (const WinogradRoom& in, const WinogradRoom& diffs, int vectors, int channels, int outputs,
                  float* sums, std::int64_t sums_place, WinogradAhead* ahead),
                 (in, diffs, vectors, channels, outputs, sums, sums_place, ahead))

}  // namespace fastcaffe
