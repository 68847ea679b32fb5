#include "map_kernels.h"

#include <algorithm>
#include <cfloat>

#include "relu_lanes.h"
#include "simd.h"

namespace fastcaffe {

bool threes(const Pool& pool) {
  return pool.kernel_h == 3 && pool.kernel_w == 3 && pool.stride_h == 2 && pool.stride_w == 2 && !pool.pad_h &&
         !pool.pad_w;
}

namespace {

// A byte a lane.
template <int W>
struct Bytes {
  typedef std::uint8_t B __attribute__((vector_size(W)));
};

template <int W>
FASTCAFFE_INLINE void store_bytes(std::uint8_t* to, typename Lanes<W>::I numbers) {
  store(to, __builtin_convertvector(numbers, typename Bytes<W>::B));
}

// As assembly, because GCC 12 takes such bytes apart one by one.
template <int W>
FASTCAFFE_INLINE typename Lanes<W>::I load_bytes(const std::uint8_t* from) {
  const typename Bytes<W>::B bytes = load<typename Bytes<W>::B>(from);
#if FASTCAFFE_X86
  typename Lanes<W>::I numbers;
  if constexpr (W == 16) {
    asm("vpmovzxbd %1, %0" : "=v"(numbers) : "v"(bytes));
  } else if constexpr (W == 8) {
    asm("vpmovzxbd %1, %0" : "=x"(numbers) : "m"(bytes));
  } else {
    asm("pmovzxbd %1, %0" : "=x"(numbers) : "m"(bytes));
  }
  return numbers;
#else
  return __builtin_convertvector(bytes, typename Lanes<W>::I);
#endif
}

template <int W>
FASTCAFFE_INLINE void rectify_map_body(const float* in, int in_row, int rows, int columns, float* out, int out_row,
                                       std::uint16_t* positive) {
  typedef typename Lanes<W>::F F;
  for (int y = 0; y < rows; ++y) {
    const float* from = in + std::int64_t(y) * in_row * W;
    float* to = out + std::int64_t(y) * out_row * W;
    for (int x = 0; x < columns; ++x, ++positive) {
      const F number = load<F>(from + x * W);
      *positive = positive_bits<W>(number);
      store(to + x * W, rectified<W>(number));
    }
  }
}

// A gradient, and zeros of it where what was rectified was not positive.
template <int W>
FASTCAFFE_INLINE typename Lanes<W>::F cut(typename Lanes<W>::F diff, std::uint16_t positive,
                                          typename Lanes<W>::I one_bit) {
  return (one_bit & std::int32_t(positive)) != typename Lanes<W>::I{} ? diff : diff * typename Lanes<W>::F{};
}

template <int W>
FASTCAFFE_INLINE void rectify_map_backward_body(const float* out_diff, int out_row, int rows, int columns,
                                                const std::uint16_t* positive, float* in_diff, int in_row) {
  typedef typename Lanes<W>::F F;
  typedef typename Lanes<W>::I I;
  const I one_bit = bit_a_lane<W>();
  for (int y = 0; y < rows; ++y) {
    const float* from = out_diff + std::int64_t(y) * out_row * W;
    float* to = in_diff + std::int64_t(y) * in_row * W;
    for (int x = 0; x < columns; ++x, ++positive) store(to + x * W, cut<W>(load<F>(from + x * W), *positive, one_bit));
  }
}

// Zeros of which the compiler does not know that they are: with constant vectors GCC 12 works lane by lane.
template <int W>
FASTCAFFE_INLINE typename Lanes<W>::I some_zero() {
  typename Lanes<W>::I zero = {};
#if FASTCAFFE_X86
  asm("" : "+v"(zero));
#else
  asm("" : "+m"(zero));
#endif
  return zero;
}

// A window of a pool: which one it is, its first row and column, and how many of each lie in the plane.
struct Window {
  int row, column, y, x, height, width;

  Window(const Pool& pool, int row, int column)
      : row(row), column(column), y(pool.row_begin(row)), x(std::max(0, column * pool.stride_w - pool.pad_w)),
        height(std::max(0, pool.row_end(row) - y)),
        width(std::max(0, std::min(column * pool.stride_w - pool.pad_w + pool.kernel_w, pool.width) - x)) {}

