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

// What passes cost as measured, in products of vectors, for each product of an output and a channel: a vector of tiles,
// and beside it a vector of each map; the transform of a kernel; and a vector of other code's outputs.
constexpr double kVectorCost = 19, kMapCost = 80, kKernelCost = 55, kOtherCost = 10.25;
constexpr double kWorthIt = 0.9;  // of the others' cost

constexpr std::int64_t kAnyVectors = 1 << 20;  // that a part may have

// Which part of a kernel's rows, or columns, meets no padding: others leave out what does.
double met(std::int64_t out, std::int64_t pad) { return 1 - pad * (pad + 1) / (3. * out); }

// A convolution; or, `turned`, the gradient that flows back through one: a convolution with the kernels turned by 180
// degrees. `shape` as the blobs go through here: channels, height and width of what comes in, outputs of what goes out.
class Convolver {
 public:
  static constexpr const char* kName = "winograd";
  static ConvolutionShape backwards(const ConvolutionShape& shape) { return exchanged_with_padding(shape); }

  Convolver(const ConvolutionShape& shape, bool turned)
      : shape_(shape),
        block_(winograd_blocks().vectors),
        tiling_(WinogradTiling::best(shape, block_, kAnyVectors, shape.threads)),
        weights_(shape, turned) {}

  void run(const float* in, const float* weights, const float* biases, float* out) const {
    float* transformed = Scratch::floats(weights_.floats(), Scratch::kShared);
    weights_.transform(weights, transformed);
    const std::int64_t work = kWinogradPlaces * shape_.channels * shape_.outputs * winograd_blocks().lanes *
                              tiling_.most_vectors();
    parallel(tiling_.parts(), kMultiplied / work + 1, [&](std::int64_t first, std::int64_t last) {
      const Rooms rooms = make_rooms();
      for (int number = static_cast<int>(first); number < last; ++number) {
        const WinogradPart part = tiling_.part(number);
        const float* bottom = tiling_.bottom().take(in, part, rooms.bottom);
        float* top = tiling_.top().place(out, part, rooms.top);
        WinogradAhead ahead = look_ahead(in, out, number + 1, last);
        const int segments = tiling_.segments(part);
        for (int vector = 0; vector < tiling_.vectors(segments); vector += block_) {
          convolve(bottom, transformed, biases, vector, segments - vector * tiling_.segments_of_vector(), rooms, &ahead, top);
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
    const std::int64_t vector = winograd_blocks().lanes, map = block_ * vector;
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
  const double vectors = WinogradTiling::best(s, winograd_blocks().vectors, kAnyVectors, 1).batch_vectors();
  const double cost = vectors * (kVectorCost + kMapCost * (1. / s.channels + 1. / s.outputs)) + kKernelCost;
  const double outputs = s.images * s.out_height * s.out_width * met(s.out_height, s.pad_h) * met(s.out_width, s.pad_w);
  return cost < kWorthIt * kOtherCost * outputs / winograd_blocks().lanes;
}

std::unique_ptr<ForwardPass> winograd_forward(const ConvolutionShape& shape) {
  return std::unique_ptr<ForwardPass>(winograd_pays(shape) ? new ConvolverForward<Convolver>(shape) : nullptr);
}

std::unique_ptr<BackwardDataPass> winograd_backward_data(const ConvolutionShape& shape) {
  const bool pays = winograd_pays(Convolver::backwards(shape));
  return std::unique_ptr<BackwardDataPass>(pays ? new ConvolverBackwardData<Convolver>(shape) : nullptr);
}

}  // namespace fastcaffe
