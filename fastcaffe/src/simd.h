// Vectors of floats, and one compiled version of a kernel for each generation of x86-64.
//
// A kernel is written once, as an inlined template of the widest vector that it may use. FASTCAFFE_KERNEL makes a
// function out of it that runs the version that this machine can: x86-64-v4 (16 floats), v3 (8) or v2 (4). On other
// processors there is one version with vectors of 4, which compilers turn into whatever is there.
#pragma once

#include <cstdint>

// FASTCAFFE_PLAIN: build on x86-64 what other processors get.
#if defined(__x86_64__) && !defined(FASTCAFFE_PLAIN)
#define FASTCAFFE_X86 1
#else
#define FASTCAFFE_X86 0
#endif
#define FASTCAFFE_INLINE static inline __attribute__((always_inline))

namespace fastcaffe {

enum class Simd { kPlain = 0, kV2 = 2, kV3 = 3, kV4 = 4 };

// What the kernels run on: the best that the processor has, or less if FASTCAFFE_SIMD=v2|v3|v4 says so.
Simd simd();
const char* simd_name();

// W floats and W integers of the same size. A comparison of two F gives an I, and `i ? a : b` chooses by lane.
template <int W>
struct Lanes {
  typedef float F __attribute__((vector_size(4 * W)));
  typedef std::int32_t I __attribute__((vector_size(4 * W)));
};

// Unaligned loads and stores.
template <class V, class T>
FASTCAFFE_INLINE V load(const T* from) {
  V v;
  __builtin_memcpy(&v, from, sizeof v);
  return v;
}

template <class V, class T>
FASTCAFFE_INLINE void store(T* to, V v) {
  __builtin_memcpy(to, &v, sizeof v);
}

// A store past the caches, to an address that is a multiple of the vector's size. After the last of a thread's comes
// streams_end(), before others may read.
template <int W>
FASTCAFFE_INLINE void stream(float* to, typename Lanes<W>::F v) {
#if FASTCAFFE_X86
  // As assembly, because the intrinsics cannot be named in code that is compiled for several processors.
  if (W == 4) {
    asm volatile("movntps %1, %0" : "=m"(*reinterpret_cast<typename Lanes<W>::F*>(to)) : "x"(v));
  } else {
    asm volatile("vmovntps %1, %0" : "=m"(*reinterpret_cast<typename Lanes<W>::F*>(to)) : "v"(v));
  }
#else
  store(to, v);
#endif
}

FASTCAFFE_INLINE void streams_end() {
#if FASTCAFFE_X86
  asm volatile("sfence" ::: "memory");
#endif
}

// The same address, but the compiler no longer knows how it was come by: it keeps the sum in one register instead of
// one for each of many places beside it.
FASTCAFFE_INLINE const float* one_address(const float* from) {
  asm("" : "+r"(from));
  return from;
}

// The same number in each lane.
template <class V, class T>
FASTCAFFE_INLINE V same(T value) {
  return V{} + value;
}

template <int... K>
struct Indices {};
template <int N, int... K>
struct CountTo : CountTo<N - 1, N - 1, K...> {};
template <int... K>
struct CountTo<0, K...> {
  typedef Indices<K...> type;
};

// 0, 1, 2, ... W-1.
template <class V, int... K>
FASTCAFFE_INLINE V counting(Indices<K...>) {
  return V{K...};
}
template <int W>
FASTCAFFE_INLINE typename Lanes<W>::I counting() {
  return counting<typename Lanes<W>::I>(typename CountTo<W>::type());
}

// 1, 2, 4, ...: a bit a lane.
template <class V, int... K>
FASTCAFFE_INLINE V bit_a_lane(Indices<K...>) {
  return V{(1 << K)...};
}
template <int W>
FASTCAFFE_INLINE typename Lanes<W>::I bit_a_lane() {
  return bit_a_lane<typename Lanes<W>::I>(typename CountTo<W>::type());
}

// Numbers SHIFT, SHIFT + 1, ... of those in a and b, as many as there are K.
template <int SHIFT, class V, int... K>
FASTCAFFE_INLINE auto stretch_of(V a, V b, Indices<K...>) {
  return __builtin_shufflevector(a, b, (K + SHIFT)...);
}

// Of 2 W numbers in a and b: those at even places, and those at odd places.
template <int W, int... K>
FASTCAFFE_INLINE void split_pairs(typename Lanes<W>::F a, typename Lanes<W>::F b, typename Lanes<W>::F* even,
                                  typename Lanes<W>::F* odd, Indices<K...>) {
  *even = __builtin_shufflevector(a, b, (2 * K)...);
  *odd = __builtin_shufflevector(a, b, (2 * K + 1)...);
}

// The inverse: a and b become even[0], odd[0], even[1], odd[1], ...
template <int W, int... K>
FASTCAFFE_INLINE void join_pairs(typename Lanes<W>::F even, typename Lanes<W>::F odd, typename Lanes<W>::F* a,
                                 typename Lanes<W>::F* b, Indices<K...>) {
  *a = __builtin_shufflevector(even, odd, (K / 2 + K % 2 * W)...);
  *b = __builtin_shufflevector(even, odd, ((W + K) / 2 + (W + K) % 2 * W)...);
}

// A number of lanes as a type: what for_stretch hands on.
template <int W>
struct Width {
  static constexpr int value = W;
};

// Calls each(Width<W>(), place) for as many whole vectors as fit into first..last, and each(Width<1>(), place) for
// every number that is left over.
template <int W, class Each>
FASTCAFFE_INLINE void for_stretch(std::int64_t first, std::int64_t last, const Each& each) {
  std::int64_t place = first;
  for (; place + W <= last; place += W) each(Width<W>(), place);
  for (; place < last; ++place) each(Width<1>(), place);
}

}  // namespace fastcaffe

// The head of a lambda for for_stretch; decltype(width)::value is its number of lanes.
#define FASTCAFFE_EACH(PLACE) [&](auto width, std::int64_t PLACE) __attribute__((always_inline))

// FASTCAFFE_KERNEL(name, (parameters), (arguments)) defines `void name(parameters)` from `name_body<16|8|4>`.
#if FASTCAFFE_X86
#define FASTCAFFE_KERNEL(NAME, PARAMETERS, ARGUMENTS)                                                \
  __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))) static void NAME##_v4 PARAMETERS {   \
    NAME##_body<16> ARGUMENTS;                                                                       \
  }                                                                                                  \
  __attribute__((target("avx2,fma"))) static void NAME##_v3 PARAMETERS { NAME##_body<8> ARGUMENTS; } \
  static void NAME##_v2 PARAMETERS { NAME##_body<4> ARGUMENTS; }                                     \
  void NAME PARAMETERS {                                                                             \
    switch (simd()) {                                                                                \
      case Simd::kV4: return NAME##_v4 ARGUMENTS;                                                    \
      case Simd::kV3: return NAME##_v3 ARGUMENTS;                                                    \
      default: return NAME##_v2 ARGUMENTS;                                                           \
    }                                                                                                \
  }
#else
#define FASTCAFFE_KERNEL(NAME, PARAMETERS, ARGUMENTS) \
  void NAME PARAMETERS { NAME##_body<4> ARGUMENTS; }
#endif
