#include "map_kernels.h"

#include <algorithm>
#include <cfloat>

#include "relu_lanes.h"
#include "simd.h"

namespace fastcaffe {
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

// A bit a lane of a comparison. As assembly, because GCC 12 takes its lanes apart one by one.
template <int W>
FASTCAFFE_INLINE std::uint16_t bits(typename Lanes<W>::I found) {
  std::int32_t word = 0;
#if FASTCAFFE_X86
  if constexpr (W == 16) {
    asm("vpmovd2m %1, %%k1\n\tkmovw %%k1, %0" : "=r"(word) : "v"(found) : "k1");
  } else if constexpr (W == 8) {
    asm("vmovmskps %1, %0" : "=r"(word) : "x"(found));
  } else {
    asm("movmskps %1, %0" : "=r"(word) : "x"(found));
  }
#else
  for (int i = 0; i < W; ++i) word |= found[i] & 1 << i;
#endif
  return static_cast<std::uint16_t>(word);
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
      *positive = bits<W>(number > F{});
      store(to + x * W, rectified<W>(number, 0.f));
    }
  }
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
    for (int x = 0; x < columns; ++x, ++positive) {
      const F diff = load<F>(from + x * W);
      store(to + x * W, (one_bit & std::int32_t(*positive)) != I{} ? diff : diff * F{});
    }
  }
}

// A window of a pool: its first row and column, and how many of each lie in the plane.
struct Window {
  int y, x, height, width;

