// The passes by Winograd's F(2 x 2, 3 x 3): Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, 2015. A
// sum depends neither on the number of threads nor on how work is shared out.

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "convolution_winograd.h"
#include "convolver_passes.h"
#include "threads.h"
#include "winograd_tiling.h"
#include "winograd_weights.h"

namespace fastcaffe {
namespace {

// What passes cost as measured, in products of vectors: each vector of tiles, of each product of an output and a
// channel, and of each output or channel; the transform of a kernel; and other code, of as many products.
constexpr double kVectorCost = 19, kTransformCost = 80, kKernelCost = 55, kOtherCost = 41;
constexpr double kWorthIt = 0.8;  // of the others' cost

// A convolution; or, `turned`, the gradient that flows back through one: a convolution with the kernels turned by 180
// degrees. `shape` as the blobs go through here: channels, height and width of what comes in, outputs of what goes out.
class Convolver {
 public:
  static constexpr const char* kName = "winograd";
  static ConvolutionShape backwards(const ConvolutionShape& shape) { return exchanged_with_padding(shape); }

  Convolver(const ConvolutionShape& shape, bool turned)
      : shape_(shape),
        block_(winograd_blocks().vectors),
        tiling_(shape, block_, shape.threads),
        weights_(shape, turned) {}

  void run(const float* in, const float* weights, const float* biases, float* out) const {
    float* transformed = Scratch::floats(weights_.floats(), Scratch::kShared);
    weights_.transform(weights, transformed);
    const std::int64_t work = kWinogradPlaces * shape_.channels * shape_.outputs * 2 * winograd_blocks().columns *
                              tiling_.most_vectors();
    parallel(tiling_.parts(), kMultiplied / work + 1, [&](std::int64_t first, std::int64_t last) {
      const Rooms rooms = make_rooms();
      for (int number = static_cast<int>(first); number < last; ++number) {
        const WinogradPart part = tiling_.part(number);
        const float* bottom = tiling_.bottom().take(in, part, rooms.bottom);
        float* top = tiling_.top().place(out, part, rooms.top);
        WinogradAhead ahead = look_ahead(in, out, number + 1, last);
        const int segments = tiling_.segments(part);
        for (int vector = 0; vector < WinogradTiling::vectors(segments); vector += block_) {
          convolve(bottom, transformed, biases, vector, segments - vector * kWinogradSegments, rooms, &ahead, top);
        }
        tiling_.top().give(rooms.top, part, out);
      }
    });
  }

 private:
  struct Rooms {
    float *bottom, *top;
    WinogradRoom inputs, sums;
  };

  // A thread's own.
  Rooms make_rooms() const {
    const std::int64_t vector = 2 * winograd_blocks().columns, map = block_ * vector;
    // A vector between places, so that they do not begin at the same place of each page.
    const std::int64_t inputs = weights_.channels().largest() * map + vector;
    const std::int64_t sums = weights_.outputs().largest() * map + vector;
    const std::int64_t bottom = tiling_.bottom_floats(), top = tiling_.top_floats();
    float* memory = Scratch::floats(kWinogradPlaces * (inputs + sums) + bottom + top);
    float* behind = memory + kWinogradPlaces * (inputs + sums);
    std::fill(behind, behind + bottom, 0.f);
    return {behind, behind + bottom, {memory, map, inputs}, {memory + kWinogradPlaces * inputs, map, sums}};
  }

  // What comes next, if parts are whole images.
  WinogradAhead look_ahead(const float* in, const float* out, int next, std::int64_t last) const {
    WinogradAhead ahead = {};
    if (next >= last || tiling_.bands() > 1) return ahead;
    const Parts outputs{weights_.outputs().largest(), winograd_blocks().outputs};
    const int blocks = (tiling_.most_vectors() + block_ - 1) / block_ * weights_.blocks() * outputs.number();
    const WinogradPart part = tiling_.part(next);
    tiling_.bottom().look_ahead(in, part.image, part.images, kWinogradPlaces * blocks, 0, &ahead);
    tiling_.top().look_ahead(out, part.image, part.images, kWinogradPlaces * blocks, 1, &ahead);
    return ahead;
  }

  // A block of vectors, of which so many segments exist.
  void convolve(const float* bottom, float* weights, const float* biases, int vector, int segments, const Rooms& rooms,
                WinogradAhead* ahead, float* top) const {
    const WinogradMaps from = tiling_.bottom_maps(vector), to = tiling_.top_maps(vector);
    const Parts &channels = weights_.channels(), &outputs = weights_.outputs();
    for (int o = 0; o < outputs.number(); ++o) {
      for (int c = 0; c < channels.number(); ++c) {
        if (o == 0 || channels.number() > 1) {
          winograd_inputs(bottom + channels.begin(c) * from.map, from, block_, channels.size(c), rooms.inputs);
        }
        winograd_products(weights_.block(weights, o, c), rooms.inputs, channels.size(c), outputs.size(o), c > 0,
                          rooms.sums, ahead);
      }
      const int begin = outputs.begin(o);
      winograd_outputs(rooms.sums, outputs.size(o), biases ? biases + begin : nullptr, to, segments,
                       top + begin * to.map);
    }
  }

  ConvolutionShape shape_;
  int block_;
  WinogradTiling tiling_;
  WinogradWeights weights_;
};

}  // namespace

bool winograd_pays(const ConvolutionShape& s) {
  if (!WinogradTiling::possible(s)) return false;
  if (const char* wish = std::getenv("FASTCAFFE_CONVOLUTION")) return !std::strcmp(wish, "winograd");
  const double vectors = WinogradTiling(s, winograd_blocks().vectors, 1).batch_vectors();
  const double each = kVectorCost + kTransformCost * (1. / s.channels + 1. / s.outputs);
  const double full = double(s.images * s.out_height * s.out_width) / (8 * winograd_blocks().columns);
  return vectors * each + kKernelCost < kWorthIt * kOtherCost * full;
}

std::unique_ptr<ForwardPass> winograd_forward(const ConvolutionShape& shape) {
  return std::unique_ptr<ForwardPass>(winograd_pays(shape) ? new ConvolverForward<Convolver>(shape) : nullptr);
}

std::unique_ptr<BackwardDataPass> winograd_backward_data(const ConvolutionShape& shape) {
  const bool pays = winograd_pays(Convolver::backwards(shape));
  return std::unique_ptr<BackwardDataPass>(pays ? new ConvolverBackwardData<Convolver>(shape) : nullptr);
}

}  // namespace fastcaffe
