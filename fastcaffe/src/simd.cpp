#include "simd.h"

#include <cstdlib>
#include <cstring>

namespace fastcaffe {
namespace {

Simd best_of_processor() {
#if FASTCAFFE_X86
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl")) {
    return Simd::kV4;
  }
  return __builtin_cpu_supports("avx2") ? Simd::kV3 : Simd::kV2;
#else
  return Simd::kPlain;
#endif
}

Simd choose() {
  const Simd best = best_of_processor();
  const char* wish = std::getenv("FASTCAFFE_SIMD");
  if (wish && best >= Simd::kV3 && !std::strcmp(wish, "v2")) return Simd::kV2;
  if (wish && best >= Simd::kV4 && !std::strcmp(wish, "v3")) return Simd::kV3;
  return best;
}

}  // namespace

Simd simd() {
  static const Simd chosen = choose();
  return chosen;
}

const char* simd_name() {
  switch (simd()) {
    case Simd::kV4: return "x86-64-v4";
    case Simd::kV3: return "x86-64-v3";
    case Simd::kV2: return "x86-64-v2";
    default: return "plain";
  }
}

}  // namespace fastcaffe