  Window(const Pool& pool, int row, int column)
      : y(pool.row_begin(row)), x(std::max(0, column * pool.stride_w - pool.pad_w)),
        height(std::max(0, pool.row_end(row) - y)),
        width(std::max(0, std::min(column * pool.stride_w - pool.pad_w + pool.kernel_w, pool.width) - x)) {}
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

// Of 3 x 3, 2 apart and without padding.
FASTCAFFE_INLINE bool threes(const Pool& pool) {
  return pool.kernel_h == 3 && pool.kernel_w == 3 && pool.stride_h == 2 && pool.stride_w == 2 && !pool.pad_h &&
         !pool.pad_w;
}

// The head of a lambda for windows_of.
#define FASTCAFFE_EACH_WINDOW(IN, OUT, NUMBER) \
  [&](const Window& window, std::int64_t IN, std::int64_t OUT, std::int64_t NUMBER) __attribute__((always_inline))

// Calls each(window, place of its first number, place of its result, number of the result).
template <int W, class Each>
FASTCAFFE_INLINE void windows_of(const Pool& pool, int in_row, int out_row, const Each& each) {
  for (int row = 0, number = 0; row < pool.out_height; ++row) {
    for (int column = 0; column < pool.out_width; ++column, ++number) {
      const Window window(pool, row, column);
      each(window, (std::int64_t(window.y) * in_row + window.x) * W, (std::int64_t(row) * out_row + column) * W,
           number);
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

// A column of windows of 3 x 3, 2 apart: the row that two of them share is not looked through twice. COLUMNS of them,
// and the first two rows, lie in the map.
template <int W, int COLUMNS>
FASTCAFFE_INLINE void max_pool_3x3_column(const Pool& pool, const float* from, std::int64_t row, float* out,
                                          std::int64_t out_row, std::uint8_t* at, typename Lanes<W>::I one) {
  typedef typename Lanes<W>::F F;
  const typename Lanes<W>::I three = one + one + one, none = same<typename Lanes<W>::I>(kNoMaximum);
  Greatest<W> shared = Greatest<W>::template of_row<COLUMNS>(from, one);
  for (int y = 0; y < pool.out_height; ++y, from += 2 * row, out += out_row, at += pool.out_width * W) {
    Greatest<W> found = shared, second = Greatest<W>::template of_row<COLUMNS>(from + row, one);
    second.place += three;
    found.take(second);
    if (2 * y + 2 < pool.height) {
      shared = Greatest<W>::template of_row<COLUMNS>(from + 2 * row, one);
      found.take({shared.maximum, shared.place + three + three});
    }
    store(out, found.maximum);
    store_bytes<W>(at, found.maximum > same<F>(-FLT_MAX) ? found.place : none);
  }
}

template <int W>
FASTCAFFE_INLINE void max_pool_3x3_map(const Pool& pool, const float* in, int in_row, float* out, int out_row,
                                       std::uint8_t* at, int one_a_lane) {
  const typename Lanes<W>::I one = same<typename Lanes<W>::I>(one_a_lane);
  const std::int64_t row = std::int64_t(in_row) * W, to_row = std::int64_t(out_row) * W;
  for (int column = 0; column < pool.out_width; ++column, in += 2 * W, out += W, at += W) {
    if (2 * column + 2 < pool.width) {
      max_pool_3x3_column<W, 3>(pool, in, row, out, to_row, at, one);
    } else {
      max_pool_3x3_column<W, 2>(pool, in, row, out, to_row, at, one);
    }
  }
}

template <int W>
FASTCAFFE_INLINE void max_pool_map_body(const Pool& given, const float* in, int in_row, float* out, int out_row,
                                        std::uint8_t* at) {
  typedef typename Lanes<W>::F F;
  typedef typename Lanes<W>::I I;
  const Pool pool = given;  // of which nobody can think that a store changes it
  int zero = 0;
  asm("" : "+r"(zero));  // no constant: of constant vectors GCC 12 makes a number a lane
  if (threes(pool) && 2 * pool.out_height <= pool.height && 2 * pool.out_width <= pool.width) {
    return max_pool_3x3_map<W>(pool, in, in_row, out, out_row, at, zero + 1);
  }
  windows_of<W>(pool, in_row, out_row, FASTCAFFE_EACH_WINDOW(from, to, number) {
    F maximum = same<F>(-FLT_MAX);
    I place = same<I>(kNoMaximum), here = same<I>(zero);
    const float* first = in + from;
    places_of<W>(pool, window, in_row, [&](int, std::int64_t offset, bool there) __attribute__((always_inline)) {
      if (there) {
        const F x = load<F>(first + offset);
        const I greater = x > maximum;
        maximum = greater ? x : maximum;
        place = greater ? here : place;
      }
      here += 1;
    });
    store(out + to, maximum);
    store_bytes<W>(at + number * W, place);
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
  __attribute__((always_inline)) inline void add_to(typename Lanes<W>::F* sum, int number) const {
    *sum = place == number ? *sum + diff : *sum;
  }
};

// Of windows of 3 x 3, 2 apart and without padding: each place asks those that see it, in their order. A column of two
// places is seen by the windows that begin in it and before it, an even row by two rows of windows. A window that is
// none adds zeros.
template <int W>
FASTCAFFE_INLINE void max_pool_3x3_map_backward(const Pool& pool, const float* out_diff, int out_row,
                                                const std::uint8_t* at, float* in_diff, int in_row) {
  typedef typename Lanes<W>::F F;
  const auto window = [&](int row, int column) __attribute__((always_inline)) {
    if (row < 0 || row >= pool.out_height || column >= pool.out_width) return Picked<W>::none();
    return Picked<W>{load<F>(out_diff + (std::int64_t(row) * out_row + column) * W),
                     load_bytes<W>(at + (std::int64_t(row) * pool.out_width + column) * W)};
  };
  for (int y = 0; y < pool.height; ++y) {
    const bool even = y % 2 == 0;
    float* to = in_diff + std::int64_t(y) * in_row * W;
    Picked<W> above_before = Picked<W>::none(), before = Picked<W>::none();
    for (int x = 0; x < pool.width; x += 2, to += 2 * W) {
      const Picked<W> above = even ? window(y / 2 - 1, x / 2) : Picked<W>::none(), here = window(y / 2, x / 2);
      F first = {}, second = {};
      if (even) {
        above_before.add_to(&first, 8);
        above.add_to(&first, 6);
        above.add_to(&second, 7);
        before.add_to(&first, 2);
        here.add_to(&first, 0);
        here.add_to(&second, 1);
      } else {
        before.add_to(&first, 5);
        here.add_to(&first, 3);
        here.add_to(&second, 4);
      }
      store(to, first);
      if (x + 1 < pool.width) store(to + W, second);
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
    return max_pool_3x3_map_backward<W>(pool, out_diff, out_row, at, in_diff, in_row);
  }
  zero_map<W>(pool, in_diff, in_row);
  windows_of<W>(pool, in_row, out_row, FASTCAFFE_EACH_WINDOW(to, from, number) {
    const F diff = load<F>(out_diff + from);
    const I place = load_bytes<W>(at + number * W);
    float* first = in_diff + to;
    places_of<W>(pool, window, in_row, [&](int i, std::int64_t offset, bool there) __attribute__((always_inline)) {
      if (!there) return;
      const F sum = load<F>(first + offset);
      store(first + offset, place == i ? sum + diff : sum);
    });
  });
}

// What AVE divides a window's sum by.
FASTCAFFE_INLINE float counted(const Pool& pool, int number) {
  const int row = number / pool.out_width, column = number % pool.out_width;
  return static_cast<float>(Pool::counted(row, pool.kernel_h, pool.stride_h, pool.pad_h, pool.height) *
                            Pool::counted(column, pool.kernel_w, pool.stride_w, pool.pad_w, pool.width));
}

template <int W>
FASTCAFFE_INLINE void average_pool_map_body(const Pool& given, const float* in, int in_row, float* out, int out_row) {
  typedef typename Lanes<W>::F F;
  const Pool pool = given;
  windows_of<W>(pool, in_row, out_row, FASTCAFFE_EACH_WINDOW(from, to, number) {
    F sum = {};
    const float* first = in + from;
    places_of<W>(pool, window, in_row, [&](int, std::int64_t offset, bool there) __attribute__((always_inline)) {
      if (!there) return;
      sum += load<F>(first + offset);
    });
    store(out + to, sum / counted(pool, static_cast<int>(number)));
  });
}

template <int W>
FASTCAFFE_INLINE void average_pool_map_backward_body(const Pool& given, const float* out_diff, int out_row,
                                                     float* in_diff, int in_row) {
  typedef typename Lanes<W>::F F;
  const Pool pool = given;
  zero_map<W>(pool, in_diff, in_row);
  windows_of<W>(pool, in_row, out_row, FASTCAFFE_EACH_WINDOW(to, from, number) {
    const F share = load<F>(out_diff + from) / counted(pool, static_cast<int>(number));
    float* first = in_diff + to;
    places_of<W>(pool, window, in_row, [&](int, std::int64_t offset, bool there) __attribute__((always_inline)) {
      if (!there) return;
      store(first + offset, load<F>(first + offset) + share);
    });
  });
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
                 (const Pool& pool, const float* in, int in_row, float* out, int out_row, std::uint8_t* at),
                 (pool, in, in_row, out, out_row, at))
FASTCAFFE_KERNEL(max_pool_map_backward,
                 (const Pool& pool, const float* out_diff, int out_row, const std::uint8_t* at, float* in_diff,
                  int in_row),
                 (pool, out_diff, out_row, at, in_diff, in_row))
FASTCAFFE_KERNEL(average_pool_map, (const Pool& pool, const float* in, int in_row, float* out, int out_row),
                 (pool, in, in_row, out, out_row))
FASTCAFFE_KERNEL(average_pool_map_backward,
                 (const Pool& pool, const float* out_diff, int out_row, float* in_diff, int in_row),
                 (pool, out_diff, out_row, in_diff, in_row))

}  // namespace fastcaffe
