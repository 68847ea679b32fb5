// The gradients of weights by Winograd's F(3 x 3, 2 x 2): a tile's 2 x 2 gradients of outputs and its 4 x 4 inputs are
// transformed to 16 places, whose products, summed up over all tiles, are transformed to 3 x 3 weights. Batches are
// summed up in shares that depend on the shape alone, so that a sum does not depend on the number of threads.

#include <algorithm>

#include "convolution_winograd.h"
#include "convolver_passes.h"
#include "eltwise_kernels.h"
#include "lanes_kernels.h"
#include "threads.h"
#include "winograd_tiling.h"
#include "winograd_weights.h"

namespace fastcaffe {
namespace {

constexpr int kVectors = 16;                 // whose products are summed up in registers, before their lanes are
constexpr int kShares = 8;                   // for as many threads
constexpr int kVectorsOfShare = 32;          // for which it is worth its sums
constexpr std::int64_t kMostSums = 8 << 20;  // of all shares, unless two have more
constexpr int kSumPlace = 5;                 // where a tile's transformed gradients have their sum

class BackwardWeights : public BackwardWeightsPass {
 public:
  explicit BackwardWeights(const ConvolutionShape& shape)
      : shape_(shape),
        channels_(static_cast<int>(shape.channels)),
        outputs_(static_cast<int>(shape.outputs)),
        tiling_(WinogradTiling::best(shape, 1, kVectors, 1)),
        together_(std::max(1, kVectors / tiling_.most_vectors())),
        sums_(winograd_gradients(shape)),
        shares_{tiling_.parts(), 1} {
    const std::int64_t fit = std::max<std::int64_t>(2, kMostSums / sums_);
    const int worth = tiling_.parts() * tiling_.most_vectors() / kVectorsOfShare + 1;
    const int shares = static_cast<int>(std::min<std::int64_t>({kShares, worth, fit}));
    shares_.most = (tiling_.parts() + shares - 1) / shares;
  }

  std::string kernel() const override { return "winograd"; }

  void run(const float* bottom, const float* top_diff, float* weights_diff, float* biases_diff) const override {
    const int shares = shares_.number();
    float* sums = Scratch::floats(shares * (sums_ + outputs_), Scratch::kShared);
    float* biases = sums + shares * sums_;
    std::fill(sums, biases + shares * outputs_, 0.f);
    const std::int64_t work = sums_ * winograd_blocks().lanes * tiling_.most_vectors() * shares_.most;
    parallel(shares, kMultiplied / work + 1, [&](std::int64_t first, std::int64_t last) {
      const Rooms rooms = make_rooms();
      for (int share = static_cast<int>(first); share < last; ++share) {
        const int end = shares_.begin(share + 1);
        for (int part = shares_.begin(share); part < end; part += together_) {
          add(bottom, top_diff, part, std::min(end, part + together_), rooms, sums + share * sums_,
              biases + share * outputs_);
        }
      }
    });
    for (int share = 1; share < shares; ++share) fastcaffe::add(sums_, sums, sums + share * sums_, sums);
    add_winograd_gradients(shape_, sums, weights_diff);
    for (int share = 0; biases_diff && share < shares; ++share) {
      for (int i = 0; i < outputs_; ++i) biases_diff[i] += biases[share * outputs_ + i];
    }
  }

 private:
  struct Rooms {
    float *bottom, *top;
    WinogradRoom inputs, diffs;
  };

  // A thread's own. Maps do not begin at the same place of each page.
  Rooms make_rooms() const {
    const std::int64_t map = (together_ * tiling_.most_vectors() + 1) * winograd_blocks().lanes;
    const std::int64_t inputs = channels_ * map, diffs = outputs_ * map;
    const std::int64_t bottom = tiling_.bottom_floats(), top = tiling_.top_floats();
    float* memory = Scratch::floats(kWinogradPlaces * (inputs + diffs) + bottom + top);
    float* behind = memory + kWinogradPlaces * (inputs + diffs);
    std::fill(behind, behind + bottom + top, 0.f);
    return {behind, behind + bottom, {memory, map, inputs}, {memory + kWinogradPlaces * inputs, map, diffs}};
  }

  // The parts first..last.
  void add(const float* bottom, const float* top_diff, int first, int last, const Rooms& rooms, float* sums,
           float* biases) const {
    int vectors = 0;
    for (int number = first; number < last; ++number) {
      const WinogradPart part = tiling_.part(number);
      const int segments = tiling_.segments(part), more = tiling_.vectors(segments);
      winograd_inputs(tiling_.bottom().take(bottom, part, rooms.bottom), tiling_.bottom_maps(0), more, channels_,
                      behind(rooms.inputs, vectors));
      winograd_diffs(tiling_.top().take(top_diff, part, rooms.top), tiling_.top_maps(0), more, segments, outputs_,
                     behind(rooms.diffs, vectors));
      vectors += more;
    }
    WinogradAhead ahead = look_ahead(bottom, top_diff, last);
    winograd_correlations(rooms.inputs, rooms.diffs, vectors, channels_, outputs_, sums,
                          winograd_gradients_place(shape_), &ahead);
    for (int i = 0; i < outputs_; ++i) {
      biases[i] += sum_of_vectors(rooms.diffs.first + kSumPlace * rooms.diffs.place + i * rooms.diffs.map, vectors);
    }
  }

  static WinogradRoom behind(const WinogradRoom& room, int vectors) {
    return {room.first + vectors * winograd_blocks().lanes, room.map, room.place};
  }

  // What comes next, if parts are whole images.
  WinogradAhead look_ahead(const float* bottom, const float* top_diff, int next) const {
    WinogradAhead ahead = {};
    if (next >= tiling_.parts() || tiling_.bands() > 1) return ahead;
    const WinogradPart first = tiling_.part(next), last = tiling_.part(std::min(next + together_, tiling_.parts()) - 1);
    const int images = static_cast<int>(last.image + last.images - first.image);
    const WinogradBlocks of = winograd_blocks();
    const int blocks = static_cast<int>(sums_ / (of.correlated_outputs * of.correlated_channels));
    tiling_.bottom().look_ahead(bottom, first.image, images, blocks, 0, &ahead);
    tiling_.top().look_ahead(top_diff, first.image, images, blocks, 1, &ahead);
    return ahead;
  }

  const ConvolutionShape shape_;
  const int channels_, outputs_;
  const WinogradTiling tiling_;
  const int together_;  // parts
  const std::int64_t sums_;
  Parts shares_;
};

}  // namespace

std::unique_ptr<BackwardWeightsPass> winograd_backward_weights(const ConvolutionShape& shape) {
  return std::unique_ptr<BackwardWeightsPass>(winograd_pays(shape) ? new BackwardWeights(shape) : nullptr);
}

}  // namespace fastcaffe
