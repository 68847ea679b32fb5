// How large a tile of sums the registers hold in Winograd's products: 32 of them with 16 lanes (and on Arm), 16 of them
// else.
#pragma once

#include "simd.h"

namespace fastcaffe {

template <int W>
struct WinogradTile {
  static constexpr bool kMany = W == 16 || !FASTCAFFE_X86;
  static constexpr int kVectors = kMany ? 4 : 3, kOutputs = kMany ? 6 : 4;
  static constexpr int kCorrelatedOutputs = 4, kCorrelatedChannels = kMany ? 6 : 3;
};

}  // namespace fastcaffe
