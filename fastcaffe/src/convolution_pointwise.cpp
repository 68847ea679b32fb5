// The passes of kernels of 1 x 1 that step over no pixel: products of matrices that lie in Caffe's blobs as they
// should, so that nothing has to be rearranged. oneDNN's sgemm is as fast as OpenBLAS's, and does not ask to be told
// the processor.

#include <oneapi/dnnl/dnnl.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "channel_kernels.h"
#include "convolution_passes.h"
#include "threads.h"

namespace fastcaffe {
namespace {

constexpr std::int64_t kPixels = 2048;  // of a product at a time: what is written stays in the cache, and threads share
constexpr std::int64_t kOutputs = 16;   // of a gradient at a time, for threads to share

struct Matrix {
  const float* data;
  std::int64_t row;  // numbers from one row to the next
};

// result = beta * result + a * b, of rows x inner and inner x columns; 'T': the matrix lies transposed.
void multiply(char a_lies, char b_lies, std::int64_t rows, std::int64_t columns, std::int64_t inner, Matrix a, Matrix b,
              float beta, float* result, std::int64_t result_row) {
  if (dnnl_sgemm(a_lies, b_lies, rows, columns, inner, 1.f, a.data, a.row, b.data, b.row, beta, result, result_row)) {
    throw std::runtime_error("oneDNN's sgemm failed");
  }
}

// What the passes know of the shape.
struct Pointwise {
  explicit Pointwise(const ConvolutionShape& s)
      : images(s.images),
        groups(s.groups),
        inputs(s.channels / s.groups),
        outputs(s.outputs / s.groups),
        pixels(s.height * s.width) {}

  // Calls work(image, group, first pixel, pixels) for pieces of all products.
  template <class Work>
  void each_piece(const Work& work) const {
    const std::int64_t pieces = (pixels + kPixels - 1) / kPixels;
    const std::int64_t size = inputs * outputs * std::min(pixels, kPixels);
    parallel(images * groups * pieces, kMultiplied / size + 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const std::int64_t first = i % pieces * kPixels;
        work(i / (pieces * groups), i / pieces % groups, first, std::min(kPixels, pixels - first));
      }
    });
  }

  // Where a group's planes begin.
  std::int64_t below(std::int64_t image, std::int64_t group) const {
    return (image * groups + group) * inputs * pixels;
  }
  std::int64_t above(std::int64_t image, std::int64_t group) const {
    return (image * groups + group) * outputs * pixels;
  }

  std::int64_t images, groups, inputs, outputs, pixels;
};

class Forward : public ForwardPass {
 public:
  explicit Forward(const ConvolutionShape& shape) : p_(shape) {}
  std::string kernel() const override { return "onednn sgemm"; }

  void run(const float* bottom, const float* weights, const float* biases, float* top) const override {
    p_.each_piece([&](std::int64_t image, std::int64_t group, std::int64_t first, std::int64_t pixels) {
      float* to = top + p_.above(image, group) + first;
      for (std::int64_t output = 0; biases && output < p_.outputs; ++output) {
        std::fill_n(to + output * p_.pixels, pixels, biases[group * p_.outputs + output]);
      }
      multiply('N', 'N', p_.outputs, pixels, p_.inputs, {weights + group * p_.outputs * p_.inputs, p_.inputs},
               {bottom + p_.below(image, group) + first, p_.pixels}, biases ? 1.f : 0.f, to, p_.pixels);
    });
  }

 private:
  Pointwise p_;
};

class BackwardData : public BackwardDataPass {
 public:
  explicit BackwardData(const ConvolutionShape& shape) : p_(shape) {}
  std::string kernel() const override { return "onednn sgemm"; }

  void run(const float* top_diff, const float* weights, float* bottom_diff) const override {
    p_.each_piece([&](std::int64_t image, std::int64_t group, std::int64_t first, std::int64_t pixels) {
      multiply('T', 'N', p_.inputs, pixels, p_.outputs, {weights + group * p_.outputs * p_.inputs, p_.inputs},
               {top_diff + p_.above(image, group) + first, p_.pixels}, 0.f,
               bottom_diff + p_.below(image, group) + first, p_.pixels);
    });
  }

 private:
  Pointwise p_;
};

class BackwardWeights : public BackwardWeightsPass {
 public:
  explicit BackwardWeights(const ConvolutionShape& shape) : p_(shape), threads_(shape.threads) {}
  std::string kernel() const override { return "onednn sgemm"; }

  void run(const float* bottom, const float* top_diff, float* weights_diff, float* biases_diff) const override {
    // As few products as threads: each reads the whole bottom.
    const std::int64_t outputs = ((p_.outputs - 1) / threads_ / 16 + 1) * 16;
    const std::int64_t blocks = (p_.outputs + outputs - 1) / outputs;
    const std::int64_t work = p_.images * p_.inputs * outputs * p_.pixels;
    parallel(p_.groups * blocks, kMultiplied / work + 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const std::int64_t group = i / blocks, first = i % blocks * outputs;
        block(bottom, top_diff, weights_diff, biases_diff, group, first, std::min(outputs, p_.outputs - first));
      }
    });
  }

 private:
  void block(const float* bottom, const float* top_diff, float* weights_diff, float* biases_diff, std::int64_t group,
             std::int64_t first, std::int64_t outputs) const {
    const std::int64_t output = group * p_.outputs + first;
    for (std::int64_t image = 0; image < p_.images; ++image) {
      multiply('N', 'T', outputs, p_.inputs, p_.pixels,
               {top_diff + p_.above(image, group) + first * p_.pixels, p_.pixels},
               {bottom + p_.below(image, group), p_.pixels}, 1.f, weights_diff + output * p_.inputs, p_.inputs);
    }
    for (std::int64_t i = output; biases_diff && i < output + outputs; ++i) {
      double total = 0;
      for (std::int64_t image = 0; image < p_.images; ++image) {
        total += sum(p_.pixels, top_diff + (image * p_.groups * p_.outputs + i) * p_.pixels);
      }
      biases_diff[i] += total;
    }
  }

  Pointwise p_;
  std::int64_t threads_;
};

// Enough channels and pixels for a product to be worth its preparations.
bool pays(const ConvolutionShape& s) {
  const bool possible =
      s.kernel_h == 1 && s.kernel_w == 1 && s.stride_h == 1 && s.stride_w == 1 && s.pad_h == 0 && s.pad_w == 0;
  if (const char* wish = std::getenv("FASTCAFFE_CONVOLUTION")) return possible && !std::strcmp(wish, "sgemm");
  return possible && s.channels >= 16 * s.groups && s.outputs >= 16 * s.groups && s.height * s.width >= 64;
}

}  // namespace

std::unique_ptr<ForwardPass> pointwise_forward(const ConvolutionShape& shape) {
  return std::unique_ptr<ForwardPass>(pays(shape) ? new Forward(shape) : nullptr);
}

std::unique_ptr<BackwardDataPass> pointwise_backward_data(const ConvolutionShape& shape) {
  return std::unique_ptr<BackwardDataPass>(pays(shape) ? new BackwardData(shape) : nullptr);
}

std::unique_ptr<BackwardWeightsPass> pointwise_backward_weights(const ConvolutionShape& shape) {
  return std::unique_ptr<BackwardWeightsPass>(pays(shape) ? new BackwardWeights(shape) : nullptr);
}

}  // namespace fastcaffe
