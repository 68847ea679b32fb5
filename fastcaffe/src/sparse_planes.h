// An image as sparse rows see it. Shifted: for each channel and kernel column that some synapse uses, the channel's
// plane shifted by that column, with zeros where it leaves the picture, its rows as long as an output's; every vector
// begins at a multiple of its size then. Padded: for each such channel the plane with zeros around. That is smaller, and
// taken where shifted planes would leave the nearest cache, if rows are whole vectors.
#pragma once

#include <cstdint>
#include <vector>

#include "convolution_shape.h"
#include "sparse_lanes_kernels.h"
#include "sparse_lists.h"
#include "sparse_pattern.h"

namespace fastcaffe {

class SparsePlanes {
 public:
  explicit SparsePlanes(const ConvolutionShape& shape);

  // The synapses that exist, output after output, and the planes that they use. `turned`: of the gradient that flows
  // back, whose kernels are turned by 180 degrees; `shape` is that of the gradient's convolution then.
  void list(const Pattern& pattern, bool turned, SynapseLists* lists);

  int planes() const { return static_cast<int>(used_.size()); }
  std::int64_t floats() const { return planes() * size_; }

  // The zeros around, which laying out images leaves as they are.
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
  struct Used {
    std::int32_t channel, column;
  };
  void shift_whole(const Used& used, const float* image, const float* begin, const float* end, float* plane) const;
  void shift_by_row(const Used& used, const float* image, float* plane) const;
  void add_tiles();
  int pixels() const { return static_cast<int>(s_.out_height * s_.out_width); }
  std::int64_t row_at(std::int64_t row) const { return row % s_.stride_h * phase_rows_ + row / s_.stride_h; }

  ConvolutionShape s_;
  bool whole_, padded_;             // the planes are as wide as the image; they are padded
  std::int64_t rows_, phase_rows_;  // of the padded image; those that are a stride apart lie together
  std::int64_t row_, size_;         // floats of a row, and of a plane
  int period_;                      // of a mask
  std::vector<std::int32_t> masks_;  // of each kernel column: which pixels of a plane are not padding
  std::vector<SparseTile> tiles_;    // of padded planes
  std::vector<Used> used_;
};

}  // namespace fastcaffe
