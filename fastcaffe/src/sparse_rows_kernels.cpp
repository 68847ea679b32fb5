// Compiled with fused multiplication and addition allowed: nothing here has to have Caffe's bits.

#include "sparse_rows_kernels.h"

#include "simd.h"

namespace fastcaffe {
namespace {

// How many vectors of sums the registers hold: 32 of them with 16 lanes (and on Arm), 16 of them else.
template <int W>
constexpr int most_vectors() {
  return W == 16 || !FASTCAFFE_X86 ? 16 : 8;
}

// The sums of T vectors of pixels stay in registers while the synapses go by, U of them at a time.
template <int W, int T, int U>
FASTCAFFE_INLINE void convolve_tile(const float* in, const Synapse* synapse, const Synapse* end, float bias,
                                    float* out) {
  typedef typename Lanes<W>::F F;
  F sums[U][T];
#pragma GCC unroll 8
  for (int u = 0; u < U; ++u) {
#pragma GCC unroll 16
    for (int t = 0; t < T; ++t) sums[u][t] = u ? F{} : same<F>(bias);
  }
  for (; synapse + U <= end; synapse += U) {
#pragma GCC unroll 8
    for (int u = 0; u < U; ++u) {
      const float* from = one_address(in + synapse[u].at);
      const float weight = synapse[u].weight;
#pragma GCC unroll 16
      for (int t = 0; t < T; ++t) sums[u][t] += weight * load<F>(from + t * W);
    }
  }
  for (; U > 1 && synapse < end; ++synapse) {
    const float* from = one_address(in + synapse->at);
    const float weight = synapse->weight;
#pragma GCC unroll 16
    for (int t = 0; t < T; ++t) sums[0][t] += weight * load<F>(from + t * W);
  }
#pragma GCC unroll 16
  for (int t = 0; t < T; ++t) {
    F sum = sums[0][t];
#pragma GCC unroll 8
    for (int u = 1; u < U; ++u) sum += sums[u][t];
    store(out + t * W, sum);
  }
}

// One output. The last vector of a plane may overlap with the one before.
template <int W>
FASTCAFFE_INLINE void convolve_plane(const float* in, const Synapse* synapse, const Synapse* end, float bias,
                                     int pixels, float* out) {
  constexpr int T = most_vectors<W>();
  int at = 0;
  for (; at + T * W <= pixels; at += T * W) convolve_tile<W, T, 1>(in + at, synapse, end, bias, out + at);
  if (T == 16 && at + 8 * W <= pixels) {
    convolve_tile<W, 8, 1>(in + at, synapse, end, bias, out + at);
    at += 8 * W;
  }
  if (at + 4 * W <= pixels) {
    convolve_tile<W, 4, 2>(in + at, synapse, end, bias, out + at);
    at += 4 * W;
  }
  for (; at + W <= pixels; at += W) convolve_tile<W, 1, 4>(in + at, synapse, end, bias, out + at);
  if (at < pixels) {
    at = pixels - W;
    convolve_tile<W, 1, 4>(in + at, synapse, end, bias, out + at);
  }
}

template <int W>
FASTCAFFE_INLINE void convolve_sparse_rows_body(const float* in, const Synapse* synapses, const std::int32_t* begin,
                                                int outputs, const float* bias, int pixels, float* out) {
  for (int output = 0; output < outputs; ++output, out += pixels) {
    convolve_plane<W>(in, synapses + begin[output], synapses + begin[output + 1], bias ? bias[output] : 0.f, pixels,
                      out);
  }
}

// T vectors of an output's gradient stay in registers while its synapses go by; of the first, only lanes from `skip` on
// count.
template <int W, int T>
FASTCAFFE_INLINE void correlate_tile(const float* in, const Synapse* synapse, const Synapse* end, const float* out_diff,
                                     int skip, float* sums) {
  typedef typename Lanes<W>::F F;
  F diff[T];
#pragma GCC unroll 16
  for (int t = 0; t < T; ++t) diff[t] = load<F>(out_diff + t * W);
  if (T == 1) diff[0] = counting<W>() >= skip ? diff[0] : F{};
  for (; synapse < end; ++synapse, sums += W) {
    const float* from = one_address(in + synapse->at);
    F even = load<F>(sums), odd = {};
#pragma GCC unroll 16
    for (int t = 0; t < T; ++t) {
      if (t % 2) {
        odd += diff[t] * load<F>(from + t * W);
      } else {
        even += diff[t] * load<F>(from + t * W);
      }
    }
    store(sums, T > 1 ? even + odd : even);
  }
}

template <int W>
FASTCAFFE_INLINE void correlate_plane(const float* in, const Synapse* synapse, const Synapse* end,
                                      const float* out_diff, int pixels, float* sums) {
  constexpr int T = most_vectors<W>();
  int at = 0;
  for (; at + T * W <= pixels; at += T * W) correlate_tile<W, T>(in + at, synapse, end, out_diff + at, 0, sums);
  if (T == 16 && at + 8 * W <= pixels) {
    correlate_tile<W, 8>(in + at, synapse, end, out_diff + at, 0, sums);
    at += 8 * W;
  }
  if (at + 4 * W <= pixels) {
    correlate_tile<W, 4>(in + at, synapse, end, out_diff + at, 0, sums);
    at += 4 * W;
  }
  for (; at + W <= pixels; at += W) correlate_tile<W, 1>(in + at, synapse, end, out_diff + at, 0, sums);
  if (at < pixels) {
    const int last = pixels - W;
    correlate_tile<W, 1>(in + last, synapse, end, out_diff + last, at - last, sums);
  }
}

template <int W>
FASTCAFFE_INLINE void correlate_sparse_rows_body(const float* in, const Synapse* synapses, const std::int32_t* begin,
                                                 int outputs, const float* out_diff, int pixels, float* sums) {
  for (int output = 0; output < outputs; ++output, out_diff += pixels) {
    correlate_plane<W>(in, synapses + begin[output], synapses + begin[output + 1], out_diff, pixels,
                       sums + std::int64_t(begin[output]) * W);
  }
}

// W of a row's pixels, STEP apart, into to[0..W]; at the ends of a blob one by one.
template <int W, int STEP>
FASTCAFFE_INLINE void shift_vector(const float* from, const float* begin, const float* end, const std::int32_t* mask,
                                   float* to) {
  typedef typename Lanes<W>::F F;
  typedef typename Lanes<W>::I I;
  if (from >= begin && from + STEP * W <= end) {
    F pixels = load<F>(from), others;
    if (STEP == 2) split_pairs<W>(pixels, load<F>(from + W), &pixels, &others, typename CountTo<W>::type());
    store(to, reinterpret_cast<I>(pixels) & load<I>(mask));
    return;
  }
  for (int i = 0; i < W; ++i) {
    const float* pixel = from + i * STEP;
    to[i] = mask[i] && pixel >= begin && pixel < end ? *pixel : 0.f;
  }
}

template <int W>
FASTCAFFE_INLINE void shift_planes_body(const ShiftedPlane* planes, int count, const float* image, const float* begin,
                                        const float* end, const Shifting& by, float* to) {
  typedef typename Lanes<W>::F F;
  for (const ShiftedPlane* plane = planes; plane < planes + count; ++plane, to += by.size) {
    const float* from = image + plane->channel * by.channel + plane->shift;
    const std::int32_t* mask = by.masks + plane->mask;
    float *inside = to + by.above, *below = inside + by.inside;
    for (float* zeros = to; zeros < inside; zeros += W) store(zeros, F{});
    for (int at = 0, of_mask = 0; at < by.inside; at += W, of_mask = of_mask + W < by.period ? of_mask + W : 0) {
      shift_vector<W, 1>(from + at, begin, end, mask + of_mask, inside + at);
    }
    for (float* zeros = below; zeros < to + by.padded; zeros += W) store(zeros, F{});
  }
}

template <int W, int STEP>
FASTCAFFE_INLINE void shift_plane_by_row(const float* from, const float* begin, const float* end, const RowShifting& by,
                                         const std::int32_t* mask, float* to) {
  for (int phase = 0; phase < by.row_step; ++phase) {
    float* row = to + std::int64_t(phase) * by.phase_rows * by.row;
    for (int y = phase - by.above; y < by.rows - by.above; y += by.row_step, row += by.row) {
      const bool inside = y >= 0 && y < by.height;
      for (int x = 0; x < by.row; x += W) {
        if (inside) {
          shift_vector<W, STEP>(from + std::int64_t(y) * by.width + x * STEP, begin, end, mask + x, row + x);
        } else {
          store(row + x, typename Lanes<W>::F{});
        }
      }
    }
  }
}

template <int W>
FASTCAFFE_INLINE void shift_rows_body(const ShiftedPlane* planes, int count, const float* image, const float* begin,
                                      const float* end, const RowShifting& by, float* to) {
  for (const ShiftedPlane* plane = planes; plane < planes + count; ++plane, to += by.size) {
    const float* from = image + plane->channel * by.channel + plane->shift;
    const std::int32_t* mask = by.masks + plane->mask;
    if (by.pixel_step == 2) {
      shift_plane_by_row<W, 2>(from, begin, end, by, mask, to);
    } else {
      shift_plane_by_row<W, 1>(from, begin, end, by, mask, to);
    }
  }
}

}  // namespace

FASTCAFFE_KERNEL(shift_planes,
                 (const ShiftedPlane* planes, int count, const float* image, const float* begin, const float* end,
                  const Shifting& shifting, float* to),
                 (planes, count, image, begin, end, shifting, to))
FASTCAFFE_KERNEL(shift_rows,
                 (const ShiftedPlane* planes, int count, const float* image, const float* begin, const float* end,
                  const RowShifting& shifting, float* to),
                 (planes, count, image, begin, end, shifting, to))
FASTCAFFE_KERNEL(convolve_sparse_rows,
                 (const float* in, const Synapse* synapses, const std::int32_t* begin, int outputs, const float* bias,
                  int pixels, float* out),
                 (in, synapses, begin, outputs, bias, pixels, out))
FASTCAFFE_KERNEL(correlate_sparse_rows,
                 (const float* in, const Synapse* synapses, const std::int32_t* begin, int outputs,
                  const float* out_diff, int pixels, float* sums),
                 (in, synapses, begin, outputs, out_diff, pixels, sums))

}  // namespace fastcaffe
