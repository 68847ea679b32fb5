// Passes whose cost follows the synapses that exist. Which these are a Pattern says, which whoever runs a pass has
// follow the weights before; a pass makes its lists anew where that has found others.
#pragma once

#include <memory>

#include "convolution_passes.h"
#include "sparse_limits.h"
#include "sparse_pattern.h"

namespace fastcaffe {

// The gradients of absent weights are left as they are by the sparse passes. sparse_backward, where there is one, is
// quicker than the two after it.
std::unique_ptr<ForwardPass> sparse_forward(const ConvolutionShape& shape, const Pattern& pattern);
std::unique_ptr<BackwardPass> sparse_backward(const ConvolutionShape& shape, const Pattern& pattern);
std::unique_ptr<BackwardDataPass> sparse_backward_data(const ConvolutionShape& shape, const Pattern& pattern);
std::unique_ptr<BackwardWeightsPass> sparse_backward_weights(const ConvolutionShape& shape, const Pattern& pattern);

// Below which density they pay for a shape; 0 where there are none.
double sparse_below(const ConvolutionShape& shape);
double lanes_kept_below(const ConvolutionShape& shape);  // where they are kept (lanes_kept.h)

// Neighbouring pixels in the lanes, on Caffe's own layout; null where a plane has too few of them, and for the gradient
// that flows back over steps.
std::unique_ptr<ForwardPass> sparse_rows_forward(const ConvolutionShape& shape, const Pattern& pattern);
std::unique_ptr<BackwardDataPass> sparse_rows_backward_data(const ConvolutionShape& shape, const Pattern& pattern);
std::unique_ptr<BackwardWeightsPass> sparse_rows_backward_weights(const ConvolutionShape& shape,
                                                                  const Pattern& pattern);

// One image a lane.
std::unique_ptr<ForwardPass> sparse_lanes_forward(const ConvolutionShape& shape, const Pattern& pattern);
std::unique_ptr<BackwardPass> sparse_lanes_backward(const ConvolutionShape& shape, const Pattern& pattern);
std::unique_ptr<BackwardDataPass> sparse_lanes_backward_data(const ConvolutionShape& shape, const Pattern& pattern);
std::unique_ptr<BackwardWeightsPass> sparse_lanes_backward_weights(const ConvolutionShape& shape,
                                                                   const Pattern& pattern);

}  // namespace fastcaffe
