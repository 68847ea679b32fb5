// All that a convolution depends on, but for the numbers.
#pragma once

#include <cstdint>

namespace fastcaffe {

struct ConvolutionShape {
  std::int64_t images, channels, height, width, outputs, out_height, out_width, groups;
  std::int64_t kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w;
  std::int64_t threads;  // oneDNN shares work out for a number of threads when a primitive is made
  bool bias;

  bool operator==(const ConvolutionShape& o) const {
    return images == o.images && channels == o.channels && height == o.height && width == o.width &&
           outputs == o.outputs && out_height == o.out_height && out_width == o.out_width && groups == o.groups &&
           kernel_h == o.kernel_h && kernel_w == o.kernel_w && stride_h == o.stride_h && stride_w == o.stride_w &&
           pad_h == o.pad_h && pad_w == o.pad_w && dilation_h == o.dilation_h && dilation_w == o.dilation_w &&
           threads == o.threads && bias == o.bias;
  }
};

}  // namespace fastcaffe
