#include "winograd_weights.h"

namespace fastcaffe {
namespace {

constexpr int kChannels = 64, kOutputs = 128;
constexpr int kApart = 16;  // floats, of a cache line: so that places do not begin at the same place of each page

// += G^T u G.
void add_kernel(const float* sums, std::int64_t place, float* to) {
  float rows[3][4];
#pragma GCC unroll 4
  for (int x = 0; x < 4; ++x) {
    const float *u = sums + x * place, one = u[4 * place], two = u[8 * place], half = (one + two) * 0.5f;
    rows[0][x] = u[0] + half;
    rows[1][x] = (one - two) * 0.5f;
    rows[2][x] = half + u[12 * place];
  }
#pragma GCC unroll 3
  for (int y = 0; y < 3; ++y) {
    const float half = (rows[y][1] + rows[y][2]) * 0.5f;
    to[3 * y] += rows[y][0] + half;
    to[3 * y + 1] += (rows[y][1] - rows[y][2]) * 0.5f;
    to[3 * y + 2] += half + rows[y][3];
  }
}

}  // namespace

WinogradWeights::WinogradWeights(const ConvolutionShape& s, bool turned)
    : channels_{static_cast<int>(s.channels), kChannels},
      outputs_{static_cast<int>(s.outputs), kOutputs},
      turned_(turned),
      map_((channels_.largest() + kApart - 1) / kApart * kApart),
      place_(outputs_.largest() * map_ + kApart),
      block_(kWinogradPlaces * place_) {}

WinogradRoom WinogradWeights::block(float* transformed, int outputs, int channels) const {
  return {transformed + (outputs * channels_.number() + channels) * block_, map_, place_};
}

void WinogradWeights::transform(const float* weights, float* to) const {
  const std::int64_t channel = 9 * (turned_ ? outputs_.count : 1), output = 9 * (turned_ ? 1 : channels_.count);
  for (int o = 0; o < outputs_.number(); ++o) {
    for (int c = 0; c < channels_.number(); ++c) {
      winograd_weights(weights + channels_.begin(c) * channel + outputs_.begin(o) * output, channel, output, turned_,
                       channels_.size(c), outputs_.size(o), block(to, o, c));
    }
  }
}

std::int64_t winograd_gradients_place(const ConvolutionShape& s) { return s.channels * s.outputs + kApart; }

std::int64_t winograd_gradients(const ConvolutionShape& s) { return kWinogradPlaces * winograd_gradients_place(s); }

void add_winograd_gradients(const ConvolutionShape& s, const float* sums, float* weights_diff) {
  const Parts channels{static_cast<int>(s.channels), winograd_blocks().correlated_channels};
  const Parts outputs{static_cast<int>(s.outputs), winograd_blocks().correlated_outputs};
  for (int c = 0; c < channels.number(); ++c) {
    for (int o = 0; o < outputs.number(); ++o) {
      for (int output = outputs.begin(o); output < outputs.begin(o + 1); ++output) {
        for (int channel = channels.begin(c); channel < channels.begin(c + 1); ++channel, ++sums) {
          add_kernel(sums, winograd_gradients_place(s), weights_diff + (output * s.channels + channel) * 9);
        }
      }
    }
  }
}

}  // namespace fastcaffe
