// The sparse passes with neighbouring pixels in the lanes, image by image: for one image as for any batch. Sums depend
// neither on the number of threads nor on how work is shared out.

#include <algorithm>
#include <vector>

#include "channel_kernels.h"
#include "convolution_sparse.h"
#include "convolver_passes.h"
#include "lanes_kernels.h"
#include "sparse_planes.h"
#include "threads.h"

namespace fastcaffe {
namespace {

constexpr std::int64_t kPlanes = 1 << 16;  // floats that are laid out at a time, to be met from the nearest caches

// A convolution; or, `turned`, the gradient that flows back through one of stride 1: a convolution with the kernels
// turned by 180 degrees. `shape` as the blobs go through here: channels, height and width of what comes in, outputs of
// what goes out.
class Convolver {
 public:
  static constexpr const char* kName = "sparse rows";
  static ConvolutionShape backwards(const ConvolutionShape& shape) { return exchanged_with_padding(shape); }

  Convolver(const ConvolutionShape& shape, const Pattern& pattern, bool turned)
      : shape_(shape), pattern_(pattern), turned_(turned), planes_(shape) {}

  void run(const float* in, const float* weights, const float* biases, float* out) {
    follow(weights);
    const std::int64_t work = pixels() * (lists_.size() + planes_.planes() + shape_.outputs);
    if (shape_.images >= shape_.threads) {
      parallel(shape_.images, kMultiplied / (work + 1) + 1, [&](std::int64_t first, std::int64_t last) {
        float* planes = Scratch::floats(planes_.floats(), Scratch::kOwn);
        planes_.zero(planes);
        for (std::int64_t image = first; image < last; ++image) {
          lay_out(in, image, 0, planes_.planes(), planes);
          convolve(planes, 0, shape_.outputs, biases, image, out);
        }
      });
      return;
    }
    float* planes = Scratch::floats(planes_.floats(), Scratch::kShared);
    planes_.zero(planes);
    for (std::int64_t image = 0; image < shape_.images; ++image) {
      const std::int64_t grain = kMultiplied / (work + 1);  // images
      parallel(planes_.planes(), grain * planes_.planes() + 1, [&](std::int64_t first, std::int64_t last) {
        lay_out(in, image, first, last, planes);
      });
      parallel(shape_.outputs, grain * shape_.outputs + 1, [&](std::int64_t first, std::int64_t last) {
        convolve(planes, first, last, biases, image, out);
      });
    }
  }

 private:
  std::int64_t pixels() const { return shape_.out_height * shape_.out_width; }

  void follow(const float* weights) {
    if (looks_ == pattern_.looks()) return;
    looks_ = pattern_.looks();
    if (version_ != pattern_.version()) planes_.list(pattern_, turned_, &lists_);
    version_ = pattern_.version();
    lists_.weigh(weights);
  }

  void lay_out(const float* in, std::int64_t image, std::int64_t first, std::int64_t last, float* planes) const {
    const std::int64_t size = shape_.channels * shape_.height * shape_.width;
    planes_.lay_out(static_cast<int>(first), static_cast<int>(last), in + image * size, in, in + shape_.images * size,
                    planes);
  }

  void convolve(const float* planes, std::int64_t first, std::int64_t last, const float* biases, std::int64_t image,
                float* out) const {
    planes_.convolve(planes, lists_, static_cast<int>(first), static_cast<int>(last), biases,
                     out + (image * shape_.outputs + first) * pixels());
  }

  ConvolutionShape shape_;
  const Pattern& pattern_;
  bool turned_;
  SparsePlanes planes_;
  SynapseLists lists_;
  std::int64_t version_ = 0, looks_ = 0;  // of the pattern, when the lists were made and weighed
};

using Forward = ConvolverForward<Convolver>;
using BackwardData = ConvolverBackwardData<Convolver>;

// A few images are laid out; then outputs are shared out, whose gradients meet their synapses, image by image.
class BackwardWeights : public BackwardWeightsPass {
 public:
  BackwardWeights(const ConvolutionShape& shape, const Pattern& pattern)
      : shape_(shape), pattern_(pattern), planes_(shape), pixels_(shape.out_height * shape.out_width) {}

