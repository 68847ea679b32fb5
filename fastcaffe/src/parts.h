// Cuts `count` into as few parts of at most `most` as possible, and these as even as possible.
#pragma once

#include <cstdint>

namespace fastcaffe {

struct Parts {
  int count, most;

  int number() const { return (count + most - 1) / most; }
  int begin(int part) const { return count * std::int64_t(part) / number(); }
  int size(int part) const { return begin(part + 1) - begin(part); }
};

}  // namespace fastcaffe