  std::int64_t number(const Pool& pool) const { return std::int64_t(row) * pool.out_width + column; }
};

// Calls each(number, offset in floats, whether it is there) for every place of a window, rows and then columns; numbers
// are those of a whole window. Windows of the common sizes, H x H, are unrolled.
template <int W, int H, class Each>
FASTCAFFE_INLINE void places_of(std::int64_t row, const Each& each) {
#pragma GCC unroll 3
  for (int y = 0; y < H; ++y) {
#pragma GCC unroll 3
    for (int x = 0; x < H; ++x) each(y * H + x, y * row + x * W, true);
  }
}

template <int W, class Each>
FASTCAFFE_INLINE void places_of(const Pool& pool, const Window& window, int in_row, const Each& each) {
  const std::int64_t row = std::int64_t(in_row) * W;
  const bool whole = window.height == pool.kernel_h && window.width == pool.kernel_w;
  if (whole && window.height == 3 && window.width == 3) return places_of<W, 3>(row, each);
  if (whole && window.height == 2 && window.width == 2) return places_of<W, 2>(row, each);
  for (int y = 0; y < window.height; ++y) {
    for (int x = 0; x < pool.kernel_w; ++x) each(y * pool.kernel_w + x, y * row + x * W, x < window.width);
  }
}

// The head of a lambda for windows_of.
#define FASTCAFFE_EACH_WINDOW(IN, OUT) \
  [&](const Window& window, std::int64_t IN, std::int64_t OUT) __attribute__((always_inline))

// Calls each(window, place of its first number, place of its result).
template <int W, class Each>
FASTCAFFE_INLINE void windows_of(const Pool& pool, int in_row, int out_row, const Each& each) {
  for (int row = 0; row < pool.out_height; ++row) {
    for (int column = 0; column < pool.out_width; ++column) {
      const Window window(pool, row, column);
      each(window, (std::int64_t(window.y) * in_row + window.x) * W, (std::int64_t(row) * out_row + column) * W);
    }
  }
}

// The greatest of some neighbours in a row, or -FLT_MAX if none is more, and which of them that is.
template <int W>
struct Greatest {
  typename Lanes<W>::F maximum;
  typename Lanes<W>::I place;

