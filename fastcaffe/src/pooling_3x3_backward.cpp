// Backward passes of 3 x 3 windows 2 apart; pooling_3x3.h says how the lanes are taken.
//
// Each bottom place collects from the windows that see it, in Caffe's order, windows row-major: so sums have the same
// bits. An even column is seen by the window before and by the one that begins there, an odd column by one; rows
// likewise. A window that is none adds +0, which changes no sum that began as +0.

#include "pooling_3x3.h"

namespace fastcaffe {
namespace {

// What the places of one bottom row, even columns and odd ones, have collected.
template <int W>
struct Collected {
  typename Lanes<W>::F even = {}, odd = {};
};

// One number a window: of the windows that begin at a strip's even columns, and of those before each.
template <class V>
struct Neighbours {
  V before, here;
};

// of(x, shift) is what becomes of the numbers that are read, those of the windows `shift` before a strip's.
template <int W, int R, class T, class V, class Of>
FASTCAFFE_INLINE void find(const Pool& pool, int place, const T* row, T none, Neighbours<V>* found, const Of& of) {
  const typename CountTo<W>::type lanes;
  const V no = {none};
  if (W == R && place + W > pool.out_width) {  // the last column is seen by the window before alone
    found->before = of(load<V>(row + place - 1), 1);
    found->here = one_further<R>(found->before, no, lanes);
  } else {
    found->here = of(load_groups<W, R>(row + place, pool.above()), 0);
    const V first = {W == R && place ? of(row[place - 1], 1) : none};
    found->before = one_before<R>(found->here, first, lanes);
  }
}

template <int W, int R, bool PADDED>
FASTCAFFE_INLINE void store_row(const Pool& pool, const StripColumns<W, R, PADDED>& columns,
                                const Collected<W>& places, float* row) {
  typedef typename Lanes<W>::F F;
  const typename CountTo<W>::type lanes;
  F a, b;
  join_pairs<W>(places.even, places.odd, &a, &b, lanes);
  float* to = row + columns.first;
  if constexpr (W == R) {
    if (PADDED && columns.left) {
      store(to + 1, stretch_of<1>(a, b, lanes));
    } else {
      store(to, a);
    }
    if (columns.right) {
      store(to + W - 1, stretch_of<W - 1>(a, b, lanes));
    } else {
      store(to + W, b);
    }
  } else {
    store_groups<W, 2 * R>(to, pool.below(), a);
    store_groups<W, 2 * R>(to + W / R / 2 * pool.below(), pool.below(), b);
  }
}

// windows->fetch(out) reads what row `out` of windows gives; add(k, places) adds to places what its kernel row k gives.
template <int W, int R, bool PADDED, class Windows>
FASTCAFFE_INLINE void collect(const Pool& pool, const StripColumns<W, R, PADDED>& columns, Windows* windows,
                              float* bottom_diff) {
  Collected<W> first, second;
  for (int out = 0, row = -pool.pad_h; row < pool.height; ++out, row += 2) {
    Collected<W> below;
    second.even = second.odd = below.even;
    if (out < pool.out_height) {
      windows->fetch(out);
      windows->add(0, &first);
      windows->add(1, &second);
      windows->add(2, &below);
    }
    float* to = bottom_diff + std::int64_t(row) * pool.width;
    if (row >= 0) store_row(pool, columns, first, to);
    if (row >= -1 && row + 1 < pool.height) store_row(pool, columns, second, to + pool.width);
    first.even = below.even, first.odd = below.odd;
  }
}

// Windows whose maxima lie where their mask says: a place asks those that see it. A window without a maximum has -1.
template <int W, int R>
struct MaxWindows {
  typedef typename Lanes<W>::F F;
  typedef typename Lanes<W>::I I;
  const Pool& pool;
  int place;
  const float* top_diff;
  const std::int32_t* mask;
  I first;  // places of the even columns in the windows' first row
  Neighbours<F> diff;
  Neighbours<I> at;

