// Weights of kernels of 3 x 3, transformed for Winograd's products (winograd_kernels.h), and gradients on their way
// back.
#pragma once

#include <cstdint>

#include "convolution_shape.h"
#include "parts.h"
#include "winograd_kernels.h"

namespace fastcaffe {

// In blocks of outputs and, of these, of channels, whose inputs and sums stay in the second-level cache.
class WinogradWeights {
 public:
  // `turned`: of the gradient that flows back through the convolution, whose kernels are turned by 180 degrees.
  WinogradWeights(const ConvolutionShape& shape, bool turned);

  const Parts& channels() const { return channels_; }
  const Parts& outputs() const { return outputs_; }
  int blocks() const { return channels_.number() * outputs_.number(); }

  std::int64_t floats() const { return blocks() * block_; }
  void transform(const float* weights, float* to) const;
  WinogradRoom block(float* transformed, int outputs, int channels) const;

 private:
  Parts channels_, outputs_;
  bool turned_;
  std::int64_t map_, place_, block_;  // from one to the next
};

// Sums as winograd_correlations makes them: how many numbers it is from one place to the next, and all together.
std::int64_t winograd_gradients_place(const ConvolutionShape& shape);
std::int64_t winograd_gradients(const ConvolutionShape& shape);
// weights_diff += the gradients that they are the transformed ones of.
void add_winograd_gradients(const ConvolutionShape& shape, const float* sums, float* weights_diff);

}  // namespace fastcaffe
