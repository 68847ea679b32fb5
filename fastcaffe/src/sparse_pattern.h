// Which weights of a layer exist: those that are not zero. A bit a weight, compared with the weights before they are
// used, so that nobody has to promise anything: whoever zeroes or revives a weight is followed. (Who does promise that
// they stay need not be looked at again: staying_weights.h.)
#pragma once

#include <cstdint>
#include <vector>

namespace fastcaffe {

class Pattern {
 public:
  // Looks at the weights, and remembers which of them exist now.
  void follow(const float* weights, std::int64_t count);

  // Another number for another pattern; 0 before the first look.
  std::int64_t version() const { return version_; }
  // Another number for other weights: it changes at every look.
  std::int64_t looks() const { return looks_; }
  std::int64_t synapses() const { return synapses_; }
  bool exists(std::int64_t weight) const { return bits_[weight / kBits] >> weight % kBits & 1; }
  // Whether one of `count` weights does, from `first` on.
  bool any(std::int64_t first, std::int64_t count) const {
    for (const std::int64_t end = first + count; first < end; ++first) {
      if (exists(first)) return true;
    }
    return false;
  }
  // The part of the weights that exists; 1 before the first look.
  double density() const { return count_ ? double(synapses_) / count_ : 1; }

 private:
  static constexpr int kBits = 16;  // of a word

  std::vector<std::uint16_t> bits_;  // a weight's each, the first one lowest
  std::int64_t count_ = 0, synapses_ = 0, version_ = 0, looks_ = 0;
};

}  // namespace fastcaffe
