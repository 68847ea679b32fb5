// Sparse convolution on Caffe's own layout, with neighbouring pixels of a plane in the lanes of a vector: the loops of
// convolution_sparse_rows.cpp, compiled for each processor.
//
// The planes of the input are laid out once for each kernel column that some synapse uses, shifted by it and with zeros
// around, as wide as an output's. Then what a synapse sees of an image is one stretch of numbers, and all that it costs
// are multiplications of whole vectors by its weight.
#pragma once

#include <cstdint>

#include "sparse_lists.h"

namespace fastcaffe {

// A channel's plane as some synapses see it: from `shift` floats behind where it begins. The mask says which pixels are
// no padding then.
struct ShiftedPlane {
  std::int32_t channel, shift, mask;  // mask: where it is among all
};

// How planes are laid out whose rows are as long as an output's, all in floats. What is read lies between `begin` and
// `end`, the blob; up to a vector more than a plane has is written.
struct Shifting {
  std::int64_t channel, size;          // from one channel to the next, and from one plane to the next
  std::int64_t above, inside, padded;  // zeros; pixels after them; all, with the zeros below
  int period;                          // a mask repeats itself after so many pixels, whole vectors
  const std::int32_t* masks;
};
void shift_planes(const ShiftedPlane* planes, int count, const float* image, const float* begin, const float* end,
                  const Shifting& shifting, float* to);

// The same where rows are other ones than the image's: each by itself, every pixel or every second one of it. Those that
// are a stride apart lie together.
struct RowShifting {
  std::int64_t channel, size;
  int width, height, above;                        // of a channel; rows of zeros above it
  int rows, phase_rows, row, row_step, pixel_step;  // of a plane: rows, those of a phase, pixels of each; the stride
  const std::int32_t* masks;                       // of a row
};
void shift_rows(const ShiftedPlane* planes, int count, const float* image, const float* begin, const float* end,
                const RowShifting& shifting, float* to);

// out[output * pixels + pixel] = bias[output] + sum over the output's synapses of weight * in[at + pixel]. A null bias
// is zero. The outputs' synapses are begin[output]..begin[output + 1]; a plane has no fewer pixels than lanes().
void convolve_sparse_rows(const float* in, const Synapse* synapses, const std::int32_t* begin, int outputs,
                          const float* bias, int pixels, float* out);

// sums[synapse] += sum over pixels of out_diff[output * pixels + pixel] * in[at + pixel], each lane for itself.
void correlate_sparse_rows(const float* in, const Synapse* synapses, const std::int32_t* begin, int outputs,
                           const float* out_diff, int pixels, float* sums);

}  // namespace fastcaffe
