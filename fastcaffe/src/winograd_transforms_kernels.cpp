// The transforms before and after Winograd's products, which are additions, and halves that are exact.

#include <algorithm>

#include "parts.h"
#include "winograd_kernels.h"
#include "winograd_tile.h"

namespace fastcaffe {
namespace {

constexpr int kSoon = 4;  // maps ahead, whose memory is asked for

// Two columns of each of a vector's tiles: at each of its four segments, even numbers and the odd ones behind them.
template <int W>
FASTCAFFE_INLINE void load_columns(const float* from, const std::int64_t* at, typename Lanes<W>::F* even,
                                   typename Lanes<W>::F* odd) {
  typedef typename Lanes<W / 2>::F Half;
  const typename CountTo<W>::type all;
  const auto a = stretch_of<0>(load<Half>(from + at[0]), load<Half>(from + at[1]), all);
  const auto b = stretch_of<0>(load<Half>(from + at[2]), load<Half>(from + at[3]), all);
  split_pairs<W>(a, b, even, odd, all);
}

// The same where only so many segments exist; the others have zeros.
template <int W>
FASTCAFFE_INLINE void load_columns(const float* from, const std::int64_t* at, int segments,
                                   typename Lanes<W>::F* even, typename Lanes<W>::F* odd) {
  typedef typename Lanes<W / 2>::F Half;
  const typename CountTo<W>::type all;
  Half x[kWinogradSegments];
#pragma GCC unroll 4
  for (int i = 0; i < kWinogradSegments; ++i) x[i] = i < segments ? load<Half>(from + at[i]) : Half{};
  split_pairs<W>(stretch_of<0>(x[0], x[1], all), stretch_of<0>(x[2], x[3], all), even, odd, all);
}

template <int W>
FASTCAFFE_INLINE void store_columns(typename Lanes<W>::F even, typename Lanes<W>::F odd, float* to,
                                    const std::int64_t* at, int segments) {
  const typename CountTo<W / 2>::type half;
  typename Lanes<W>::F pairs[2];
  join_pairs<W>(even, odd, &pairs[0], &pairs[1], typename CountTo<W>::type());
  if (segments > 0) store(to + at[0], stretch_of<0>(pairs[0], pairs[0], half));
  if (segments > 1) store(to + at[1], stretch_of<W / 2>(pairs[0], pairs[0], half));
  if (segments > 2) store(to + at[2], stretch_of<0>(pairs[1], pairs[1], half));
  if (segments > 3) store(to + at[3], stretch_of<W / 2>(pairs[1], pairs[1], half));
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

template <int W>
FASTCAFFE_INLINE void winograd_inputs_body(const float* from, const WinogradMaps& maps, int vectors, int channels,
                                           const WinogradRoom& to) {
  typedef typename Lanes<W>::F F;
  for (int channel = 0; channel < channels; ++channel, from += maps.map) {
    float* out = to.first + channel * to.map;
    for (int vector = 0; vector < vectors; ++vector, out += W) {
      const std::int64_t* at = maps.segments + vector * kWinogradSegments;
      F columns[4][4], x[4][4];  // transposed, and back
#pragma GCC unroll 4
      for (int row = 0; row < 4; ++row) {
        load_columns<W>(from + row * maps.row, at, &columns[0][row], &columns[1][row]);
        load_columns<W>(from + row * maps.row + 2, at, &columns[2][row], &columns[3][row]);
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

template <int W>
FASTCAFFE_INLINE void winograd_diffs_body(const float* from, const WinogradMaps& maps, int vectors, int segments,
                                          int outputs, const WinogradRoom& to) {
  typedef typename Lanes<W>::F F;
  for (int output = 0; output < outputs; ++output, from += maps.map) {
    float* out = to.first + output * to.map;
    for (int vector = 0; vector < vectors; ++vector, out += W) {
      const int first = vector * kWinogradSegments;
      F columns[2][2], y[4][2];
#pragma GCC unroll 2
      for (int row = 0; row < 2; ++row) {
        load_columns<W>(from + row * maps.row, maps.segments + first, segments - first, &columns[0][row],
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

template <int W>
FASTCAFFE_INLINE void winograd_outputs_body(const WinogradRoom& sums, int outputs, const float* biases,
                                            const WinogradMaps& maps, int segments, float* to) {
  typedef typename Lanes<W>::F F;
  for (int output = 0; output < outputs; ++output, to += maps.map) {
    const F bias = same<F>(biases ? biases[output] : 0.f);
    const float* from = sums.first + output * sums.map;
    for (int vector = 0; vector < WinogradTile<W>::kVectors; ++vector, from += W) {
      const int first = vector * kWinogradSegments;
#pragma GCC unroll 4
      for (int i = 0; i < kWinogradSegments; ++i) {
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
        store_columns<W>(y[0] + bias, y[1] + bias, to + row * maps.row, maps.segments + first, segments - first);
      }
    }
  }
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
