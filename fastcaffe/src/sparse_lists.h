// The synapses that exist, one after the other as a loop meets them.
#pragma once

#include <cstdint>
#include <vector>

namespace fastcaffe {

struct Synapse {
  std::int32_t at;  // where its input is, in floats from the output's own place
  float weight;
};

// Output after output; `begin` says where an output's, or a part of them, begin, and ends with where the last end.
struct SynapseLists {
  std::vector<Synapse> all;
  std::vector<std::int32_t> weight_at, begin;  // weight_at: where each one's weight lies in the blob

  std::int64_t size() const { return static_cast<std::int64_t>(all.size()); }

  void clear() {
    all.clear();
    weight_at.clear();
    begin.clear();
  }

  // Its weight comes with weigh().
  void add(std::int64_t at, std::int64_t weight) {
    all.push_back({static_cast<std::int32_t>(at), 0.f});
    weight_at.push_back(static_cast<std::int32_t>(weight));
  }

  // The next output's, or part's, begin here.
  void next() { begin.push_back(static_cast<std::int32_t>(all.size())); }

  // The weights as they are now.
  void weigh(const float* weights) {
    for (std::size_t i = 0; i < all.size(); ++i) all[i].weight = weights[weight_at[i]];
  }
};

}  // namespace fastcaffe
