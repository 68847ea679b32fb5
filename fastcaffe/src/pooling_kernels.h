// MAX and AVE pooling over planes (one channel of one image each), to the last bit what Caffe computes.
#pragma once

#include <cstdint>

namespace fastcaffe {

struct Pool {
  int height, width;          // of a bottom plane
  int out_height, out_width;  // of a top plane
  int kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w;

  // The bottom rows that the window of a top row covers are begin..end; both may lie beyond the plane's end.
  int row_begin(int out) const { return out * stride_h - pad_h < 0 ? 0 : out * stride_h - pad_h; }
  int row_end(int out) const {
    const int end = out * stride_h - pad_h + kernel_h;
    return end < height ? end : height;
  }
  std::int64_t below() const { return std::int64_t(height) * width; }
  std::int64_t above() const { return std::int64_t(out_height) * out_width; }

  // How many rows or columns AVE counts for a window: those of the padding too, but none beyond it.
  static int counted(int out, int kernel, int stride, int pad, int size) {
    const int begin = out * stride - pad;
    return (begin + kernel < size + pad ? begin + kernel : size + pad) - begin;
  }

  // Whether the kernels of 3 x 3 windows 2 apart are for it: not for rows of three windows or one, of which no vector
  // can be made, and of two windows only if two whole planes can lie side by side.
  bool in_registers(std::int64_t planes) const {
    const bool shape = kernel_h == 3 && kernel_w == 3 && stride_h == 2 && stride_w == 2 && pad_w <= 1;
    return shape && (out_width >= 4 || (out_width == 2 && width == 4 && pad_w == 0 && planes >= 2));
  }
};

// Each works on `planes` planes that lie one after the other. `mask`, of integers or of floats (a top blob), gets
// the place of the maximum within its plane, or -1.
void max_pool_forward(const Pool& pool, std::int64_t planes, const float* bottom, float* top, std::int32_t* mask);
void max_pool_backward(const Pool& pool, std::int64_t planes, const float* top_diff, const std::int32_t* mask,
                       float* bottom_diff);
void average_pool_forward(const Pool& pool, std::int64_t planes, const float* bottom, float* top);
void average_pool_backward(const Pool& pool, std::int64_t planes, const float* top_diff, float* bottom_diff);

// The same for pools that are in_registers(planes); the functions above call them then.
void max_pool_3x3_forward(const Pool& pool, std::int64_t planes, const float* bottom, float* top, std::int32_t* mask);
void average_pool_3x3_forward(const Pool& pool, std::int64_t planes, const float* bottom, float* top);
void average_pool_3x3_backward(const Pool& pool, std::int64_t planes, const float* top_diff, float* bottom_diff);

}  // namespace fastcaffe
