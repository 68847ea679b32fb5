// Both gradients of a sparse convolution that steps by 1, in one walk over those of what it makes, with one image a
// lane: each of these is loaded once and multiplied twice. Compiled for each processor.
#pragma once

#include <cstdint>

#include "sparse_lists.h"

namespace fastcaffe {

// Neighbouring places of a channel, and which parts of its synapses they meet.
struct GradientTile {
  std::int32_t rows, columns;  // powers of 2
  std::int32_t y, x;
  std::int32_t first_part, last_part;
};

// The most vectors of such a tile.
int gradient_tile();

// One channel's place 0, 0: of what came in, and of its gradient. `..._row`: vectors from one row to the next.
struct ChannelGradients {
  const float* in;
  int in_row;
  float* in_diff;
  int in_diff_row;
  bool more;  // gradients are added to those that are there
};

// in_diff[place] = sum over synapses of weight * out_diff[place + at], and sums[synapse] += sum over places of
// in[place] * out_diff[place + at], each lane for itself; of one channel, whose synapses begin[part] says. They are
// counted from its first.
void gradients_sparse_lanes(const float* out_diff, int out_row, const GradientTile* tiles, int count,
                            const Synapse* synapses, const std::int32_t* begin, const ChannelGradients& of,
                            float* sums);

// The same of channels that have one place each, of `groups` groups of images: from one group to the next is a row.
// Channels lie one after the other, begin[channel] says where their synapses begin.
void gradients_of_numbers_in_lanes(const float* out_diff, int out_row, int groups, const Synapse* synapses,
                                   const std::int32_t* begin, int channels, const ChannelGradients& of, float* sums);

// total += the sum of a map's vectors, each lane for itself.
void total_of_map(const float* map, int row, int rows, int columns, float* total);

}  // namespace fastcaffe
