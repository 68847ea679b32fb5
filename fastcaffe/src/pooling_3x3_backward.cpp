// The backward pass of AVE, 3 x 3 windows 2 apart; pooling_3x3.h says how the lanes are taken.
//
// Each bottom place collects from the windows that see it, in Caffe's order, windows row-major: so sums have the same
// bits. An even column is seen by the window before and by the one that begins there, an odd column by one; rows
// likewise. A window that is none adds +0, which changes no sum that began as +0.
//
// MAX has none of this: to ask each place whether it is its windows' maximum took 0.5 (maps of 4 x 4) to 3.1 times as
// long as to go where the masks point (pooling_backward.cpp).

#include "pooling_3x3.h"

namespace fastcaffe {
namespace {

// What the places of one bottom row, even columns and odd ones, have collected.
template <int W>
struct Collected {
  typename Lanes<W>::F even = {}, odd = {};
};

// What each place of a row of windows gives: of the windows that begin at a strip's even columns, and of those before.
template <int W, int R>
class Shares {
  typedef typename Lanes<W>::F F;

 public:
  template <bool PADDED>
  Shares(const Pool& pool, const StripColumns<W, R, PADDED>& columns, int place)
      : place_(place), counted_(columns.counted(pool, 0)), counted_before_(columns.counted(pool, 1)) {}

  __attribute__((always_inline)) inline void read(const Pool& pool, const float* top_diff, int out) {
    const typename CountTo<W>::type lanes;
    const float counted_rows = Pool::counted(out, 3, 2, pool.pad_h, pool.height);
    const float* row = top_diff + out * pool.out_width + place_;
    if (W == R && place_ + W > pool.out_width) {  // the last column is seen by the window before alone
      before_ = load<F>(row - 1) / (counted_before_ * counted_rows);
      here_ = one_further<R>(before_, F{}, lanes);
    } else {  // a window before a strip has others after it: all its columns count
      here_ = load_groups<W, R>(row, pool.above()) / (counted_ * counted_rows);
      const F first = {W == R && place_ ? row[-1] / (3 * counted_rows) : 0};
      before_ = one_before<R>(here_, first, lanes);
    }
  }

  __attribute__((always_inline)) inline void add(Collected<W>* to) const {
    to->even = (to->even + before_) + here_;
    to->odd = to->odd + here_;
  }

 private:
  int place_;
  F counted_, counted_before_, before_ = {}, here_ = {};
};

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

// Rows `first` to `last` of windows, and the two bottom rows at which each begins.
template <int W, int R, bool PADDED>
FASTCAFFE_INLINE void average_strip(const Pool& pool, int place, int first, int last, const float* top_diff,
                                    float* bottom_diff) {
  const StripColumns<W, R, PADDED> columns(pool, place);
  Shares<W, R> shares(pool, columns, place);
  Collected<W> even, odd;
  if (first) {
    shares.read(pool, top_diff, first - 1);
    shares.add(&even);
  }
  for (int out = first; out < last; ++out) {
    const int row = 2 * out - pool.pad_h;
    odd.even = odd.odd = typename Lanes<W>::F{};
    if (out < pool.out_height) {
      shares.read(pool, top_diff, out);
      shares.add(&even);
      shares.add(&odd);
    }
    float* to = bottom_diff + std::int64_t(row) * pool.width;
    if (row >= 0) store_row(pool, columns, even, to);
    if (row >= -1 && row + 1 < pool.height) store_row(pool, columns, odd, to + pool.width);
    even.even = odd.even, even.odd = odd.odd;  // the third row of windows begins as the second did
  }
}

template <int MOST>
FASTCAFFE_INLINE void average_pool_3x3_backward_body(const Pool& given, std::int64_t planes, const float* top_diff,
                                                     float* bottom_diff) {
  const Pool pool = given;  // of which nobody can think that a store changes it
  const StripSize size = {(pool.height + pool.pad_h + 1) / 2, (pool.width + pool.pad_w + 1) / 2};
  for_strips<MOST>(pool, planes, size, FASTCAFFE_EACH_STRIP(plane, place, first, last) {
    typedef decltype(strip) S;
    average_strip<S::lanes, S::windows, S::padded>(pool, place, first, last, top_diff + plane * pool.above(),
                                                   bottom_diff + plane * pool.below());
  });
}

}  // namespace

FASTCAFFE_KERNEL(average_pool_3x3_backward,
                 (const Pool& pool, std::int64_t planes, const float* top_diff, float* bottom_diff),
                 (pool, planes, top_diff, bottom_diff))

}  // namespace fastcaffe
