// The sparse passes with one image a lane of a vector: for batches, small planes and steps. Sums depend neither on the
// number of threads nor on how work is shared out.

#include <algorithm>
#include <vector>

#include "convolution_sparse.h"
#include "convolver_passes.h"
#include "lanes_kernels.h"
#include "parts.h"
#include "sparse_grid.h"
#include "threads.h"

namespace fastcaffe {
namespace {

constexpr std::int64_t kGrain = 1 << 18;     // multiplications below which another thread costs more than it brings
constexpr std::int64_t kMostSums = 1 << 16;  // floats, a vector a synapse, that stay in the nearest caches

int image_groups(const ConvolutionShape& s) { return static_cast<int>((s.images + lanes() - 1) / lanes()); }
int images_in(const ConvolutionShape& s, std::int64_t group) {
  return static_cast<int>(std::min<std::int64_t>(lanes(), s.images - group * lanes()));
}

std::int64_t group_floats(const ConvolutionShape& s, const SparseGrid& grid) {
  return s.channels * grid.plane() * lanes();
}

// Turns a blob of images around.
void fill(const ConvolutionShape& s, const SparseGrid& grid, const float* in, float* turned) {
  const std::int64_t pixels = s.height * s.width;
  parallel(image_groups(s) * s.channels, 4096 / pixels + 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i) {
      const std::int64_t group = i / s.channels, channel = i % s.channels;
      float* plane = turned + i * grid.plane() * lanes();
      for (std::int32_t zero : grid.zeros) std::fill_n(plane + std::int64_t(zero) * lanes(), lanes(), 0.f);
      to_lanes(in + (group * lanes() * s.channels + channel) * pixels, s.channels * pixels, images_in(s, group),
               static_cast<int>(pixels), grid.place.data(), plane);
    }
  });
}

// A convolution; or, `turned`, the gradient that flows back through one. `shape` as the blobs go through here:
// channels, height and width of what comes in, outputs of what goes out.
class Convolver {
 public:
  static constexpr const char* kName = "sparse lanes";
  static ConvolutionShape backwards(const ConvolutionShape& shape) { return exchanged(shape); }

  Convolver(const ConvolutionShape& shape, const Pattern& pattern, bool turned)
      : shape_(shape), pattern_(pattern), grid_(shape, turned) {}

  void run(const float* in, const float* weights, const float* biases, float* out) {
    follow(weights);
    std::int64_t synapses = 0;
    for (const SynapseLists& list : lists_) synapses += list.size();
    float* turned = Scratch::floats(image_groups(shape_) * group_floats(shape_, grid_), Scratch::kShared);
    fill(shape_, grid_, in, turned);
    // A band's outputs follow each other, so that they find its input in the cache.
    const std::int64_t most = (shape_.outputs - 1) / shape_.threads + 1;
    const Parts blocks = {static_cast<int>(shape_.outputs), static_cast<int>(most)};
    const std::int64_t bands = grid_.bands.size(), tasks = image_groups(shape_) * bands * blocks.number();
    const std::int64_t work = synapses * pixels() * shape_.images / tasks;
    parallel(tasks, kGrain / (work + 1) + 1, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t task = first; task < last; ++task) {
        const int block = static_cast<int>(task % blocks.number());
        const std::int64_t band = task / blocks.number() % bands, images = task / (blocks.number() * bands);
        for (int output = blocks.begin(block); output < blocks.begin(block) + blocks.size(block); ++output) {
          convolve(turned, biases, images, grid_.bands[band], output, out);
        }
      }
    });
  }

 private:
  std::int64_t pixels() const { return shape_.out_height * shape_.out_width; }

  void follow(const float* weights) {
    if (looks_ == pattern_.looks()) return;
    looks_ = pattern_.looks();
    if (version_ != pattern_.version()) grid_.list(pattern_, &lists_);
    version_ = pattern_.version();
    for (SynapseLists& list : lists_) list.weigh(weights);
  }

  // One band of one output of one group of images.
  void convolve(const float* turned, const float* biases, std::int64_t images, const SparseGrid::Band& band, int output,
                float* out) const {
    const float* in = turned + images * group_floats(shape_, grid_);
    float* sums = Scratch::floats(pixels() * lanes(), Scratch::kOwn);
    for (std::size_t i = 0; i < grid_.phases.size(); ++i) {
      const SparseGrid::Phase& phase = grid_.phases[i];
      convolve_sparse_lanes(in, grid_.row(), grid_.tiles.data() + band.tile[i], band.tile[i + 1] - band.tile[i],
                            lists_[i].all.data(), lists_[i].begin.data() + output * grid_.parts(phase),
                            {biases ? biases[output] : 0.f}, sums, phase.columns);
    }
    from_lanes(sums, images_in(shape_, images), band.pixels, grid_.out_place.data() + band.pixel,
               out + (images * lanes() * shape_.outputs + output) * pixels() + band.pixel, shape_.outputs * pixels());
  }

  ConvolutionShape shape_;
  const Pattern& pattern_;
  SparseGrid grid_;
  std::vector<SynapseLists> lists_;       // of each phase
  std::int64_t version_ = 0, looks_ = 0;  // of the pattern, when the lists were made and weighed
};

