// Winograd's minimal filtering: the loops of convolution_winograd.cpp and convolution_winograd_weights.cpp, compiled
// for each processor.
//
// Tiles of 2 x 2 outputs see 4 x 4 inputs each. Inputs, weights and outputs are transformed by additions, between which
// there are products of 16 numbers, one of each place, instead of 36. The lanes of a vector are tiles, in segments of a
// row of tiles: four, which have half as many columns as a vector has lanes, or eight of a quarter of them.
#pragma once

#include <cstdint>

namespace fastcaffe {

constexpr int kWinogradPlaces = 16;

// The lanes, and what kernels work on at a time: vectors of tiles and at most so many outputs in products, at most so
// many outputs and channels in correlations.
struct WinogradBlocks {
  int lanes, vectors, outputs, correlated_outputs, correlated_channels;
};
WinogradBlocks winograd_blocks();

// Where segments of so many columns are in maps: where each begins, and how many numbers it is to the next row and the
// next map.
struct WinogradMaps {
  int columns;
  const std::int64_t* segments;
  std::int64_t row, map;
};

// Where transformed numbers go, or are: how many numbers it is to the next map and the next place. A map's vectors
// follow each other.
struct WinogradRoom {
  float* first;
  std::int64_t map, place;
};

// Two stretches of memory that are read or written soon: some lines of each are brought near with each block.
struct WinogradAhead {
  const float *from[2], *end[2];
  int lines[2];
};

// So many maps of so many rows, to others.
void winograd_copy(const float* from, std::int64_t from_row, std::int64_t from_map, std::int64_t maps, int rows,
                   int width, float* to, std::int64_t to_row, std::int64_t to_map);

// Kernels of 3 x 3, transformed; `turned`: turned by 180 degrees before. `channel` and `output` are from one to the
// next. They go where products read them one after the other: for each block of outputs, a vector of channels of each
// of its outputs, and then the next vectors. A map of `to` has room for whole vectors.
void winograd_weights(const float* weights, std::int64_t channel, std::int64_t output, bool turned, int channels,
                      int outputs, const WinogradRoom& to);

// The inputs of so many vectors of tiles.
void winograd_inputs(const float* from, const WinogradMaps& maps, int vectors, int channels, const WinogradRoom& to);

// sums of each place = weights * in, for a block of vectors; or are added to.
void winograd_products(const WinogradRoom& weights, const WinogradRoom& in, int channels, int outputs, bool add,
                       const WinogradRoom& sums, WinogradAhead* ahead);

// The outputs of a block of vectors, of which so many segments exist.
void winograd_outputs(const WinogradRoom& sums, int outputs, const float* biases, const WinogradMaps& maps,
                      int segments, float* to);

// Of the gradients of outputs what meets the inputs; zeros for segments that do not exist.
void winograd_diffs(const float* from, const WinogradMaps& maps, int vectors, int segments, int outputs,
                    const WinogradRoom& to);

// sums += the products of all inputs with all gradients, of all lanes of so many vectors; of each place, and there, for
// each block of channels of Parts{channels, most} and each block of outputs, output after output.
void winograd_correlations(const WinogradRoom& in, const WinogradRoom& diffs, int vectors, int channels, int outputs,
                           float* sums, std::int64_t sums_place, WinogradAhead* ahead);

}  // namespace fastcaffe
