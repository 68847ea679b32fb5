// Where Winograd's passes of a convolution (winograd_kernels.h) are used.
#pragma once

#include "convolution_shape.h"

namespace fastcaffe {

// Whether they can do it, and beat the others. The shape is as the blobs go through: of the gradient that flows back,
// the exchanged one. FASTCAFFE_CONVOLUTION=winograd: wherever they can; another of its names: nowhere.
bool winograd_pays(const ConvolutionShape& shape);

}  // namespace fastcaffe
