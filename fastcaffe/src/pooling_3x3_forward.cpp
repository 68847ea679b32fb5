// Forward passes of 3 x 3 windows 2 apart; pooling_3x3.h says how.

#include <cfloat>

#include "pooling_3x3.h"

namespace fastcaffe {
namespace {

// What W windows see of one row: their three columns.
template <int W>
struct Taps {
  typename Lanes<W>::F even, odd, next;
};

template <int W, int R, bool PADDED>
FASTCAFFE_INLINE Taps<W> taps(const StripColumns<W, R, PADDED>& columns, const float* row, std::int64_t plane_size,
                              float padding) {
  typedef typename Lanes<W>::F F;
  const typename CountTo<W>::type lanes;
  const float* from = row + columns.first;
  const F beyond = {W == R && columns.next ? from[2 * W] : padding};
  F a, b;
  if constexpr (W == R) {
    const F none = {padding};
    a = PADDED && columns.left ? one_before<W>(load<F>(from + 1), none, lanes) : load<F>(from);
    b = PADDED && columns.right ? one_further<W>(load<F>(from + W - 1), none, lanes) : load<F>(from + W);
  } else {  // of the first half of the planes, and of the second
    a = load_groups<W, 2 * R>(from, plane_size);
    b = load_groups<W, 2 * R>(from + W / R / 2 * plane_size, plane_size);
  }
  Taps<W> found;
  split_pairs<W>(a, b, &found.even, &found.odd, lanes);
  found.next = one_further<R>(found.even, beyond, lanes);
  return found;
}

// A maximum of each lane and its place: only what is greater replaces what is there, as in Caffe. A NaN and -FLT_MAX
// never do.
template <int W>
struct Maxima {
  typename Lanes<W>::F maximum;
  typename Lanes<W>::I at;

  __attribute__((always_inline)) static inline Maxima none() {
    return {same<typename Lanes<W>::F>(-FLT_MAX), same<typename Lanes<W>::I>(-1)};
  }
  __attribute__((always_inline)) inline void consider(typename Lanes<W>::F x, typename Lanes<W>::I place) {
    const typename Lanes<W>::I greater = x > maximum;
    maximum = greater ? x : maximum;
    at = greater ? place : at;
  }
};

template <int W, int R, bool PADDED>
FASTCAFFE_INLINE void max_strip(const Pool& pool, int place, int first, int last, const float* bottom, float* top,
                                std::int32_t* mask) {
  typedef typename Lanes<W>::I I;
  const StripColumns<W, R, PADDED> columns(pool, place);
  I places = columns.numbers() + (2 * first - pool.pad_h) * pool.width;
  const float* row = bottom + std::int64_t(2 * first - pool.pad_h) * pool.width;
  const auto row_maxima = [&](int number) __attribute__((always_inline)) {
    Maxima<W> found = Maxima<W>::none();
    if (number >= 0 && number < pool.height) {
      const Taps<W> seen = taps(columns, row, pool.below(), -FLT_MAX);
      found.consider(seen.even, places);
      found.consider(seen.odd, places + 1);
      found.consider(seen.next, places + 2);
    }
    row += pool.width, places += pool.width;
    return found;
  };
  Maxima<W> shared = row_maxima(2 * first - pool.pad_h);
  for (int out = first; out < last; ++out) {
    Maxima<W> found = shared;
    const Maxima<W> middle = row_maxima(2 * out + 1 - pool.pad_h);
    found.consider(middle.maximum, middle.at);
    shared = row_maxima(2 * out + 2 - pool.pad_h);
    found.consider(shared.maximum, shared.at);
    store_groups<W, R>(top + out * pool.out_width + place, pool.above(), found.maximum);
    store_groups<W, R>(mask + out * pool.out_width + place, pool.above(), found.at);
  }
}

// Sums in Caffe's order, rows and then columns, starting from 0; padding adds zeros, which change no bit of a sum
// that began as +0.
template <int W>
FASTCAFFE_INLINE void add_taps(const Taps<W>& seen, typename Lanes<W>::F* sum) {
  *sum = ((*sum + seen.even) + seen.odd) + seen.next;
}

template <int W, int R, bool PADDED>
FASTCAFFE_INLINE void average_strip(const Pool& pool, int place, int first, int last, const float* bottom, float* top) {
  typedef typename Lanes<W>::F F;
  const StripColumns<W, R, PADDED> columns(pool, place);
  const F counted_columns = columns.counted(pool, 0);
  const auto row_taps = [&](int number) __attribute__((always_inline)) {
    if (number < 0 || number >= pool.height) return Taps<W>{F{}, F{}, F{}};
    return taps(columns, bottom + std::int64_t(number) * pool.width, pool.below(), 0);
  };
  Taps<W> shared = row_taps(2 * first - pool.pad_h);
  for (int out = first; out < last; ++out) {
    const float counted_rows = Pool::counted(out, 3, 2, pool.pad_h, pool.height);
    const int row = 2 * out - pool.pad_h;
    F sum = {};
    add_taps<W>(shared, &sum);
    add_taps<W>(row_taps(row + 1), &sum);
    shared = row_taps(row + 2);
    add_taps<W>(shared, &sum);
    store_groups<W, R>(top + out * pool.out_width + place, pool.above(), sum / (counted_columns * counted_rows));
  }
}

template <int MOST>
FASTCAFFE_INLINE void max_pool_3x3_forward_body(const Pool& given, std::int64_t planes, const float* bottom, float* top,
                                                std::int32_t* mask) {
  const Pool pool = given;  // of which nobody can think that a store changes it
  const StripSize size = {pool.out_height, pool.out_width};
  for_strips<MOST>(pool, planes, size, FASTCAFFE_EACH_STRIP(plane, place, first, last) {
    typedef decltype(strip) S;
    max_strip<S::lanes, S::windows, S::padded>(pool, place, first, last, bottom + plane * pool.below(),
                                               top + plane * pool.above(), mask + plane * pool.above());
  });
}

template <int MOST>
FASTCAFFE_INLINE void average_pool_3x3_forward_body(const Pool& given, std::int64_t planes, const float* bottom,
                                                    float* top) {
  const Pool pool = given;  // of which nobody can think that a store changes it
  const StripSize size = {pool.out_height, pool.out_width};
  for_strips<MOST>(pool, planes, size, FASTCAFFE_EACH_STRIP(plane, place, first, last) {
    typedef decltype(strip) S;
    average_strip<S::lanes, S::windows, S::padded>(pool, place, first, last, bottom + plane * pool.below(),
                                                   top + plane * pool.above());
  });
}

}  // namespace

FASTCAFFE_KERNEL(max_pool_3x3_forward,
                 (const Pool& pool, std::int64_t planes, const float* bottom, float* top, std::int32_t* mask),
                 (pool, planes, bottom, top, mask))
FASTCAFFE_KERNEL(average_pool_3x3_forward, (const Pool& pool, std::int64_t planes, const float* bottom, float* top),
                 (pool, planes, bottom, top))

}  // namespace fastcaffe
