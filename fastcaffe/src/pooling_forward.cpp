#include <cfloat>

#include "pooling_kernels.h"
#include "pooling_rows.h"
#include "threads.h"

namespace fastcaffe {
namespace {

// How the rows of a band lie in scratch memory: each row is stride_w phases of `pitch` places.
struct Band {
  int lanes, tops, rows, pitch, row_size;

  Band(const Pool& pool, int most_lanes) {
    lanes = lanes_for(pool.out_width, most_lanes);
    // The last vector of windows, at the last column of the kernel, and a whole padded row, must find their place.
    const int seen = pool.out_width + (pool.kernel_w - 1) / pool.stride_w;
    const int held = (pool.pad_w + pool.width + pool.stride_w - 1) / pool.stride_w;
    pitch = round_up(std::max(seen, held), 16);
    row_size = pitch * pool.stride_w;
    tops = band_height(row_size * pool.stride_h, pool.out_height);
    rows = (tops - 1) * pool.stride_h + pool.kernel_h;
  }
};

// Fetches the bottom rows that top rows first..last see; returns the number of the first.
template <int W>
FASTCAFFE_INLINE int fetch_rows(const Pool& pool, const Band& band, int first, int last, const float* plane,
                                float* rows) {
  const int begin = pool.row_begin(first), end = pool.row_end(last - 1);
  for (int row = begin; row < end; ++row) {
    take_apart<W>(plane + std::int64_t(row) * pool.width, pool.width, pool.stride_w, pool.pad_w, band.pitch,
                  rows + (row - begin) * band.row_size);
  }
  return begin;
}

// Scratch memory for a band, full of what padding counts as; rows never write over it.
FASTCAFFE_INLINE float* band_memory(const Band& band, float padding, std::int64_t more = 0) {
  const std::int64_t size = std::int64_t(band.rows) * band.row_size;
  float* memory = Scratch::floats(size + more);
  std::fill(memory, memory + size, padding);
  return memory;
}

// The first maximum of each row's stretch of a window, and its column: kernel columns in ascending order, and only
// what is greater replaces what is there, as in Caffe. A NaN and -FLT_MAX never do.
template <int W>
FASTCAFFE_INLINE void row_maxima(const Pool& pool, const Band& band, const float* row, int row_number, float* best,
                                 std::int32_t* best_at) {
  typedef typename Lanes<W>::F F;
  typedef typename Lanes<W>::I I;
  const int first_column = row_number * pool.width - pool.pad_w;
  each_vector<W>(pool.out_width, [&](int place) __attribute__((always_inline)) {
    F maximum = same<F>(-FLT_MAX);
    I at = same<I>(-1);
    const I columns = (counting<W>() + place) * pool.stride_w + first_column;
    for (int k = 0, phase = 0, shift = 0; k < pool.kernel_w; ++k) {
      const F x = load<F>(row + phase * band.pitch + shift + place);
      const I greater = x > maximum;
      maximum = greater ? x : maximum;
      at = greater ? columns + k : at;
      if (++phase == pool.stride_w) phase = 0, ++shift;
    }
    store(best + place, maximum);
    store(best_at + place, at);
  });
}

template <int W>
FASTCAFFE_INLINE void max_band(const Pool& pool, const Band& band, int first, int last, const float* plane, float* rows,
                               float* best, std::int32_t* best_at, float* top, std::int32_t* mask) {
  typedef typename Lanes<W>::F F;
  typedef typename Lanes<W>::I I;
  const int begin = fetch_rows<W>(pool, band, first, last, plane, rows);
  for (int row = begin; row < pool.row_end(last - 1); ++row) {
    const int i = row - begin;
    row_maxima<W>(pool, band, rows + i * band.row_size, row, best + i * band.pitch, best_at + i * band.pitch);
  }
  for (int out = first; out < last; ++out) {
    each_vector<W>(pool.out_width, [&](int place) __attribute__((always_inline)) {
      F maximum = same<F>(-FLT_MAX);
      I at = same<I>(-1);
      for (int row = pool.row_begin(out); row < pool.row_end(out); ++row) {
        const F x = load<F>(best + (row - begin) * band.pitch + place);
        const I greater = x > maximum;
        maximum = greater ? x : maximum;
        at = greater ? load<I>(best_at + (row - begin) * band.pitch + place) : at;
      }
      store(top + out * pool.out_width + place, maximum);
      store(mask + out * pool.out_width + place, at);
    });
  }
}

template <int MOST>
FASTCAFFE_INLINE void any_max_pool_forward_body(const Pool& pool, std::int64_t planes, const float* bottom, float* top,
                                            std::int32_t* mask) {
  const Band band(pool, MOST);
  const std::int64_t places = std::int64_t(band.rows) * band.pitch;
  float* rows = band_memory(band, -FLT_MAX, 2 * places);
  float* best = rows + std::int64_t(band.rows) * band.row_size;
  std::int32_t* best_at = reinterpret_cast<std::int32_t*>(best + places);
  for (std::int64_t plane = 0; plane < planes; ++plane) {
    for (int first = 0; first < pool.out_height; first += band.tops) {
      const int last = std::min(first + band.tops, pool.out_height);
      switch (band.lanes) {
        case 16:
          max_band<(MOST < 16 ? MOST : 16)>(pool, band, first, last, bottom, rows, best, best_at, top, mask);
          break;
        case 8: max_band<(MOST < 8 ? MOST : 8)>(pool, band, first, last, bottom, rows, best, best_at, top, mask); break;
        case 4: max_band<4>(pool, band, first, last, bottom, rows, best, best_at, top, mask); break;
        default: max_band<1>(pool, band, first, last, bottom, rows, best, best_at, top, mask);
      }
    }
    bottom += std::int64_t(pool.height) * pool.width;
    top += std::int64_t(pool.out_height) * pool.out_width;
    mask += std::int64_t(pool.out_height) * pool.out_width;
  }
}

// Sums in Caffe's order, rows and then columns, starting from 0; padding adds zeros, which change no bit of a sum
// that began as +0.
template <int W>
FASTCAFFE_INLINE void average_band(const Pool& pool, const Band& band, int first, int last, const float* plane,
                                   float* rows, const float* counted_columns, float* top) {
  typedef typename Lanes<W>::F F;
  const int begin = fetch_rows<W>(pool, band, first, last, plane, rows);
  for (int out = first; out < last; ++out) {
    const float counted_rows = Pool::counted(out, pool.kernel_h, pool.stride_h, pool.pad_h, pool.height);
    each_vector<W>(pool.out_width, [&](int place) __attribute__((always_inline)) {
      F sum = {};
      for (int row = pool.row_begin(out); row < pool.row_end(out); ++row) {
        const float* from = rows + (row - begin) * band.row_size + place;
        for (int k = 0, phase = 0, shift = 0; k < pool.kernel_w; ++k) {
          sum = sum + load<F>(from + phase * band.pitch + shift);
          if (++phase == pool.stride_w) phase = 0, ++shift;
        }
      }
      store(top + out * pool.out_width + place, sum / (load<F>(counted_columns + place) * counted_rows));
    });
  }
}

// One window that covers its whole plane: some planes side by side, as each addition has to wait for the one before.
FASTCAFFE_INLINE void average_planes(std::int64_t pixels, std::int64_t planes, const float* bottom, float* top) {
  constexpr int kSideBySide = 8;
  for (std::int64_t plane = 0; plane < planes; plane += kSideBySide) {
    const float* from[kSideBySide];
    float sums[kSideBySide] = {};
    for (int i = 0; i < kSideBySide; ++i) from[i] = bottom + std::min(plane + i, planes - 1) * pixels;
    for (std::int64_t pixel = 0; pixel < pixels; ++pixel) {
#pragma GCC unroll 8
      for (int i = 0; i < kSideBySide; ++i) sums[i] += from[i][pixel];
    }
    for (int i = 0; i < kSideBySide && plane + i < planes; ++i) top[plane + i] = sums[i] / pixels;
  }
}

template <int MOST>
FASTCAFFE_INLINE void any_average_pool_forward_body(const Pool& pool, std::int64_t planes, const float* bottom,
                                                float* top) {
  if (pool.kernel_h == pool.height && pool.kernel_w == pool.width && pool.pad_h == 0 && pool.pad_w == 0) {
    return average_planes(std::int64_t(pool.height) * pool.width, planes, bottom, top);
  }
  const Band band(pool, MOST);
  float* rows = band_memory(band, 0, pool.out_width);
  float* counted = rows + std::int64_t(band.rows) * band.row_size;
  for (int out = 0; out < pool.out_width; ++out) {
    counted[out] = Pool::counted(out, pool.kernel_w, pool.stride_w, pool.pad_w, pool.width);
  }
  for (std::int64_t plane = 0; plane < planes; ++plane) {
    for (int first = 0; first < pool.out_height; first += band.tops) {
      const int last = std::min(first + band.tops, pool.out_height);
      switch (band.lanes) {
        case 16: average_band<(MOST < 16 ? MOST : 16)>(pool, band, first, last, bottom, rows, counted, top); break;
        case 8: average_band<(MOST < 8 ? MOST : 8)>(pool, band, first, last, bottom, rows, counted, top); break;
        case 4: average_band<4>(pool, band, first, last, bottom, rows, counted, top); break;
        default: average_band<1>(pool, band, first, last, bottom, rows, counted, top);
      }
    }
    bottom += std::int64_t(pool.height) * pool.width;
    top += std::int64_t(pool.out_height) * pool.out_width;
  }
}

FASTCAFFE_KERNEL(any_max_pool_forward,
                 (const Pool& pool, std::int64_t planes, const float* bottom, float* top, std::int32_t* mask),
                 (pool, planes, bottom, top, mask))
FASTCAFFE_KERNEL(any_average_pool_forward, (const Pool& pool, std::int64_t planes, const float* bottom, float* top),
                 (pool, planes, bottom, top))

}  // namespace

void max_pool_forward(const Pool& pool, std::int64_t planes, const float* bottom, float* top, std::int32_t* mask) {
  (pool.in_registers(planes) ? max_pool_3x3_forward : any_max_pool_forward)(pool, planes, bottom, top, mask);
}

void average_pool_forward(const Pool& pool, std::int64_t planes, const float* bottom, float* top) {
  (pool.in_registers(planes) ? average_pool_3x3_forward : any_average_pool_forward)(pool, planes, bottom, top);
}

}  // namespace fastcaffe
