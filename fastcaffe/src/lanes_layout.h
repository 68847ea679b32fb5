// Where the numbers of a convolution's input lie when each vector holds one place of several images, and which of them
// each output pixel sees.
#pragma once

#include <cstdint>
#include <vector>

#include "convolution_shape.h"
#include "lanes_kernels.h"

namespace fastcaffe {

// Rows or columns of a convolution or, `turned`, of the gradient that flows back through one: there the input is the
// top's gradient, the output that of the bottom, and taps are numbered from the kernel's end.
class LaneAxis {
 public:
  LaneAxis(int in, int out, int kernel, int stride, int pad, int dilation, bool turned);

  // Zeros before the input's first place, and how many places there are with the zeros around.
  int before() const { return before_; }
  int size() const { return size_; }
  int out() const { return out_; }
  // Outputs that are a multiple of this apart meet the same taps.
  int phases() const { return turned_ ? stride_ : 1; }

  // The place that an output's tap meets, zeros before the input counted; -1 if the tap steps over all places.
  int place(int output, int tap) const;
  // Whether it meets one of the input's, not a zero.
  bool inside(int output, int tap) const;
  // The taps that do so for at least one of some outputs of one phase.
  std::vector<int> taps(const std::vector<int>& outputs) const;

 private:
  bool input(int output, int tap, int* place) const;

  int in_, out_, kernel_, stride_, pad_, dilation_;
  bool turned_;
  int before_ = 0, size_ = 0;
};

// Some rows of an output plane, and the tiles that cover them. Tiles count their outputs from `pixel`.
struct LaneBand {
  int pixel, pixels, tile, tiles;
};

// The input with all channels side by side at each place, and the tiles of all output pixels. Taps are numbered by
// rows, columns, channels of the group. Tiles whose windows hang over the edge leave out what meets only zeros.
struct Tiling {
  Tiling(const ConvolutionShape& shape, bool turned);

  int channels, places;
  std::vector<std::int32_t> place, zeros;  // where each input pixel's, and each zero's, channel 0 is, in vectors
  std::vector<LaneTile> tiles;
  std::vector<LaneRun> runs;
  std::vector<LaneBand> bands;

 private:
  struct Pixel {
    int row, column;
  };
  void add_band(const LaneAxis& rows, const LaneAxis& columns, int first, int last);
  void add_tile(const LaneAxis& rows, const LaneAxis& columns, const std::vector<Pixel>& pixels, int first_row);

  int group_channels_, kernel_w_;
};

}  // namespace fastcaffe