  template <int COLUMNS>
  __attribute__((always_inline)) static inline Greatest of_row(const float* from, typename Lanes<W>::I one) {
    typedef typename Lanes<W>::F F;
    const F first = load<F>(from), lowest = same<F>(-FLT_MAX);
    Greatest found = {first > lowest ? first : lowest, typename Lanes<W>::I{}};
    found.take({load<F>(from + W), one});
    if constexpr (COLUMNS == 3) found.take({load<F>(from + 2 * W), one + one});
    return found;
  }
  // What is greater comes before what stands first.
  __attribute__((always_inline)) inline void take(const Greatest& other) {
    const typename Lanes<W>::I greater = other.maximum > maximum;
    maximum = greater ? other.maximum : maximum;
    place = greater ? other.place : place;
  }
};

// The maximum of a window, and its place.
template <int W>
FASTCAFFE_INLINE void store_greatest(const Greatest<W>& found, bool rectify, float* out, std::uint8_t* at) {
  typedef typename Lanes<W>::F F;
  const F least = rectify ? F{} : same<F>(-FLT_MAX);
  store(out, rectify ? rectified<W>(found.maximum) : found.maximum);
  store_bytes<W>(at, found.maximum > least ? found.place : same<typename Lanes<W>::I>(kNoMaximum));
}

// A column of windows of 3 x 3, 2 apart: the row that two of them share is not looked through twice. COLUMNS of them,
// and the first two rows, lie in the map.
template <int W, int COLUMNS>
FASTCAFFE_INLINE void max_pool_3x3_column(const Pool& pool, const float* from, std::int64_t row, float* out,
                                          std::int64_t out_row, std::uint8_t* at, typename Lanes<W>::I one,
                                          bool rectify) {
  const typename Lanes<W>::I three = one + one + one;
  Greatest<W> shared = Greatest<W>::template of_row<COLUMNS>(from, one);
  for (int y = 0; y < pool.out_height; ++y, from += 2 * row, out += out_row, at += pool.out_width * W) {
    Greatest<W> found = shared, second = Greatest<W>::template of_row<COLUMNS>(from + row, one);
    second.place += three;
    found.take(second);
    if (2 * y + 2 < pool.height) {
      shared = Greatest<W>::template of_row<COLUMNS>(from + 2 * row, one);
      found.take({shared.maximum, shared.place + three + three});
    }
    store_greatest<W>(found, rectify, out, at);
  }
}

template <int W>
FASTCAFFE_INLINE void max_pool_3x3_map(const Pool& pool, const float* in, int in_row, float* out, int out_row,
                                       std::uint8_t* at, typename Lanes<W>::I one, bool rectify) {
  const std::int64_t row = std::int64_t(in_row) * W, to_row = std::int64_t(out_row) * W;
  for (int column = 0; column < pool.out_width; ++column, in += 2 * W, out += W, at += W) {
    if (2 * column + 2 < pool.width) {
      max_pool_3x3_column<W, 3>(pool, in, row, out, to_row, at, one, rectify);
    } else {
      max_pool_3x3_column<W, 2>(pool, in, row, out, to_row, at, one, rectify);
    }
  }
}

template <int W>
FASTCAFFE_INLINE void max_pool_map_body(const Pool& given, const float* in, int in_row, float* out, int out_row,
                                        std::uint8_t* at, bool rectify) {
  typedef typename Lanes<W>::F F;
  typedef typename Lanes<W>::I I;
  const Pool pool = given;  // of which nobody can think that a store changes it
  const I zero = some_zero<W>();
  if (threes(pool) && 2 * pool.out_height <= pool.height && 2 * pool.out_width <= pool.width) {
    return max_pool_3x3_map<W>(pool, in, in_row, out, out_row, at, zero + 1, rectify);
  }
  windows_of<W>(pool, in_row, out_row, FASTCAFFE_EACH_WINDOW(from, to) {
    Greatest<W> found = {same<F>(-FLT_MAX), same<I>(kNoMaximum)};
    I here = zero;
    const float* first = in + from;
    places_of<W>(pool, window, in_row, [&](int, std::int64_t offset, bool there) __attribute__((always_inline)) {
      if (there) found.take({load<F>(first + offset), here});
      here += 1;
    });
    store_greatest<W>(found, rectify, out + to, at + window.number(pool) * W);
  });
}

template <int W>
FASTCAFFE_INLINE void zero_map(const Pool& pool, float* map, int row) {
  for (int y = 0; y < pool.height; ++y) std::fill_n(map + std::int64_t(y) * row * W, pool.width * W, 0.f);
}

// A window's gradient, and the number of its maximum.
template <int W>
struct Picked {
  typename Lanes<W>::F diff;
  typename Lanes<W>::I place;

