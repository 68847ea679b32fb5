#include "pooling_kernels.h"
#include "pooling_rows.h"
#include "threads.h"

namespace fastcaffe {
namespace {

// Caffe adds each window's share to the bottom places that it covers, windows in row-major order. Here each bottom
// place collects from its windows, in the same order: rows of windows ascending, and within a row kernel columns
// descending, which are windows ascending. So the sums have the same bits.
//
// One row of windows lies in scratch memory with `margin` empty windows before it and enough after it that a vector
// of bottom places finds all its windows.
struct Windows {
  int lanes, margin, pitch, row_pitch;

  Windows(const Pool& pool, int most_lanes) {
    const int places = (pool.width + pool.pad_w + pool.stride_w - 1) / pool.stride_w;  // of a bottom row, a phase
    lanes = lanes_for(places, most_lanes);
    margin = (pool.kernel_w - 1) / pool.stride_w;
    pitch = margin + round_up(std::max(places, pool.out_width), 16);
    row_pitch = round_up(places, 16);
  }
};

// Rows of windows that cover a bottom row: begin..end.
FASTCAFFE_INLINE int windows_begin(const Pool& pool, int row) {
  const int beyond = row + pool.pad_h - pool.kernel_h;
  return beyond < 0 ? 0 : beyond / pool.stride_h + 1;
}
FASTCAFFE_INLINE int windows_end(const Pool& pool, int row) {
  return std::min((row + pool.pad_h) / pool.stride_h + 1, pool.out_height);
}

// Sums of one bottom row into `phases`.
template <int W>
FASTCAFFE_INLINE void collect_row(const Pool& pool, const Windows& windows, int row, const float* shares,
                                  float* phases) {
  typedef typename Lanes<W>::F F;
  const int begin = windows_begin(pool, row), end = windows_end(pool, row);
  for (int phase = 0; phase < pool.stride_w; ++phase) {
    const int places = (pool.width + pool.pad_w - phase + pool.stride_w - 1) / pool.stride_w;
    const int farthest = phase < pool.kernel_w ? (pool.kernel_w - 1 - phase) / pool.stride_w : -1;
    // Only whole vectors: what they hold beyond the row's places is never read.
    for (int place = 0; place < places; place += W) {
      F sum = {};
      // Windows place - shift ... place + W - 1 - shift; none of the others exists.
      const int first = std::min(farthest, place + W - 1), last = std::max(0, place - pool.out_width + 1);
      for (int out = begin; out < end; ++out) {
        for (int shift = first; shift >= last; --shift) {
          sum += load<F>(shares + out * windows.pitch + windows.margin + place - shift);
        }
      }
      store(phases + phase * windows.row_pitch + place, sum);
    }
  }
}

template <int W>
FASTCAFFE_INLINE void average_plane(const Pool& pool, const Windows& windows, const float* diff,
                                    const float* counted_columns, float* shares, float* phases, float* bottom_diff) {
  typedef typename Lanes<W>::F F;
  for (int out = 0; out < pool.out_height; ++out) {
    const float counted_rows = Pool::counted(out, pool.kernel_h, pool.stride_h, pool.pad_h, pool.height);
    float* to = shares + out * windows.pitch + windows.margin;
    const float* from = diff + out * pool.out_width;
    int i = 0;
    for (; i + W <= pool.out_width; i += W) {
      store(to + i, load<F>(from + i) / (load<F>(counted_columns + i) * counted_rows));
    }
    for (; i < pool.out_width; ++i) to[i] = from[i] / (counted_columns[i] * counted_rows);
  }
  for (int row = 0; row < pool.height; ++row) {
    collect_row<W>(pool, windows, row, shares, phases);
    put_together<W>(phases, pool.width, pool.stride_w, pool.pad_w, windows.row_pitch,
                    bottom_diff + std::int64_t(row) * pool.width);
  }
}

template <int MOST>
FASTCAFFE_INLINE void any_average_pool_backward_body(const Pool& pool, std::int64_t planes, const float* top_diff,
                                                 float* bottom_diff) {
  const Windows windows(pool, MOST);
  const std::int64_t size = std::int64_t(pool.out_height) * windows.pitch + 16;
  float* shares = Scratch::floats(size + pool.stride_w * windows.row_pitch + pool.out_width);
  float* phases = shares + size;
  float* counted = phases + pool.stride_w * windows.row_pitch;
  std::fill(shares, shares + size, 0.f);
  for (int out = 0; out < pool.out_width; ++out) {
    counted[out] = Pool::counted(out, pool.kernel_w, pool.stride_w, pool.pad_w, pool.width);
  }
  for (std::int64_t plane = 0; plane < planes; ++plane) {
    switch (windows.lanes) {
      case 16:
        average_plane<(MOST < 16 ? MOST : 16)>(pool, windows, top_diff, counted, shares, phases, bottom_diff);
        break;
      case 8:
        average_plane<(MOST < 8 ? MOST : 8)>(pool, windows, top_diff, counted, shares, phases, bottom_diff);
        break;
      case 4: average_plane<4>(pool, windows, top_diff, counted, shares, phases, bottom_diff); break;
      default: average_plane<1>(pool, windows, top_diff, counted, shares, phases, bottom_diff);
    }
    top_diff += std::int64_t(pool.out_height) * pool.out_width;
    bottom_diff += std::int64_t(pool.height) * pool.width;
  }
}

FASTCAFFE_KERNEL(any_average_pool_backward,
                 (const Pool& pool, std::int64_t planes, const float* top_diff, float* bottom_diff),
                 (pool, planes, top_diff, bottom_diff))

}  // namespace

// Each window's gradient goes where its mask says, windows in Caffe's order. A plane fits the nearest cache, which is
// what makes this faster than Caffe's own. A window without a maximum has no place: Caffe writes beside the plane.
void max_pool_backward(const Pool& pool, std::int64_t planes, const float* top_diff, const std::int32_t* mask,
                       float* bottom_diff) {
  const std::int64_t below = pool.below(), above = pool.above();
  for (std::int64_t plane = 0; plane < planes; ++plane, bottom_diff += below) {
    std::fill(bottom_diff, bottom_diff + below, 0.f);
    for (const float* end = top_diff + above; top_diff < end; ++top_diff, ++mask) {
      if (*mask >= 0) bottom_diff[*mask] += *top_diff;
    }
  }
}

void average_pool_backward(const Pool& pool, std::int64_t planes, const float* top_diff, float* bottom_diff) {
  (pool.in_registers(planes) ? average_pool_3x3_backward : any_average_pool_backward)(pool, planes, top_diff,
                                                                                      bottom_diff);
}

}  // namespace fastcaffe
