#include "sparse_pattern.h"

#include "simd.h"

namespace fastcaffe {
namespace {

constexpr int kWord = 16;  // weights

// Whether the weights that exist are those of the bits; `words` of 16 weights.
template <int W>
FASTCAFFE_INLINE void same_words_body(const float* weights, std::int64_t words, const std::uint16_t* bits, bool* same) {
  typedef typename Lanes<W>::F F;
  typedef typename Lanes<W>::I I;
  constexpr int kAtATime = 64;  // words between two looks at what was found
  const I one_bit = bit_a_lane<W>();
  for (std::int64_t begin = 0; begin < words; begin += kAtATime) {
    const std::int64_t end = begin + kAtATime < words ? begin + kAtATime : words;
    I other = {};
    for (std::int64_t word = begin; word < end; ++word) {
#pragma GCC unroll 4
      for (int part = 0; part < kWord / W; ++part) {
        const I expected = (one_bit & (std::int32_t(bits[word]) >> part * W)) != I{};
        other |= expected ^ (load<F>(weights + word * kWord + part * W) != F{});
      }
    }
    std::int32_t found[W], any = 0;
    store(found, other);
    for (int i = 0; i < W; ++i) any |= found[i];
    if (any) {
      *same = false;
      return;
    }
  }
  *same = true;
}

FASTCAFFE_KERNEL(same_words, (const float* weights, std::int64_t words, const std::uint16_t* bits, bool* same),
                 (weights, words, bits, same))

}  // namespace

void Pattern::follow(const float* weights, std::int64_t count) {
  ++looks_;
  if (count == count_) {
    bool same = true;
    same_words(weights, count / kBits, bits_.data(), &same);
    for (std::int64_t i = count / kBits * kBits; i < count; ++i) same = same && (weights[i] != 0) == exists(i);
    if (same) return;
  }
  bits_.assign((count + kBits - 1) / kBits, 0);
  count_ = count;
  synapses_ = 0;
  ++version_;
  for (std::int64_t i = 0; i < count; ++i) {
    if (weights[i] == 0) continue;
    bits_[i / kBits] |= 1 << i % kBits;
    ++synapses_;
  }
}

}  // namespace fastcaffe