  __attribute__((always_inline)) inline void fetch(int out) {
    const auto itself = [](auto x, int) __attribute__((always_inline)) { return x; };
    find<W, R>(pool, place, top_diff + out * pool.out_width, 0.f, &diff, itself);
    find<W, R>(pool, place, mask + out * pool.out_width, -1, &at, itself);
    if (out) first += 2 * pool.width;
  }
  __attribute__((always_inline)) inline void add(int k, Collected<W>* to) const {
    const I even = first + k * pool.width, odd = even + 1;
    to->even = (to->even + given(at.before == even, diff.before)) + given(at.here == even, diff.here);
    to->odd = to->odd + given(at.here == odd, diff.here);
  }
  __attribute__((always_inline)) static inline F given(I chosen, F x) { return chosen ? x : F{}; }
};

// Windows that give each of their places the same share. A window that is asked for alone has others after it: all its
// columns count.
template <int W, int R>
struct AverageWindows {
  typedef typename Lanes<W>::F F;
  const Pool& pool;
  int place;
  const float* top_diff;
  F counted_here, counted_before;
  Neighbours<F> share;

  __attribute__((always_inline)) inline void fetch(int out) {
    const float rows = Pool::counted(out, 3, 2, pool.pad_h, pool.height);
    find<W, R>(pool, place, top_diff + out * pool.out_width, 0.f, &share, Divide{counted_here, counted_before, rows});
  }
  __attribute__((always_inline)) inline void add(int, Collected<W>* to) const {
    to->even = (to->even + share.before) + share.here;
    to->odd = to->odd + share.here;
  }

 private:
  struct Divide {
    F here, before;
    float rows;
    __attribute__((always_inline)) inline F operator()(F x, int shift) const {
      return x / ((shift ? before : here) * rows);
    }
    __attribute__((always_inline)) inline float operator()(float x, int) const { return x / (3 * rows); }
  };
};

template <int W, int R, bool PADDED>
FASTCAFFE_INLINE void max_strip(const Pool& pool, int place, const float* top_diff, const std::int32_t* mask,
                                float* bottom_diff) {
  const StripColumns<W, R, PADDED> columns(pool, place);
  MaxWindows<W, R> windows = {pool, place, top_diff, mask, columns.numbers() - pool.pad_h * pool.width, {}, {}};
  collect(pool, columns, &windows, bottom_diff);
}

template <int W, int R, bool PADDED>
FASTCAFFE_INLINE void average_strip(const Pool& pool, int place, const float* top_diff, float* bottom_diff) {
  const StripColumns<W, R, PADDED> columns(pool, place);
  AverageWindows<W, R> windows = {pool, place, top_diff, columns.counted(pool, 0), columns.counted(pool, 1), {}};
  collect(pool, columns, &windows, bottom_diff);
}

template <int MOST>
FASTCAFFE_INLINE void max_pool_3x3_backward_body(const Pool& given, std::int64_t planes, const float* top_diff,
                                                 const std::int32_t* mask, float* bottom_diff) {
  const Pool pool = given;  // of which nobody can think that a store changes it
  for_strips<MOST>(pool, planes, (pool.width + pool.pad_w + 1) / 2, FASTCAFFE_EACH_STRIP(plane, place) {
    typedef decltype(strip) S;
    max_strip<S::lanes, S::windows, S::padded>(pool, place, top_diff + plane * pool.above(),
                                               mask + plane * pool.above(), bottom_diff + plane * pool.below());
  });
}

template <int MOST>
FASTCAFFE_INLINE void average_pool_3x3_backward_body(const Pool& given, std::int64_t planes, const float* top_diff,
                                                     float* bottom_diff) {
  const Pool pool = given;  // of which nobody can think that a store changes it
  for_strips<MOST>(pool, planes, (pool.width + pool.pad_w + 1) / 2, FASTCAFFE_EACH_STRIP(plane, place) {
    typedef decltype(strip) S;
    average_strip<S::lanes, S::windows, S::padded>(pool, place, top_diff + plane * pool.above(),
                                                   bottom_diff + plane * pool.below());
  });
}

}  // namespace

FASTCAFFE_KERNEL(max_pool_3x3_backward,
                 (const Pool& pool, std::int64_t planes, const float* top_diff, const std::int32_t* mask,
                  float* bottom_diff),
                 (pool, planes, top_diff, mask, bottom_diff))
FASTCAFFE_KERNEL(average_pool_3x3_backward,
                 (const Pool& pool, std::int64_t planes, const float* top_diff, float* bottom_diff),
                 (pool, planes, top_diff, bottom_diff))

}  // namespace fastcaffe
