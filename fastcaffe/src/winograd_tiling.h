// How the maps of a convolution are cut into Winograd's tiles (winograd_kernels.h), and where they lie meanwhile:
// segments of a row of tiles, of some images or of a band of one, are transformed together.
#pragma once

#include <cstdint>
#include <vector>

#include "convolution_shape.h"
#include "winograd_kernels.h"

namespace fastcaffe {

// Some images of a batch, or some rows of tiles of one.
struct WinogradPart {
  std::int64_t image;
  int images, row, rows;
};

// The bottom's maps, with zeros around and two more rows than tiles have outputs; or the top's, with zeros where tiles
// overhang.
struct WinogradRows {
  std::int64_t channels, height, width;  // of the blob
  int above, left;                       // zeros
  int more;                              // rows than twice those of tiles
  bool in_place;                         // the blob's maps are just tiles: they stay where they are
  bool banded;                           // parts are bands of rows
  std::int64_t row, map, image;          // from one to the next

  // Where a part begins: in the blob, or in the room, where `take` brings it and from where `give` brings it back.
  const float* take(const float* blob, const WinogradPart& part, float* room) const;
  float* place(float* blob, const WinogradPart& part, float* room) const;
  void give(const float* room, const WinogradPart& part, float* blob) const;
  // Some images, to be brought near meanwhile, with so many blocks of products.
  void look_ahead(const float* blob, std::int64_t first, int images, int blocks, int which, WinogradAhead* ahead) const;

 private:
  struct Stretch;
  Stretch stretch(const WinogradPart& part) const;
};

class WinogradTiling {
 public:
  // Whether there can be tiles: kernels of 3 x 3 that step over no pixel, and paddings that have gradients.
  static bool possible(const ConvolutionShape& shape);

  // Parts for so many threads, of blocks of so many vectors, the last of which may be filled in part; of at most so many
  // vectors, if a row of tiles is not more. Of the sizes that segments may have, the one that fills them.
  static WinogradTiling best(const ConvolutionShape& shape, int block, std::int64_t most, std::int64_t threads);

  int parts() const { return static_cast<int>((images_ + most_.images - 1) / most_.images) * bands_; }
  WinogradPart part(int number) const;
  int bands() const { return bands_; }  // parts of an image
  int segments(const WinogradPart& part) const { return part.images * part.rows * across_; }
  int segments_of_vector() const { return 2 * winograd_blocks().lanes / columns_; }
  int vectors(int segments) const { return (segments - 1) / segments_of_vector() + 1; }
  int most_vectors() const { return vectors(segments(most_)); }
  std::int64_t batch_vectors() const { return batch_vectors(most_.images, most_.rows); }  // of all blocks

  const WinogradRows& bottom() const { return bottom_; }
  const WinogradRows& top() const { return top_; }
  std::int64_t bottom_floats() const { return most_.images * bottom_.image; }
  std::int64_t top_floats() const { return top_.in_place ? 0 : most_.images * top_.image; }
  // Where the segments from a vector on are.
  WinogradMaps bottom_maps(int vector) const { return maps(bottom_, bottom_at_, vector); }
  WinogradMaps top_maps(int vector) const { return maps(top_, top_at_, vector); }

 private:
  WinogradTiling(const ConvolutionShape& shape, int block, std::int64_t most, std::int64_t threads, int columns);
  WinogradPart most(const ConvolutionShape& s, std::int64_t vectors, std::int64_t threads) const;
  std::int64_t batch_vectors(int images, int rows) const;
  std::vector<std::int64_t> places(const WinogradRows& rows) const;
  WinogradMaps maps(const WinogradRows& rows, const std::vector<std::int64_t>& at, int vector) const {
    return {columns_, at.data() + vector * segments_of_vector(), rows.row, rows.map};
  }

  std::int64_t images_;
  int block_, columns_, tile_rows_, across_;  // segments
  WinogradPart most_;
  int bands_;
  WinogradRows bottom_, top_;
  std::vector<std::int64_t> bottom_at_, top_at_;  // of a part's segments
};

}  // namespace fastcaffe