using Forward = ConvolverForward<Convolver>;
using BackwardData = ConvolverBackwardData<Convolver>;

// A few outputs are a task: their gradients are turned around, and meet their synapses, for one group of images after
// the other.
class BackwardWeights : public BackwardWeightsPass {
 public:
  BackwardWeights(const ConvolutionShape& shape, const Pattern& pattern)
      : shape_(shape), pattern_(pattern), grid_(shape, false), pixels_(shape.out_height * shape.out_width) {}

  std::string kernel() const override { return Convolver::kName; }

  void run(const float* bottom, const float* top_diff, float* weights_diff, float* biases_diff) const override {
    if (version_ != pattern_.version()) follow();
    float* turned = Scratch::floats(image_groups(shape_) * group_floats(shape_, grid_), Scratch::kShared);
    fill(shape_, grid_, bottom, turned);
    const std::int64_t blocks = static_cast<std::int64_t>(blocks_.size()) - 1;
    const std::int64_t work = lists_[0].size() * pixels_ * shape_.images / blocks;
    parallel(blocks, kGrain / (work + 1) + 1, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t i = first; i < last; ++i) {
        block(turned, top_diff, blocks_[i], blocks_[i + 1], weights_diff, biases_diff);
      }
    });
  }

 private:
  void follow() const {
    grid_.list(pattern_, &lists_);
    version_ = pattern_.version();
    const std::int64_t most = (shape_.outputs - 1) / shape_.threads + 1;
    blocks_.assign(1, 0);
    for (int output = 1; output < shape_.outputs; ++output) {
      const std::int64_t synapses = begin(output + 1) - begin(blocks_.back());
      if (synapses * lanes() > kMostSums || output - blocks_.back() == most) blocks_.push_back(output);
    }
    blocks_.push_back(static_cast<int>(shape_.outputs));
  }

  // An output's first synapse.
  std::int64_t begin(int output) const { return lists_[0].begin[output * grid_.parts(grid_.phases[0])]; }

  void block(const float* turned, const float* top_diff, int first, int last, float* weights_diff,
             float* biases_diff) const {
    const std::int64_t count = begin(last) - begin(first);
    float* sums = Scratch::floats(count * (lanes() + 1) + 16 + pixels_ * lanes(), Scratch::kOwn);
    float *diff = sums + count * lanes(), *totals = diff + pixels_ * lanes();
    std::fill(sums, sums + count * lanes(), 0.f);
    for (int images = 0; images < image_groups(shape_); ++images) {
      const float* in = turned + images * group_floats(shape_, grid_);
      for (int output = first; output < last; ++output) {
        to_lanes(top_diff + (images * lanes() * shape_.outputs + output) * pixels_, shape_.outputs * pixels_,
                 images_in(shape_, images), static_cast<int>(pixels_), nullptr, diff);
        if (biases_diff) biases_diff[output] += sum_of_vectors(diff, pixels_);
        correlate_sparse_lanes(in, grid_.row(), grid_.tiles.data(), static_cast<int>(grid_.tiles.size()), diff,
                               grid_.phases[0].columns, lists_[0].all.data(),
                               lists_[0].begin.data() + output * grid_.parts(grid_.phases[0]),
                               sums + (begin(output) - begin(first)) * lanes());
      }
    }
    sum_of_lanes(sums, static_cast<int>(count), totals);
    for (std::int64_t i = 0; i < count; ++i) weights_diff[lists_[0].weight_at[begin(first) + i]] += totals[i];
  }

  ConvolutionShape shape_;
  const Pattern& pattern_;
  SparseGrid grid_;
  std::int64_t pixels_;
  mutable std::vector<SynapseLists> lists_;  // they follow the weights, as the blocks of outputs do
  mutable std::vector<int> blocks_;
  mutable std::int64_t version_ = 0;
};

template <class Base, class Pass>
std::unique_ptr<Base> made(const ConvolutionShape& shape, const Pattern& pattern, bool possible) {
  return std::unique_ptr<Base>(possible ? new Pass(shape, pattern) : nullptr);
}

}  // namespace

std::unique_ptr<ForwardPass> sparse_lanes_forward(const ConvolutionShape& shape, const Pattern& pattern) {
  return made<ForwardPass, Forward>(shape, pattern, SparseGrid::possible(shape, false));
}

std::unique_ptr<BackwardDataPass> sparse_lanes_backward_data(const ConvolutionShape& shape, const Pattern& pattern) {
  return made<BackwardDataPass, BackwardData>(shape, pattern, SparseGrid::possible(Convolver::backwards(shape), true));
}

std::unique_ptr<BackwardWeightsPass> sparse_lanes_backward_weights(const ConvolutionShape& shape,
                                                                   const Pattern& pattern) {
  return made<BackwardWeightsPass, BackwardWeights>(shape, pattern, SparseGrid::possible(shape, false));
}

}  // namespace fastcaffe
