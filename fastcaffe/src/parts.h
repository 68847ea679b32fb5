// How work is cut into parts, none of which is too large.
#pragma once

#include <cstdint>
#include <vector>

namespace fastcaffe {

// Cuts `count` into as few parts of at most `most` as possible, and these as even as possible.
struct Parts {
  int count, most;

  int number() const { return (count + most - 1) / most; }
  int largest() const { return (count + number() - 1) / number(); }
  int begin(int part) const { return count * std::int64_t(part) / number(); }
  int size(int part) const { return begin(part + 1) - begin(part); }
};

// Cuts maps into blocks for some threads, of at most `most` synapses if there is more than one map: where each begins,
// and `maps`. begin(map) is a map's first synapse.
template <class Begin>
std::vector<int> blocks_of(int maps, std::int64_t threads, std::int64_t most, const Begin& begin) {
  const std::int64_t even = (maps - 1) / threads + 1;
  std::vector<int> blocks(1, 0);
  for (int map = 1; map < maps; ++map) {
    if (begin(map + 1) - begin(blocks.back()) > most || map - blocks.back() == even) blocks.push_back(map);
  }
  blocks.push_back(maps);
  return blocks;
}

}  // namespace fastcaffe
