// Compiled with fused multiplication and addition allowed: nothing here has to have Caffe's bits.

#include "sparse_lanes_kernels.h"

#include "relu_lanes.h"
#include "simd.h"

namespace fastcaffe {
namespace {

// How many vectors of sums the registers hold: 32 of them with 16 lanes (and on Arm), 16 of them else.
template <int W>
constexpr int most_pixels() {
  return W == 16 || !FASTCAFFE_X86 ? 16 : 8;
}

// STEP vectors, or so many as are only known now, as floats.
template <int W, int STEP>
FASTCAFFE_INLINE std::int64_t column_step(int step) {
  return std::int64_t(STEP ? STEP : step) * W;
}

// Calls each(p, address) for P columns that lie a step apart, from `first` on.
template <int STEP, int P, class Each>
FASTCAFFE_INLINE void each_column(const float* first, std::int64_t step, const Each& each) {
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p) {
    each(p, STEP ? first + p * step : first);
    if (!STEP) first = one_address(first + step);
  }
}

// The sums of R rows of P pixels stay in registers while the synapses go by. IN, OUT: the steps of ColumnSteps, or 0
// where they are `steps`.
template <int W, int IN, int OUT, int R, int P>
FASTCAFFE_INLINE void convolve_tile(const float* in, std::int64_t in_row, const Synapse* synapse, const Synapse* end,
                                    const SumsOf& of, float* out, std::int64_t out_row, ColumnSteps steps) {
  typedef typename Lanes<W>::F F;
  const std::int64_t in_step = column_step<W, IN>(steps.in), out_step = column_step<W, OUT>(steps.out);
  F sums[R][P];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) sums[r][p] = same<F>(of.bias);
  }
  if (of.more) {
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 16
      for (int p = 0; p < P; ++p) sums[r][p] = load<F>(out + r * out_row + p * out_step);
    }
  }
  for (; synapse < end; ++synapse) {
    const float* from = one_address(in + synapse->at);
    const float weight = synapse->weight;
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r, from = one_address(from + in_row)) {
      each_column<IN, P>(from, in_step, [&](int p, const float* at) __attribute__((always_inline)) {
        sums[r][p] += weight * load<F>(at);
      });
    }
  }
  if (of.positive) {
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 16
      for (int p = 0; p < P; ++p) {
        of.positive[(r * out_row + p * out_step) / W] = positive_bits<W>(sums[r][p]);
        store(out + r * out_row + p * out_step, rectified<W>(sums[r][p]));
      }
    }
    return;
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) store(out + r * out_row + p * out_step, sums[r][p]);
  }
}

// An output's gradient at R rows of P pixels stays in registers while its synapses go by.
template <int W, int IN, int R, int P>
FASTCAFFE_INLINE void correlate_tile(const float* in, std::int64_t in_row, const Synapse* synapse, const Synapse* end,
                                     const float* out_diff, std::int64_t out_row, float* sums, int step,
                                     float* total) {
  typedef typename Lanes<W>::F F;
  const std::int64_t in_step = column_step<W, IN>(step);
  F diff[R][P];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) {
      diff[r][p] = load<F>(out_diff + r * out_row + p * W);
    }
  }
  if (total) {
    F even = {}, odd = {};
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 16
      for (int p = 0; p < P; ++p) (r * P + p) % 2 ? odd += diff[r][p] : even += diff[r][p];
    }
    store(total, load<F>(total) + (even + odd));
  }
  for (; synapse < end; ++synapse, sums += W) {
    const float* from = one_address(in + synapse->at);
    F even = load<F>(sums), odd = {};
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r, from = one_address(from + in_row)) {
      each_column<IN, P>(from, in_step, [&](int p, const float* at) __attribute__((always_inline)) {
        if ((r * P + p) % 2) {
          odd += diff[r][p] * load<F>(at);
        } else {
          even += diff[r][p] * load<F>(at);
        }
      });
    }
    store(sums, R * P > 1 ? even + odd : even);
  }
}

// What is done with a tile: the one of P, P/2, ... 1 columns that it is.
template <int W, int IN, int OUT, int R, int P>
FASTCAFFE_INLINE void convolve_columns(const float* in, std::int64_t in_row, const SparseTile& tile,
                                       const Synapse* first, const Synapse* last, const SumsOf& of, float* out,
                                       std::int64_t out_row, ColumnSteps steps) {
  if (tile.columns == P) return convolve_tile<W, IN, OUT, R, P>(in, in_row, first, last, of, out, out_row, steps);
  if constexpr (P > 1) convolve_columns<W, IN, OUT, R, P / 2>(in, in_row, tile, first, last, of, out, out_row, steps);
}

template <int W, int IN, int OUT>
FASTCAFFE_INLINE void convolve_tiles(const float* in, int in_row, const SparseTile* tiles, int count,
                                     const Synapse* synapses, const std::int32_t* begin, const SumsOf& sums, float* out,
                                     int out_row, ColumnSteps by) {
  constexpr int T = most_pixels<W>();
  const std::int64_t in_step = std::int64_t(in_row) * W, out_step = std::int64_t(out_row) * W;
  for (const SparseTile* tile = tiles; tile < tiles + count; ++tile) {
    const Synapse *first = synapses + begin[tile->first_part], *last = synapses + begin[tile->last_part];
    const float* from = in + std::int64_t(tile->in) * W;
    float* to = out + std::int64_t(tile->out) * W;
    const SumsOf of = {sums.bias, sums.more, sums.positive ? sums.positive + tile->out : nullptr};
    switch (tile->rows) {
      case 1: convolve_columns<W, IN, OUT, 1, T>(from, in_step, *tile, first, last, of, to, out_step, by); break;
      case 2: convolve_columns<W, IN, OUT, 2, T / 2>(from, in_step, *tile, first, last, of, to, out_step, by); break;
      case 4: convolve_columns<W, IN, OUT, 4, T / 4>(from, in_step, *tile, first, last, of, to, out_step, by); break;
      case 8: convolve_columns<W, IN, OUT, 8, T / 8>(from, in_step, *tile, first, last, of, to, out_step, by); break;
      default: convolve_tile<W, IN, OUT, T, 1>(from, in_step, first, last, of, to, out_step, by);
    }
  }
}

