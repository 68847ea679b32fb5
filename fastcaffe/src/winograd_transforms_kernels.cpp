// The transforms before and after Winograd's products, which are additions, and halves that are exact.

#include <algorithm>

#include "parts.h"
#include "winograd_kernels.h"
#include "winograd_tile.h"

namespace fastcaffe {
namespace {

constexpr int kSoon = 4;  // maps ahead, whose memory is asked for

// W numbers: S at each of some places, of which only so many exist; the others have zeros.
template <int W, int S>
FASTCAFFE_INLINE typename Lanes<W>::F load_segments(const float* from, const std::int64_t* at, int exist) {
  if constexpr (W == S) {
    return exist > 0 ? load<typename Lanes<W>::F>(from + at[0]) : typename Lanes<W>::F{};
  } else {
    constexpr int kHalf = W / 2 / S;
    return stretch_of<0>(load_segments<W / 2, S>(from, at, exist),
                         load_segments<W / 2, S>(from, at + kHalf, exist - kHalf), typename CountTo<W>::type());
  }
}

template <int W, int S>
FASTCAFFE_INLINE void store_segments(typename Lanes<W>::F x, float* to, const std::int64_t* at, int exist) {
  if constexpr (W == S) {
    if (exist > 0) store(to + at[0], x);
  } else {
    constexpr int kHalf = W / 2 / S;
    const typename CountTo<W / 2>::type half;
    store_segments<W / 2, S>(stretch_of<0>(x, x, half), to, at, exist);
    store_segments<W / 2, S>(stretch_of<W / 2>(x, x, half), to, at + kHalf, exist - kHalf);
  }
}

// Two columns of each of a vector's tiles, which are even numbers of its segments and the odd ones behind them.
template <int W, int S>
FASTCAFFE_INLINE void load_columns(const float* from, const std::int64_t* at, int exist, typename Lanes<W>::F* even,
                                   typename Lanes<W>::F* odd) {
  split_pairs<W>(load_segments<W, S>(from, at, exist), load_segments<W, S>(from, at + W / S, exist - W / S), even, odd,
                 typename CountTo<W>::type());
}

template <int W, int S>
FASTCAFFE_INLINE void store_columns(typename Lanes<W>::F even, typename Lanes<W>::F odd, float* to,
                                    const std::int64_t* at, int exist) {
  typename Lanes<W>::F pairs[2];
  join_pairs<W>(even, odd, &pairs[0], &pairs[1], typename CountTo<W>::type());
  store_segments<W, S>(pairs[0], to, at, exist);
  store_segments<W, S>(pairs[1], to, at + W / S, exist - W / S);
}

// B^T x of four numbers of an input, and A y of the gradients of two outputs.
template <class F>
FASTCAFFE_INLINE void transform_inputs(const F* x, F* to) {
  to[0] = x[0] - x[2];
  to[1] = x[1] + x[2];
  to[2] = x[2] - x[1];
  to[3] = x[1] - x[3];
}
template <class F>
FASTCAFFE_INLINE void transform_diffs(const F* y, F* to) {
  to[0] = y[0];
  to[1] = y[0] + y[1];
  to[2] = y[0] - y[1];
  to[3] = -y[1];
}
// A^T m: the outputs of four products.
template <class F>
FASTCAFFE_INLINE void transform_products(const F* m, F* to) {
  to[0] = m[0] + (m[1] + m[2]);
  to[1] = (m[1] - m[2]) - m[3];
}

template <int W, int S>
FASTCAFFE_INLINE void inputs_of_segments(const float* from, const WinogradMaps& maps, int vectors, int channels,
                                         const WinogradRoom& to) {
  typedef typename Lanes<W>::F F;
  constexpr int kSegments = 2 * W / S;
  for (int channel = 0; channel < channels; ++channel, from += maps.map) {
    float* out = to.first + channel * to.map;
    for (int vector = 0; vector < vectors; ++vector, out += W) {
      const std::int64_t* at = maps.segments + vector * kSegments;
      F columns[4][4], x[4][4];  // transposed, and back
#pragma GCC unroll 4
      for (int row = 0; row < 4; ++row) {
        const float* first = from + row * maps.row;
        load_columns<W, S>(first, at, kSegments, &columns[0][row], &columns[1][row]);
        load_columns<W, S>(first + 2, at, kSegments, &columns[2][row], &columns[3][row]);
      }
#pragma GCC unroll 4
      for (int column = 0; column < 4; ++column) {
        F transformed[4];
        transform_inputs(columns[column], transformed);
#pragma GCC unroll 4
        for (int row = 0; row < 4; ++row) x[row][column] = transformed[row];
      }
#pragma GCC unroll 4
      for (int row = 0; row < 4; ++row) {
        F transformed[4];
        transform_inputs(x[row], transformed);
#pragma GCC unroll 4
        for (int column = 0; column < 4; ++column) store(out + (4 * row + column) * to.place, transformed[column]);
      }
    }
  }
}

template <int W, int S>
FASTCAFFE_INLINE void diffs_of_segments(const float* from, const WinogradMaps& maps, int vectors, int segments,
                                        int outputs, const WinogradRoom& to) {
  typedef typename Lanes<W>::F F;
  for (int output = 0; output < outputs; ++output, from += maps.map) {
    float* out = to.first + output * to.map;
    for (int vector = 0; vector < vectors; ++vector, out += W) {
      const int first = vector * (2 * W / S);
      F columns[2][2], y[4][2];
#pragma GCC unroll 2
      for (int row = 0; row < 2; ++row) {
        load_columns<W, S>(from + row * maps.row, maps.segments + first, segments - first, &columns[0][row],
                           &columns[1][row]);
      }
#pragma GCC unroll 2
      for (int column = 0; column < 2; ++column) {
        F transformed[4];
        transform_diffs(columns[column], transformed);
#pragma GCC unroll 4
        for (int row = 0; row < 4; ++row) y[row][column] = transformed[row];
      }
#pragma GCC unroll 4
      for (int row = 0; row < 4; ++row) {
        F transformed[4];
        transform_diffs(y[row], transformed);
#pragma GCC unroll 4
        for (int column = 0; column < 4; ++column) store(out + (4 * row + column) * to.place, transformed[column]);
      }
    }
  }
}

template <int W, int S>
FASTCAFFE_INLINE void outputs_of_segments(const WinogradRoom& sums, int outputs, const float* biases,
                                          const WinogradMaps& maps, int segments, float* to) {
  typedef typename Lanes<W>::F F;
  for (int output = 0; output < outputs; ++output, to += maps.map) {
    const F bias = same<F>(biases ? biases[output] : 0.f);
    const float* from = sums.first + output * sums.map;
    for (int vector = 0; vector < WinogradTile<W>::kVectors; ++vector, from += W) {
      const int first = vector * (2 * W / S);
#pragma GCC unroll 8
      for (int i = 0; i < 2 * W / S; ++i) {
        const float* soon = to + kSoon * maps.map + maps.segments[first + i];
        __builtin_prefetch(soon);
        __builtin_prefetch(soon + maps.row);
      }
      F rows[2][4];
#pragma GCC unroll 4
      for (int column = 0; column < 4; ++column) {
        F products[4], transformed[2];
#pragma GCC unroll 4
        for (int row = 0; row < 4; ++row) products[row] = load<F>(from + (4 * row + column) * sums.place);
        transform_products(products, transformed);
        rows[0][column] = transformed[0];
        rows[1][column] = transformed[1];
      }
#pragma GCC unroll 2
      for (int row = 0; row < 2; ++row) {
        F y[2];
        transform_products(rows[row], y);
        store_columns<W, S>(y[0] + bias, y[1] + bias, to + row * maps.row, maps.segments + first, segments - first);
      }
    }
  }
}

// Whatever S is: half a vector, or a quarter.
template <int W>
FASTCAFFE_INLINE void winograd_inputs_body(const float* from, const WinogradMaps& maps, int vectors, int channels,
                                           const WinogradRoom& to) {
  if (maps.columns == W / 2) return inputs_of_segments<W, W / 2>(from, maps, vectors, channels, to);
  if constexpr (W >= 8) inputs_of_segments<W, W / 4>(from, maps, vectors, channels, to);
}

template <int W>
FASTCAFFE_INLINE void winograd_diffs_body(const float* from, const WinogradMaps& maps, int vectors, int segments,
                                          int outputs, const WinogradRoom& to) {
  if (maps.columns == W / 2) return diffs_of_segments<W, W / 2>(from, maps, vectors, segments, outputs, to);
  if constexpr (W >= 8) diffs_of_segments<W, W / 4>(from, maps, vectors, segments, outputs, to);
}

template <int W>
FASTCAFFE_INLINE void winograd_outputs_body(const WinogradRoom& sums, int outputs, const float* biases,
                                            const WinogradMaps& maps, int segments, float* to) {
  if (maps.columns == W / 2) return outputs_of_segments<W, W / 2>(sums, outputs, biases, maps, segments, to);
  if constexpr (W >= 8) outputs_of_segments<W, W / 4>(sums, outputs, biases, maps, segments, to);
}

// A row in vectors of W numbers, the last of which may overlap the one before, or in smaller ones.
template <int W>
FASTCAFFE_INLINE void copy_row(const float* from, int width, float* to) {
  if constexpr (W == 1) {
    for (int at = 0; at < width; ++at) to[at] = from[at];
  } else {
    typedef typename Lanes<W>::F F;
    if (width < W) return copy_row<W / 2>(from, width, to);
    for (int at = 0; at + W <= width; at += W) store(to + at, load<F>(from + at));
    if (width % W) store(to + width - W, load<F>(from + width - W));
  }
}

template <int W>
FASTCAFFE_INLINE void winograd_copy_body(const float* from, std::int64_t from_row, std::int64_t from_map,
                                         std::int64_t maps, int rows, int width, float* to, std::int64_t to_row,
                                         std::int64_t to_map) {
  for (std::int64_t map = 0; map < maps; ++map) {
    for (int row = 0; row < rows; ++row) {
      copy_row<W>(from + map * from_map + row * from_row, width, to + map * to_map + row * to_row);
    }
  }
}

// G g G^T of W kernels of channels that follow each other; `step` is from one to the next, of which fewer may exist.
template <int W>
FASTCAFFE_INLINE void transform_kernels(const float* kernels, std::int64_t step, int exist, bool turned, float* to,
                                        std::int64_t to_place) {
  typedef typename Lanes<W>::F F;
  float taps[9][W];
  for (int i = 0; i < W; ++i) {  // the last once more where there are no more
#pragma GCC unroll 9
    for (int tap = 0; tap < 9; ++tap) taps[tap][i] = kernels[std::min(i, exist - 1) * step + (turned ? 8 - tap : tap)];
  }
  F rows[4][3];
#pragma GCC unroll 3
  for (int x = 0; x < 3; ++x) {
    const F above = load<F>(taps[x]), middle = load<F>(taps[3 + x]), below = load<F>(taps[6 + x]);
    rows[0][x] = above;
    rows[1][x] = (above + below + middle) * 0.5f;
    rows[2][x] = (above + below - middle) * 0.5f;
    rows[3][x] = below;
  }
#pragma GCC unroll 4
  for (int y = 0; y < 4; ++y) {
    const F outer = rows[y][0] + rows[y][2];
    store(to + 4 * y * to_place, rows[y][0]);
    store(to + (4 * y + 1) * to_place, (outer + rows[y][1]) * 0.5f);
    store(to + (4 * y + 2) * to_place, (outer - rows[y][1]) * 0.5f);
    store(to + (4 * y + 3) * to_place, rows[y][2]);
  }
}

template <int W>
FASTCAFFE_INLINE void winograd_weights_body(const float* weights, std::int64_t channel, std::int64_t output,
                                            bool turned, int channels, int outputs, const WinogradRoom& to) {
  const Parts blocks{outputs, WinogradTile<W>::kOutputs};
  for (int block = 0; block < blocks.number(); ++block) {
    float* first = to.first + blocks.begin(block) * to.map;
    for (int c = 0; c < channels; c += W) {
      for (int o = blocks.begin(block); o < blocks.begin(block + 1); ++o, first += W) {
        transform_kernels<W>(weights + c * channel + o * output, channel, std::min(W, channels - c), turned, first,
                             to.place);
      }
    }
  }
}

}  // namespace

FASTCAFFE_KERNEL(winograd_copy,
                 (const float* from, std::int64_t from_row, std::int64_t from_map, std::int64_t maps, int rows,
                  int width, float* to, std::int64_t to_row, std::int64_t to_map),
                 (from, from_row, from_map, maps, rows, width, to, to_row, to_map))
FASTCAFFE_KERNEL(winograd_weights,
                 (const float* weights, std::int64_t channel, std::int64_t output, bool turned, int channels,
                  int outputs, const WinogradRoom& to),
                 (weights, channel, output, turned, channels, outputs, to))
FASTCAFFE_KERNEL(winograd_inputs,
                 (const float* from, const WinogradMaps& maps, int vectors, int channels, const WinogradRoom& to),
                 (from, maps, vectors, channels, to))
FASTCAFFE_KERNEL(winograd_diffs,
                 (const float* from, const WinogradMaps& maps, int vectors, int segments, int outputs,
                  const WinogradRoom& to),
                 (from, maps, vectors, segments, outputs, to))
FASTCAFFE_KERNEL(winograd_outputs,
                 (const WinogradRoom& sums, int outputs, const float* biases, const WinogradMaps& maps, int segments,
                  float* to),
                 (sums, outputs, biases, maps, segments, to))

}  // namespace fastcaffe