  std::string kernel() const override { return Convolver::kName; }

  void run(const float* bottom, const float* top_diff, float* weights_diff, float* biases_diff) const override {
    follow();
    const std::int64_t count = lists_.size(), fitting = kPlanes / (planes_.floats() + 1);
    const std::int64_t at_a_time = std::min(shape_.images, std::max(shape_.threads, fitting));
    float* sums = Scratch::floats(count * (lanes() + 1) + at_a_time * planes_.floats() + 16, Scratch::kShared);
    float *planes = sums + (count * lanes() + 15) / 16 * 16, *totals = planes + at_a_time * planes_.floats();
    std::fill(sums, sums + count * lanes(), 0.f);
    for (std::int64_t i = 0; i < at_a_time; ++i) planes_.zero(planes + i * planes_.floats());
    for (std::int64_t begin = 0; begin < shape_.images; begin += at_a_time) {
      const std::int64_t images = std::min(at_a_time, shape_.images - begin);
      lay_out(bottom, begin, images, planes);
      const std::int64_t work = images * pixels_ * (count / shape_.outputs + 1);
      parallel(shape_.outputs, kMultiplied / work + 1, [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t output = first; output < last; ++output) {
          for (std::int64_t i = 0; i < images; ++i) {
            const float* diff = top_diff + ((begin + i) * shape_.outputs + output) * pixels_;
            planes_.correlate(planes + i * planes_.floats(), lists_, static_cast<int>(output), diff, sums);
            if (biases_diff) biases_diff[output] += sum(pixels_, diff);
          }
        }
      });
    }
    sum_of_lanes(sums, static_cast<int>(count), totals);
    for (std::int64_t i = 0; i < count; ++i) weights_diff[lists_.weight_at[i]] += totals[i];
  }

 private:
  void follow() const {
    if (version_ == pattern_.version()) return;
    planes_.list(pattern_, false, &lists_);
    version_ = pattern_.version();
  }

  void lay_out(const float* bottom, std::int64_t begin, std::int64_t images, float* planes) const {
    const std::int64_t size = shape_.channels * shape_.height * shape_.width;
    parallel(images, kCopied / (planes_.floats() + 1) + 1, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t i = first; i < last; ++i) {
        planes_.lay_out(0, planes_.planes(), bottom + (begin + i) * size, bottom, bottom + shape_.images * size,
                        planes + i * planes_.floats());
      }
    });
  }

  ConvolutionShape shape_;
  const Pattern& pattern_;
  mutable SparsePlanes planes_;  // they and the lists follow the weights
  std::int64_t pixels_;
  mutable SynapseLists lists_;
  mutable std::int64_t version_ = 0;
};

}  // namespace

std::unique_ptr<ForwardPass> sparse_rows_forward(const ConvolutionShape& shape, const Pattern& pattern) {
  return std::unique_ptr<ForwardPass>(SparsePlanes::possible(shape) ? new Forward(shape, pattern) : nullptr);
}

std::unique_ptr<BackwardDataPass> sparse_rows_backward_data(const ConvolutionShape& shape, const Pattern& pattern) {
  const bool possible = shape.stride_h == 1 && shape.stride_w == 1 && SparsePlanes::possible(Convolver::backwards(shape));
  return std::unique_ptr<BackwardDataPass>(possible ? new BackwardData(shape, pattern) : nullptr);
}

std::unique_ptr<BackwardWeightsPass> sparse_rows_backward_weights(const ConvolutionShape& shape,
                                                                  const Pattern& pattern) {
  return std::unique_ptr<BackwardWeightsPass>(SparsePlanes::possible(shape) ? new BackwardWeights(shape, pattern)
                                                                             : nullptr);
}

}  // namespace fastcaffe
