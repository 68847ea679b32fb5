// The three passes of a convolution of one shape, on oneDNN. Blobs lie as Caffe's do (images, channels, rows,
// columns); oneDNN works on the layouts that it likes best, so each pass brings its inputs there and its output back.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "onednn.h"

namespace fastcaffe {

struct ConvolutionShape {
  std::int64_t images, channels, height, width, outputs, out_height, out_width, groups;
  std::int64_t kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w;
  std::int64_t threads;  // oneDNN shares work out for a number of threads when a primitive is made
  bool bias;

  bool operator==(const ConvolutionShape& other) const;

  dnnl::memory::desc bottom() const, weights() const, biases() const, top() const;  // as Caffe's blobs lie
  dnnl::memory::desc any(const dnnl::memory::desc& like) const;                     // oneDNN may choose the layout
  dnnl::memory::dims strides() const, dilations() const, pads() const;
};

// A blob on its way to the layout that a primitive wants, or back.
class Conversion {
 public:
  Conversion() = default;
  // No conversion is made if both layouts are the same, unless `accumulate`: then `to` is added to, never overwritten.
  Conversion(const dnnl::memory::desc& from, const dnnl::memory::desc& to, bool accumulate = false);

  bool needed() const { return needed_; }
  void run(void* from, void* to) const;

 private:
  dnnl::memory::desc from_, to_;
  dnnl::reorder reorder_;
  bool needed_ = false;
};

// What the passes have in common. They throw dnnl::error, or std::runtime_error where oneDNN has only its slow
// reference code; Caffe's own layer is better then.
class ForwardPass {
 public:
  explicit ForwardPass(const ConvolutionShape& shape);
  void run(const float* bottom, const float* weights, const float* biases, float* top) const;
  const std::string& kernel() const { return kernel_; }

 private:
  dnnl::convolution_forward::primitive_desc description_;
  dnnl::convolution_forward primitive_;
  Conversion bottom_, weights_, top_;
  std::string kernel_;
  bool bias_;
};

class BackwardDataPass {
 public:
  explicit BackwardDataPass(const ConvolutionShape& shape);
  void run(const float* top_diff, const float* weights, float* bottom_diff) const;
  const std::string& kernel() const { return kernel_; }

 private:
  dnnl::convolution_backward_data::primitive_desc description_;
  dnnl::convolution_backward_data primitive_;
  Conversion top_, weights_, bottom_;
  std::string kernel_;
};

// Adds to the gradients of the weights and, if the shape has a bias, of the biases.
class BackwardWeightsPass {
 public:
  explicit BackwardWeightsPass(const ConvolutionShape& shape);
  void run(const float* bottom, const float* top_diff, float* weights_diff, float* biases_diff) const;
  const std::string& kernel() const { return kernel_; }

 private:
  dnnl::convolution_backward_weights::primitive_desc description_;
  dnnl::convolution_backward_weights primitive_;
  Conversion bottom_, top_, weights_, biases_;
  std::string kernel_;
  bool bias_;
};

}  // namespace fastcaffe
