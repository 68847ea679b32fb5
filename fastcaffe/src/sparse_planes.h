// An image as sparse rows see it: for each channel that some synapse uses, its plane, once for each kernel column, shifted
// by it, with zeros where it leaves the picture and rows as long as an output's. Every vector begins at a multiple of its
// size then.
//
// Where a plane fits into a cache line, it lies there once for each tap, so that a synapse fetches one line. Where all
// planes together would leave the nearest cache, and rows are whole vectors, either outputs go tile by tile, if what a
// tile sees stays in it; or the plane is there once, with zeros around.
#pragma once

#include <cstdint>
#include <vector>

#include "convolution_shape.h"
#include "sparse_lanes_kernels.h"
#include "sparse_lists.h"
#include "sparse_pattern.h"
#include "sparse_rows_kernels.h"

namespace fastcaffe {

class SparsePlanes {
 public:
  explicit SparsePlanes(const ConvolutionShape& shape);

  // The synapses that exist, output after output, and the planes that they use. `turned`: of the gradient that flows
  // back, whose kernels are turned by 180 degrees; `shape` is that of the gradient's convolution then.
  void list(const Pattern& pattern, bool turned, SynapseLists* lists);

  int planes() const { return static_cast<int>(used_.size()); }
  std::int64_t floats() const { return planes() * size_; }

  // The zeros around padded planes, which laying out images leaves as they are; others come with the image.
  void zero(float* to) const;
  // Lays planes first..last of an image out at to + plane * size. `begin` and `end`: the blob that the image is in.
  void lay_out(int first, int last, const float* image, const float* begin, const float* end, float* to) const;

  // Outputs first..last of an image that is laid out; and the gradients of their synapses, a vector each.
  void convolve(const float* planes, const SynapseLists& lists, int first, int last, const float* biases,
                float* out) const;
  void correlate(const float* planes, const SynapseLists& lists, int output, const float* out_diff, float* sums) const;

  // Of an image of which every plane is used.
  static std::int64_t most_floats(const ConvolutionShape& shape);
  // Whether all places can be counted in 31 bits.
  static bool possible(const ConvolutionShape& shape);

 private:
  enum class Layout { kShifted, kTiled, kPadded, kTaps, kByRow };
  static Layout layout_of(const ConvolutionShape& shape);
  ShiftedPlane shifted(std::int64_t channel, std::int64_t row, std::int64_t column) const;
  void shift_by_row(const ShiftedPlane& used, const float* image, float* plane) const;
  void add_tiles();
  void add_mask(std::int64_t row, std::int64_t column);
  bool tiled() const { return layout_ == Layout::kTiled || layout_ == Layout::kPadded; }
  int pixels() const { return static_cast<int>(s_.out_height * s_.out_width); }
  std::int64_t row_at(std::int64_t row) const { return row % s_.stride_h * phase_rows_ + row / s_.stride_h; }

  ConvolutionShape s_;
  Layout layout_;
  std::int64_t rows_, phase_rows_;  // of the padded image; those that are a stride apart lie together
  std::int64_t row_, size_;         // floats of a row, and of a plane
  int period_;                       // of a mask
  std::vector<std::int32_t> masks_;  // of each kernel column, or tap: which pixels of a plane are not padding
  std::vector<SparseTile> tiles_;
  std::vector<ShiftedPlane> used_;
};

}  // namespace fastcaffe
