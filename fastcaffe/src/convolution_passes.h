// The passes of a convolution of one shape, each made once and run often. Blobs lie as Caffe's do: images,
// channels, rows, columns; weights: outputs, channels of the group, rows, columns.
#pragma once

#include <memory>
#include <string>

#include "convolution_shape.h"

namespace fastcaffe {

class ForwardPass {
 public:
  virtual ~ForwardPass() = default;
  virtual std::string kernel() const = 0;  // the code that it runs on, for the listing
  virtual void run(const float* bottom, const float* weights, const float* biases, float* top) const = 0;
};

class BackwardDataPass {
 public:
  virtual ~BackwardDataPass() = default;
  virtual std::string kernel() const = 0;
  virtual void run(const float* top_diff, const float* weights, float* bottom_diff) const = 0;
};

// Adds to the gradients of the weights and, if the shape has a bias, of the biases.
class BackwardWeightsPass {
 public:
  virtual ~BackwardWeightsPass() = default;
  virtual std::string kernel() const = 0;
  virtual void run(const float* bottom, const float* top_diff, float* weights_diff, float* biases_diff) const = 0;
};

// Both gradients at once, or one of them: null ones are not wanted. Those of parameters are added to.
struct Gradients {
  float *bottom, *weights, *biases;
};

class BackwardPass {
 public:
  virtual ~BackwardPass() = default;
  virtual std::string kernel() const = 0;
  virtual void run(const float* bottom, const float* top_diff, const float* weights, const Gradients& to) const = 0;
};

// On oneDNN. They throw dnnl::error, or std::runtime_error where oneDNN has only its slow reference code.
std::unique_ptr<ForwardPass> onednn_forward(const ConvolutionShape& shape);
std::unique_ptr<BackwardDataPass> onednn_backward_data(const ConvolutionShape& shape);
std::unique_ptr<BackwardWeightsPass> onednn_backward_weights(const ConvolutionShape& shape);

// On oneDNN's product of matrices; null but for kernels of 1 x 1 that step over no pixel.
std::unique_ptr<ForwardPass> pointwise_forward(const ConvolutionShape& shape);
std::unique_ptr<BackwardDataPass> pointwise_backward_data(const ConvolutionShape& shape);
std::unique_ptr<BackwardWeightsPass> pointwise_backward_weights(const ConvolutionShape& shape);

// With neighbouring columns in the lanes of a vector (rows_kernels.h); null where another does better or must.
std::unique_ptr<ForwardPass> rows_forward(const ConvolutionShape& shape);
std::unique_ptr<BackwardDataPass> rows_backward_data(const ConvolutionShape& shape);
std::unique_ptr<BackwardWeightsPass> rows_backward_weights(const ConvolutionShape& shape);

// By Winograd's minimal filtering (winograd_kernels.h); null but for kernels of 3 x 3 that step over no pixel, and where
// another does better.
std::unique_ptr<ForwardPass> winograd_forward(const ConvolutionShape& shape);
std::unique_ptr<BackwardDataPass> winograd_backward_data(const ConvolutionShape& shape);
std::unique_ptr<BackwardWeightsPass> winograd_backward_weights(const ConvolutionShape& shape);

// With one image a lane of a vector (lanes_kernels.h); null where oneDNN, or Caffe, does better or must.
std::unique_ptr<ForwardPass> lanes_forward(const ConvolutionShape& shape);
std::unique_ptr<BackwardDataPass> lanes_backward_data(const ConvolutionShape& shape);
std::unique_ptr<BackwardWeightsPass> lanes_backward_weights(const ConvolutionShape& shape);

}  // namespace fastcaffe
