// An image as sparse rows see it: for each channel and kernel column that some synapse uses, the channel's plane shifted
// by that column, with zeros where it leaves the picture, its rows as long as an output's.
#pragma once

#include <cstdint>
#include <vector>

#include "convolution_shape.h"
#include "sparse_lists.h"
#include "sparse_pattern.h"

namespace fastcaffe {

class ShiftedPlanes {
 public:
  explicit ShiftedPlanes(const ConvolutionShape& shape);

  // The synapses that exist, output after output, and the planes that they use. `turned`: of the gradient that flows
  // back, whose kernels are turned by 180 degrees; `shape` is that of the gradient's convolution then.
  void list(const Pattern& pattern, bool turned, SynapseLists* lists);

  int planes() const { return static_cast<int>(used_.size()); }
  std::int64_t floats() const { return planes() * size_; }

  // Lays planes first..last of an image out at to + plane * size. `begin` and `end`: the blob that the image is in.
  void lay_out(int first, int last, const float* image, const float* begin, const float* end, float* to) const;

  // Whether all places can be counted in 31 bits.
  static bool possible(const ConvolutionShape& shape);

 private:
  struct Used {
    std::int32_t channel, column;
  };
  void shift_whole(const Used& used, const float* image, const float* begin, const float* end, float* plane) const;
  void shift_by_row(const Used& used, const float* image, float* plane) const;
  std::int64_t row_at(std::int64_t row) const { return row % s_.stride_h * phase_rows_ + row / s_.stride_h; }

  ConvolutionShape s_;
  bool whole_;                          // the planes are as wide as the image
  std::int64_t rows_, phase_rows_;      // of the padded image; those that are a stride apart lie together
  std::int64_t size_;                   // floats of a plane
  int period_;                          // of a mask
  std::vector<std::int32_t> masks_;     // of each kernel column: which pixels of a plane are not padding
  std::vector<Used> used_;
};

}  // namespace fastcaffe