  __attribute__((always_inline)) static inline Picked none() {
    return {typename Lanes<W>::F{}, typename Lanes<W>::I{}};
  }
  __attribute__((always_inline)) inline void add_to(typename Lanes<W>::F* sum, typename Lanes<W>::I number) const {
    *sum = place == number ? *sum + diff : *sum;
  }
};

// Of windows of 3 x 3, 2 apart and without padding: each place asks those that see it, in their order. The even row of
// two is seen by windows that begin in it and by those above, a column of two places by windows that begin in it and by
// those before. A window that is none adds zeros.
template <int W>
FASTCAFFE_INLINE void max_pool_rows_backward_body(const Pool& given, int begin, int end, const float* out_diff,
                                                  int out_row, const std::uint8_t* at, float* in_diff, int in_row) {
  typedef typename Lanes<W>::F F;
  const Pool pool = given;
  typename Lanes<W>::I number[9];
  number[0] = some_zero<W>();
  number[1] = number[0] + 1;
#pragma GCC unroll 9
  for (int i = 2; i < 9; ++i) number[i] = number[i - 1] + number[1];
  const auto window = [&](int row, int column) __attribute__((always_inline)) {
    if (row < 0 || row >= pool.out_height || column >= pool.out_width) return Picked<W>::none();
    return Picked<W>{load<F>(out_diff + (std::int64_t(row) * out_row + column) * W),
                     load_bytes<W>(at + (std::int64_t(row) * pool.out_width + column) * W)};
  };
  for (int row = begin / 2; 2 * row < end; ++row) {
    const bool two = 2 * row + 1 < end;
    float *even = in_diff + std::int64_t(2 * row - begin) * in_row * W, *odd = even + std::int64_t(in_row) * W;
    Picked<W> above_before = Picked<W>::none(), before = Picked<W>::none();
    for (int x = 0; x < pool.width; x += 2, even += 2 * W, odd += 2 * W) {
      const Picked<W> above = window(row - 1, x / 2), here = window(row, x / 2);
      F first = {}, second = {}, first_odd = {}, second_odd = {};
      above_before.add_to(&first, number[8]);
      above.add_to(&first, number[6]);
      above.add_to(&second, number[7]);
      before.add_to(&first, number[2]);
      here.add_to(&first, number[0]);
      here.add_to(&second, number[1]);
      before.add_to(&first_odd, number[5]);
      here.add_to(&first_odd, number[3]);
      here.add_to(&second_odd, number[4]);
      store(even, first);
      if (two) store(odd, first_odd);
      if (x + 1 < pool.width) {
        store(even + W, second);
        if (two) store(odd + W, second_odd);
      }
      above_before = above, before = here;
    }
  }
}

template <int W>
FASTCAFFE_INLINE void max_pool_map_backward_body(const Pool& given, const float* out_diff, int out_row,
                                                 const std::uint8_t* at, float* in_diff, int in_row) {
  typedef typename Lanes<W>::F F;
  typedef typename Lanes<W>::I I;
  const Pool pool = given;
  if (threes(pool)) {
    return max_pool_rows_backward_body<W>(pool, 0, pool.height, out_diff, out_row, at, in_diff, in_row);
  }
  zero_map<W>(pool, in_diff, in_row);
  windows_of<W>(pool, in_row, out_row, FASTCAFFE_EACH_WINDOW(to, from) {
    const F diff = load<F>(out_diff + from);
    const I place = load_bytes<W>(at + window.number(pool) * W);
    float* first = in_diff + to;
    places_of<W>(pool, window, in_row, [&](int i, std::int64_t offset, bool there) __attribute__((always_inline)) {
      if (!there) return;
      const F sum = load<F>(first + offset);
      store(first + offset, place == i ? sum + diff : sum);
    });
  });
}

// What AVE divides a window's sum by.
FASTCAFFE_INLINE float counted(const Pool& pool, int row, int column) {
  return static_cast<float>(Pool::counted(row, pool.kernel_h, pool.stride_h, pool.pad_h, pool.height) *
                            Pool::counted(column, pool.kernel_w, pool.stride_w, pool.pad_w, pool.width));
}

template <int W>
FASTCAFFE_INLINE void average_pool_map_body(const Pool& given, const float* in, int in_row, float* out, int out_row) {
  typedef typename Lanes<W>::F F;
  const Pool pool = given;
  const auto average = FASTCAFFE_EACH_WINDOW(from, to) {
    F sum = {};
    const float* first = in + from;
    places_of<W>(pool, window, in_row, [&](int, std::int64_t offset, bool there) __attribute__((always_inline)) {
      if (!there) return;
      sum += load<F>(first + offset);
    });
    store(out + to, sum / counted(pool, window.row, window.column));
  };
  if (!threes(pool)) return windows_of<W>(pool, in_row, out_row, average);
  for (int row = 0; row < pool.out_height; ++row) {
    const int whole = 2 * row + 2 < pool.height ? std::min(pool.out_width, (pool.width - 1) / 2) : 0;
    const float* from = in + std::int64_t(2 * row) * in_row * W;
    float* to = out + std::int64_t(row) * out_row * W;
    for (int column = 0; column < whole; ++column, from += 2 * W, to += W) {
      F sum = {};
      places_of<W, 3>(std::int64_t(in_row) * W, [&](int, std::int64_t offset, bool) __attribute__((always_inline)) {
        sum += load<F>(from + offset);
      });
      store(to, sum / 9.f);
    }
    for (int column = whole; column < pool.out_width; ++column) {
      const Window window(pool, row, column);
      average(window, (std::int64_t(window.y) * in_row + window.x) * W, (std::int64_t(row) * out_row + column) * W);
    }
  }
}

constexpr int kRowOfWindows = 64;  // of which the shares stay in the nearest cache

// As max_pool_rows_backward: each place asks the windows that see it.
template <int W>
FASTCAFFE_INLINE void average_pool_3x3_map_backward(const Pool& pool, const float* out_diff, int out_row,
                                                    float* in_diff, int in_row, const std::uint16_t* positive) {
  typedef typename Lanes<W>::F F;
  const typename Lanes<W>::I one_bit = bit_a_lane<W>();
  F shares[kRowOfWindows + 1];  // of the windows above
  for (int x = 0; x <= pool.width / 2; ++x) shares[x] = F{};
  const auto put = [&](float* to, F sum, const std::uint16_t* bits) __attribute__((always_inline)) {
    store(to, positive ? cut<W>(sum, *bits, one_bit) : sum);
  };
  for (int row = 0; 2 * row < pool.height; ++row) {
    const bool two = 2 * row + 1 < pool.height;
    const std::uint16_t* bits = positive + (positive ? std::int64_t(2 * row) * pool.width : 0);
    float* to = in_diff + std::int64_t(2 * row) * in_row * W;
    F above_before = {}, before = {};
    for (int x = 0; x < pool.width; x += 2, to += 2 * W, bits += 2) {
      const F above = shares[x / 2];
      F here = {};
      if (row < pool.out_height && x / 2 < pool.out_width) {
        here = load<F>(out_diff + (std::int64_t(row) * out_row + x / 2) * W);
        here /= counted(pool, row, x / 2);
      }
      put(to, F{} + above_before + above + before + here, bits);
      if (two) put(to + std::int64_t(in_row) * W, F{} + before + here, bits + pool.width);
      if (x + 1 < pool.width) {
        put(to + W, F{} + above + here, bits + 1);
        if (two) put(to + std::int64_t(in_row + 1) * W, F{} + here, bits + pool.width + 1);
      }
      shares[x / 2] = here, above_before = above, before = here;
    }
  }
}

template <int W>
FASTCAFFE_INLINE void average_pool_map_backward_body(const Pool& given, const float* out_diff, int out_row,
                                                     float* in_diff, int in_row, const std::uint16_t* positive) {
  typedef typename Lanes<W>::F F;
  const Pool pool = given;
  if (threes(pool) && pool.width <= 2 * kRowOfWindows) {
    return average_pool_3x3_map_backward<W>(pool, out_diff, out_row, in_diff, in_row, positive);
  }
  zero_map<W>(pool, in_diff, in_row);
  windows_of<W>(pool, in_row, out_row, FASTCAFFE_EACH_WINDOW(to, from) {
    const F share = load<F>(out_diff + from) / counted(pool, window.row, window.column);
    float* first = in_diff + to;
    places_of<W>(pool, window, in_row, [&](int, std::int64_t offset, bool there) __attribute__((always_inline)) {
      if (!there) return;
      store(first + offset, load<F>(first + offset) + share);
    });
  });
  if (positive) rectify_map_backward_body<W>(in_diff, in_row, pool.height, pool.width, positive, in_diff, in_row);
}

}  // namespace

FASTCAFFE_KERNEL(rectify_map,
                 (const float* in, int in_row, int rows, int columns, float* out, int out_row, std::uint16_t* positive),
                 (in, in_row, rows, columns, out, out_row, positive))
FASTCAFFE_KERNEL(rectify_map_backward,
                 (const float* out_diff, int out_row, int rows, int columns, const std::uint16_t* positive,
                  float* in_diff, int in_row),
                 (out_diff, out_row, rows, columns, positive, in_diff, in_row))
FASTCAFFE_KERNEL(max_pool_map,
                 (const Pool& pool, const float* in, int in_row, float* out, int out_row, std::uint8_t* at,
                  bool rectify),
                 (pool, in, in_row, out, out_row, at, rectify))
FASTCAFFE_KERNEL(max_pool_map_backward,
                 (const Pool& pool, const float* out_diff, int out_row, const std::uint8_t* at, float* in_diff,
                  int in_row),
                 (pool, out_diff, out_row, at, in_diff, in_row))
FASTCAFFE_KERNEL(max_pool_rows_backward,
                 (const Pool& pool, int first, int last, const float* out_diff, int out_row, const std::uint8_t* at,
                  float* in_diff, int in_row),
                 (pool, first, last, out_diff, out_row, at, in_diff, in_row))
FASTCAFFE_KERNEL(average_pool_map, (const Pool& pool, const float* in, int in_row, float* out, int out_row),
                 (pool, in, in_row, out, out_row))
FASTCAFFE_KERNEL(average_pool_map_backward,
                 (const Pool& pool, const float* out_diff, int out_row, float* in_diff, int in_row,
                  const std::uint16_t* positive),
                 (pool, out_diff, out_row, in_diff, in_row, positive))

}  // namespace fastcaffe
