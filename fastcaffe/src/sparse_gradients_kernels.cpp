// Compiled with fused multiplication and addition allowed: nothing here has to have Caffe's bits.

#include "sparse_gradients_kernels.h"

#include "simd.h"

namespace fastcaffe {
namespace {

// How many places the registers hold, each with its number and its gradient: 32 of them with 16 lanes (and on Arm), 16
// of them else.
template <int W>
constexpr int most_places() {
  return W == 16 || !FASTCAFFE_X86 ? 8 : 4;
}

// A vector in a register: GCC 12 would load it anew for each product.
template <int W>
FASTCAFFE_INLINE typename Lanes<W>::F loaded(const float* from) {
  typename Lanes<W>::F vector = load<typename Lanes<W>::F>(from);
#if FASTCAFFE_X86
  asm("" : "+v"(vector));
#endif
  return vector;
}

// R rows of P places and their gradients stay in registers while the synapses go by.
template <int W, int R, int P>
FASTCAFFE_INLINE void gradients_tile(const float* out_diff, std::int64_t out_row, const Synapse* synapse,
                                     const Synapse* end, const ChannelGradients& of, std::int64_t at_in,
                                     std::int64_t at_diff, float* sums) {
  typedef typename Lanes<W>::F F;
  const float* in = of.in + at_in;
  float* in_diff = of.in_diff + at_diff;
  const std::int64_t in_row = std::int64_t(of.in_row) * W, in_diff_row = std::int64_t(of.in_diff_row) * W;
  F x[R][P], diff[R][P];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) {
      x[r][p] = load<F>(in + r * in_row + p * W);
      diff[r][p] = F{};
      // The rows below come next, and were used last when other groups of images had their turns.
      __builtin_prefetch(in + (R + r) * in_row + p * W);
      __builtin_prefetch(in_diff + (R + r) * in_diff_row + p * W, 1);
    }
  }
  if (of.more) {
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p) diff[r][p] = load<F>(in_diff + r * in_diff_row + p * W);
    }
  }
  for (; synapse < end; ++synapse, sums += W) {
    const float* from = one_address(out_diff + synapse->at);
    const float weight = synapse->weight;
    F even = load<F>(sums), odd = {};
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r, from = one_address(from + out_row)) {
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p) {
        const F back = loaded<W>(from + p * W);
        diff[r][p] += weight * back;
        (r * P + p) % 2 ? odd += x[r][p] * back : even += x[r][p] * back;
      }
    }
    store(sums, R * P > 1 ? even + odd : even);
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) store(in_diff + r * in_diff_row + p * W, diff[r][p]);
  }
}

// The tile of P, P/2, ... 1 columns that it is.
template <int W, int R, int P>
FASTCAFFE_INLINE void gradients_columns(const float* out_diff, std::int64_t out_row, const GradientTile& tile,
                                        const Synapse* first, const Synapse* last, const ChannelGradients& of,
                                        float* sums) {
  if (tile.columns == P) {
    const std::int64_t at_in = (std::int64_t(tile.y) * of.in_row + tile.x) * W;
    const std::int64_t at_diff = (std::int64_t(tile.y) * of.in_diff_row + tile.x) * W;
    return gradients_tile<W, R, P>(out_diff, out_row, first, last, of, at_in, at_diff, sums);
  }
  if constexpr (P > 1) gradients_columns<W, R, P / 2>(out_diff, out_row, tile, first, last, of, sums);
}

template <int W>
FASTCAFFE_INLINE void gradients_sparse_lanes_body(const float* out_diff, int out_row, const GradientTile* tiles,
                                                  int count, const Synapse* synapses, const std::int32_t* begin,
                                                  const ChannelGradients& of, float* sums) {
  constexpr int T = most_places<W>();
  const std::int64_t row = std::int64_t(out_row) * W;
  for (const GradientTile* tile = tiles; tile < tiles + count; ++tile) {
    const Synapse *first = synapses + begin[tile->first_part], *last = synapses + begin[tile->last_part];
    const float* from = out_diff + (std::int64_t(tile->y) * out_row + tile->x) * W;
    float* to = sums + std::int64_t(begin[tile->first_part] - begin[0]) * W;
    switch (tile->rows) {
      case 1: gradients_columns<W, 1, T>(from, row, *tile, first, last, of, to); break;
      case 2: gradients_columns<W, 2, T / 2>(from, row, *tile, first, last, of, to); break;
      default: gradients_columns<W, 4, T / 4>(from, row, *tile, first, last, of, to);
    }
  }
}

// R groups of each channel.
template <int W, int R>
FASTCAFFE_INLINE void gradients_of_groups(const float* out_diff, int out_row, const Synapse* synapses,
                                          const std::int32_t* begin, int channels, const ChannelGradients& of,
                                          int group, float* sums) {
  const std::int64_t row = std::int64_t(out_row) * W, in = std::int64_t(group) * of.in_row * W;
  const std::int64_t in_diff = std::int64_t(group) * of.in_diff_row * W;
  for (int i = 0; i < channels; ++i) {
    gradients_tile<W, R, 1>(out_diff + group * row, row, synapses + begin[i], synapses + begin[i + 1], of, in + i * W,
                            in_diff + i * W, sums + std::int64_t(begin[i] - begin[0]) * W);
  }
}

template <int W>
FASTCAFFE_INLINE void gradients_of_numbers_in_lanes_body(const float* out_diff, int out_row, int groups,
                                                         const Synapse* synapses, const std::int32_t* begin,
                                                         int channels, const ChannelGradients& of, float* sums) {
  int group = 0;
  for (; group + 4 <= groups; group += 4) {
    gradients_of_groups<W, 4>(out_diff, out_row, synapses, begin, channels, of, group, sums);
  }
  for (; group < groups; ++group) {
    gradients_of_groups<W, 1>(out_diff, out_row, synapses, begin, channels, of, group, sums);
  }
}

template <int W>
FASTCAFFE_INLINE void total_of_map_body(const float* map, int row, int rows, int columns, float* total) {
  typedef typename Lanes<W>::F F;
  F even = load<F>(total), odd = {};
  for (int y = 0; y < rows; ++y, map += std::int64_t(row) * W) {
    for (int x = 0; x + 1 < columns; x += 2) {
      even += load<F>(map + x * W);
      odd += load<F>(map + (x + 1) * W);
    }
    if (columns % 2) even += load<F>(map + (columns - 1) * W);
  }
  store(total, even + odd);
}

template <int W>
FASTCAFFE_INLINE void tell_gradient_tile_body(int* places) {
  *places = most_places<W>();
}

FASTCAFFE_KERNEL(tell_gradient_tile, (int* places), (places))

}  // namespace

int gradient_tile() {
  int places;
  tell_gradient_tile(&places);
  return places;
}

FASTCAFFE_KERNEL(gradients_sparse_lanes,
                 (const float* out_diff, int out_row, const GradientTile* tiles, int count, const Synapse* synapses,
                  const std::int32_t* begin, const ChannelGradients& of, float* sums),
                 (out_diff, out_row, tiles, count, synapses, begin, of, sums))
FASTCAFFE_KERNEL(gradients_of_numbers_in_lanes,
                 (const float* out_diff, int out_row, int groups, const Synapse* synapses, const std::int32_t* begin,
                  int channels, const ChannelGradients& of, float* sums),
                 (out_diff, out_row, groups, synapses, begin, channels, of, sums))
FASTCAFFE_KERNEL(total_of_map, (const float* map, int row, int rows, int columns, float* total),
                 (map, row, rows, columns, total))

}  // namespace fastcaffe
