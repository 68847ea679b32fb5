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

// `Convolver(shape, turned)` runs a convolution, or with its kernels turned by 180 degrees; `Convolver::backwards` is
// the shape of the gradient's, `Convolver::kName` the code's name in the listing.
template <class Convolver>
class ConvolverForward : public ForwardPass {
 public:
  explicit ConvolverForward(const ConvolutionShape& shape) : convolver_(shape, false) {}
  std::string kernel() const override { return Convolver::kName; }
  void run(const float* bottom, const float* weights, const float* biases, float* top) const override {
    convolver_.run(bottom, weights, biases, top);
  }

 private:
  Convolver convolver_;
};

template <class Convolver>
class ConvolverBackwardData : public BackwardDataPass {
 public:
  explicit ConvolverBackwardData(const ConvolutionShape& shape) : convolver_(Convolver::backwards(shape), true) {}
  std::string kernel() const override { return Convolver::kName; }
  void run(const float* top_diff, const float* weights, float* bottom_diff) const override {
    convolver_.run(top_diff, weights, nullptr, bottom_diff);
  }

 private:
  Convolver convolver_;
};

}  // namespace fastcaffe