template <int W>
FASTCAFFE_INLINE void convolve_sparse_lanes_body(const float* in, int in_row, const SparseTile* tiles, int count,
                                                 const Synapse* synapses, const std::int32_t* begin, const SumsOf& of,
                                                 float* out, int out_row, ColumnSteps steps) {
  const auto step_by = [&](auto step_in, auto step_out) __attribute__((always_inline)) {
    constexpr int kIn = decltype(step_in)::value, kOut = decltype(step_out)::value;
    convolve_tiles<W, kIn, kOut>(in, in_row, tiles, count, synapses, begin, of, out, out_row, steps);
  };
  if (steps.in > 2 || steps.out > 2) return step_by(Width<0>(), Width<0>());
  if (steps.in == 2) return step_by(Width<2>(), Width<1>());
  if (steps.out == 2) return step_by(Width<1>(), Width<2>());
  step_by(Width<1>(), Width<1>());
}

template <int W, int IN, int R, int P>
FASTCAFFE_INLINE void correlate_columns(const float* in, std::int64_t in_row, const SparseTile& tile,
                                        const Synapse* first, const Synapse* last, const float* out_diff,
                                        std::int64_t out_row, float* sums, int step, float* total) {
  if (tile.columns == P) {
    return correlate_tile<W, IN, R, P>(in, in_row, first, last, out_diff, out_row, sums, step, total);
  }
  if constexpr (P > 1) {
    correlate_columns<W, IN, R, P / 2>(in, in_row, tile, first, last, out_diff, out_row, sums, step, total);
  }
}

template <int W, int IN>
FASTCAFFE_INLINE void correlate_tiles(const float* in, int in_row, const SparseTile* tiles, int count,
                                      const float* out_diff, int out_row, const Synapse* synapses,
                                      const std::int32_t* begin, float* sums, int by, float* total) {
  constexpr int T = most_pixels<W>();
  const std::int64_t in_step = std::int64_t(in_row) * W, row = std::int64_t(out_row) * W;
  for (const SparseTile* tile = tiles; tile < tiles + count; ++tile) {
    const Synapse *first = synapses + begin[tile->first_part], *last = synapses + begin[tile->last_part];
    const float *from = in + std::int64_t(tile->in) * W, *diff = out_diff + std::int64_t(tile->out) * W;
    float* to = sums + std::int64_t(begin[tile->first_part] - begin[0]) * W;
    switch (tile->rows) {
      case 1: correlate_columns<W, IN, 1, T>(from, in_step, *tile, first, last, diff, row, to, by, total); break;
      case 2: correlate_columns<W, IN, 2, T / 2>(from, in_step, *tile, first, last, diff, row, to, by, total); break;
      case 4: correlate_columns<W, IN, 4, T / 4>(from, in_step, *tile, first, last, diff, row, to, by, total); break;
      case 8: correlate_columns<W, IN, 8, T / 8>(from, in_step, *tile, first, last, diff, row, to, by, total); break;
      default: correlate_tile<W, IN, T, 1>(from, in_step, first, last, diff, row, to, by, total);
    }
  }
}

template <int W>
FASTCAFFE_INLINE void correlate_sparse_lanes_body(const float* in, int in_row, const SparseTile* tiles, int count,
                                                  const float* out_diff, int out_row, const Synapse* synapses,
                                                  const std::int32_t* begin, float* sums, int in_step,
                                                  float* total) {
  const auto step_by = [&](auto step) __attribute__((always_inline)) {
    correlate_tiles<W, decltype(step)::value>(in, in_row, tiles, count, out_diff, out_row, synapses, begin, sums,
                                              in_step, total);
  };
  if (in_step > 2) return step_by(Width<0>());
  if (in_step == 2) return step_by(Width<2>());
  step_by(Width<1>());
}

template <int W>
FASTCAFFE_INLINE void tell_tile_body(int* pixels) {
  *pixels = most_pixels<W>();
}

FASTCAFFE_KERNEL(tell_tile, (int* pixels), (pixels))

}  // namespace

int sparse_tile() {
  int pixels;
  tell_tile(&pixels);
  return pixels;
}

FASTCAFFE_KERNEL(convolve_sparse_lanes,
                 (const float* in, int in_row, const SparseTile* tiles, int count, const Synapse* synapses,
                  const std::int32_t* begin, const SumsOf& of, float* out, int out_row, ColumnSteps steps),
                 (in, in_row, tiles, count, synapses, begin, of, out, out_row, steps))
FASTCAFFE_KERNEL(correlate_sparse_lanes,
                 (const float* in, int in_row, const SparseTile* tiles, int count, const float* out_diff, int out_row,
                  const Synapse* synapses, const std::int32_t* begin, float* sums, int in_step, float* total),
                 (in, in_row, tiles, count, out_diff, out_row, synapses, begin, sums, in_step, total))

}  // namespace fastcaffe
