// Convolution with one image a lane of a vector: the loops of convolution_lanes.cpp, compiled for each processor.
//
// A group of as many images as a vector has lanes is turned around, so that the numbers of all its images at one place
// lie together. Then no width of a picture, kernel, stride or number of channels leaves a lane idle: nets whose layers
// have 15 or 37 channels run as fast, a channel, as those with 16 or 32.
#pragma once

#include <cstdint>

namespace fastcaffe {

// How many images a vector holds.
int lanes();

// Kernels work on blocks of at most so many channels; (the first two: convolve_lanes, the others:
// correlate_lanes).
struct LaneBlocks {
  int outputs, pixels, weights_outputs, weights_taps;
};
LaneBlocks lane_blocks();

// Turns a plane of `pixels` numbers of each of `images` images around: pixel i goes to place[i] of `to`. Lanes
// without an image get zeros. A null `place` means i itself.
void to_lanes(const float* from, std::int64_t image_stride, int images, int pixels, const std::int32_t* place,
              float* to);

// The way back: pixel i comes from place[i].
void from_lanes(const float* from, int images, int pixels, const std::int32_t* place, float* to,
                std::int64_t image_stride);

// A stretch of taps that lie one after the other, in the input and in the weights.
struct LaneRun {
  std::int32_t in, tap, taps;
};

// Up to 4 output pixels that see the same runs, each from its own place. All places are counted in vectors.
struct LaneTile {
  std::int32_t pixels;  // 1, or as many as lane_blocks() says; the last may be there more than once
  std::int32_t in[4], out[4];
  std::int32_t first_run, runs;
};

// out[output * out_stride + pixel] = bias[output] + sum over taps of weights[tap][output] * in[pixel + tap], for each
// tile's pixels and runs. A null bias is zero.
void convolve_lanes(const float* in, const LaneTile* tiles, int count, const LaneRun* runs, const float* weights,
                    int outputs, const float* bias, float* out, std::int64_t out_stride);

// sums[tap][output] += sum over pixels of out_diff[output * out_stride + pixel] * in[pixel_at[pixel] + tap_at[tap]],
// each lane for itself.
void correlate_lanes(const float* in, const std::int32_t* pixel_at, const float* out_diff, std::int64_t out_stride,
                     int pixels, const std::int32_t* tap_at, int taps, int outputs, float* sums);

// The sum of the lanes of each of `count` vectors.
void sum_of_lanes(const float* from, int count, float* to);

// The sum of `count` vectors, and of their lanes.
float sum_of_vectors(const float* from, std::int64_t count);

}  // namespace fastcaffe
