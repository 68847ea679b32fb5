// Pooling with 3 x 3 windows 2 apart, as AlexNet has it, without scratch memory: W windows of a row are the lanes.
//
// Columns are taken apart into even and odd ones between load and use: window w sees even column w, odd column w and
// even column w + 1. A strip of windows goes down its plane, and the row that two windows share stays in registers.
// Rows of fewer windows than a vector has lanes lie side by side: R windows of each of W / R planes.
#pragma once

#include "pooling_kernels.h"
#include "pooling_rows.h"
#include "simd.h"

namespace fastcaffe {

// The lanes of a strip. PADDED: there is a padding of 1, so that a strip may begin and end with a column that is none.
template <int W, int R, bool PADDED>
struct Strip {
  static constexpr int lanes = W, windows = R;
  static constexpr bool padded = PADDED;
};

template <int W>
FASTCAFFE_INLINE typename Lanes<W>::F vector_of(const float*);
template <int W>
FASTCAFFE_INLINE typename Lanes<W>::I vector_of(const std::int32_t*);

// W numbers: R at `from`, R `stride` further, and so on.
template <int W, int R, class T>
FASTCAFFE_INLINE auto load_groups(const T* from, std::int64_t stride) {
  if constexpr (W == R) {
    return load<decltype(vector_of<W>(from))>(from);
  } else {
    return stretch_of<0>(load_groups<W / 2, R>(from, stride), load_groups<W / 2, R>(from + W / 2 / R * stride, stride),
                         typename CountTo<W>::type());
  }
}

template <int W, int R, class T, class V>
FASTCAFFE_INLINE void store_groups(T* to, std::int64_t stride, V x) {
  if constexpr (W == R) {
    store(to, x);
  } else {
    const typename CountTo<W / 2>::type half;
    store_groups<W / 2, R>(to, stride, stretch_of<0>(x, x, half));
    store_groups<W / 2, R>(to + W / 2 / R * stride, stride, stretch_of<W / 2>(x, x, half));
  }
}

// In each group of R: what lies one place further, and at last what is in lane 0 of `last`.
template <int R, class V, int... K>
FASTCAFFE_INLINE V one_further(V x, V last, Indices<K...>) {
  return __builtin_shufflevector(x, last, (K % R == R - 1 ? int(sizeof...(K)) : K + 1)...);
}
// The other way: at first what is in lane 0 of `first`, then x without each group's last.
template <int R, class V, int... K>
FASTCAFFE_INLINE V one_before(V x, V first, Indices<K...>) {
  return __builtin_shufflevector(x, first, (K % R == 0 ? int(sizeof...(K)) : K - 1)...);
}

// The bottom columns of a strip's windows: the first, and which of 2 W columns are not there.
template <int W, int R, bool PADDED>
struct StripColumns {
  typedef typename Lanes<W>::I I;
  int first;
  bool left, right;  // the first and the last of the 2 W are beyond the plane
  bool next;         // there is one more column behind them

  StripColumns(const Pool& pool, int place) {
    first = 2 * place - pool.pad_w;
    left = PADDED && first < 0;
    right = first + 2 * W - 1 >= pool.width;
    next = first + 2 * W < pool.width;
  }

  // Each window's first column; of a place that no window has as well.
  I numbers() const { return counting<W>() % R * 2 + first; }

  // How many columns AVE counts in each window, or in the `shift`-th before each.
  typename Lanes<W>::F counted(const Pool& pool, int shift) const {
    const I seen = pool.width + pool.pad_w - numbers() + 2 * shift;
    return __builtin_convertvector(seen > 3 ? same<I>(3) : seen, typename Lanes<W>::F);
  }
};

// Rows and columns of a plane that strips are to cover: of windows, or of the places at which windows may begin.
struct StripSize {
  int rows, columns;
};

// Rows of windows of a stretch of strips, side by side: what they see stays in the first-level cache.
FASTCAFFE_INLINE int strip_rows(const Pool& pool, int rows) {
  return pool.below() <= 8192 ? rows : std::max(4, std::min(rows, 3072 / pool.width));
}

// Calls each(Strip, plane, place, first, last) so that all places of all rows first..last of each plane are covered.
// The strips are as wide as the windows of a row allow, at most MOST; a window may be covered twice.
template <int W, int R, bool PADDED, class Each>
FASTCAFFE_INLINE void strips_of_planes(const Pool& pool, std::int64_t planes, StripSize size, const Each& each) {
  const int rows = strip_rows(pool, size.rows);
  each_vector<W / R>(planes, [&](std::int64_t plane) __attribute__((always_inline)) {
    for (int first = 0; first < size.rows; first += rows) {
      const int last = std::min(first + rows, size.rows);
      each_vector<R>(size.columns, [&](int place) __attribute__((always_inline)) {
        each(Strip<W, R, PADDED>(), plane, place, first, last);
      });
    }
  });
}

template <int MOST, bool PADDED, class Each>
FASTCAFFE_INLINE void strips_of_rows(const Pool& pool, std::int64_t planes, StripSize size, const Each& each) {
  constexpr int k16 = MOST < 16 ? MOST : 16, k8 = MOST < 8 ? MOST : 8;
  switch (lanes_for(pool.out_width, MOST)) {
    case 16: return strips_of_planes<k16, k16, PADDED>(pool, planes, size, each);
    case 8: return strips_of_planes<k8, k8, PADDED>(pool, planes, size, each);
    default: return strips_of_planes<4, 4, PADDED>(pool, planes, size, each);
  }
}

template <int MOST, class Each>
FASTCAFFE_INLINE void for_strips(const Pool& pool, std::int64_t planes, StripSize size, const Each& each) {
  const bool whole = pool.width == 2 * pool.out_width && pool.pad_w == 0;
  if (pool.pad_w) return strips_of_rows<MOST, true>(pool, planes, size, each);
  if constexpr (MOST >= 16) {
    if (whole && pool.out_width == 8 && planes >= 2) return strips_of_planes<16, 8, false>(pool, planes, size, each);
    if (whole && pool.out_width == 4 && planes >= 4) return strips_of_planes<16, 4, false>(pool, planes, size, each);
    if (whole && pool.out_width == 2 && planes >= 8) return strips_of_planes<16, 2, false>(pool, planes, size, each);
  }
  if constexpr (MOST >= 8) {
    if (whole && pool.out_width == 4 && planes >= 2) return strips_of_planes<8, 4, false>(pool, planes, size, each);
    if (whole && pool.out_width == 2 && planes >= 4) return strips_of_planes<8, 2, false>(pool, planes, size, each);
  }
  if (pool.out_width == 2) return strips_of_planes<4, 2, false>(pool, planes, size, each);
  strips_of_rows<MOST, false>(pool, planes, size, each);
}

}  // namespace fastcaffe

// The head of a lambda for for_strips; decltype(strip) is its Strip.
#define FASTCAFFE_EACH_STRIP(PLANE, PLACE, FIRST, LAST) \
  [&](auto strip, std::int64_t PLANE, int PLACE, int FIRST, int LAST) __attribute__((always_inline))
