// Two passes by one convolver: the gradient that flows back through a convolution is another convolution.
#pragma once

#include <string>
#include <utility>

#include "convolution_passes.h"

namespace fastcaffe {

// A convolution's shape with what comes in and what goes out exchanged.
inline ConvolutionShape exchanged(const ConvolutionShape& s) {
  ConvolutionShape b = s;
  std::swap(b.channels, b.outputs);
  std::swap(b.height, b.out_height);
  std::swap(b.width, b.out_width);
  return b;
}

// The same where padding is laid out beside what comes in, so that the gradient's has to be said.
inline ConvolutionShape exchanged_with_padding(const ConvolutionShape& s) {
  ConvolutionShape b = exchanged(s);
  b.pad_h = (s.kernel_h - 1) * s.dilation_h - s.pad_h;
  b.pad_w = (s.kernel_w - 1) * s.dilation_w - s.pad_w;
  return b;
}

// `Convolver(shape, more..., turned)` runs a convolution, or with its kernels turned by 180 degrees;
// `Convolver::backwards` is the shape of the gradient's, `Convolver::kName` the code's name in the listing. What it
// keeps may follow the weights.
template <class Convolver>
class ConvolverForward : public ForwardPass {
 public:
  template <class... More>
  explicit ConvolverForward(const ConvolutionShape& shape, const More&... more) : convolver_(shape, more..., false) {}
  std::string kernel() const override { return Convolver::kName; }
  void run(const float* bottom, const float* weights, const float* biases, float* top) const override {
    convolver_.run(bottom, weights, biases, top);
  }

 private:
  mutable Convolver convolver_;
};

template <class Convolver>
class ConvolverBackwardData : public BackwardDataPass {
 public:
  template <class... More>
  explicit ConvolverBackwardData(const ConvolutionShape& shape, const More&... more)
      : convolver_(Convolver::backwards(shape), more..., true) {}
  std::string kernel() const override { return Convolver::kName; }
  void run(const float* top_diff, const float* weights, float* bottom_diff) const override {
    convolver_.run(top_diff, weights, nullptr, bottom_diff);
  }

 private:
  mutable Convolver convolver_;
};

}  // namespace fastcaffe
