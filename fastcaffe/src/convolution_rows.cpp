// The passes with neighbouring columns in the lanes: for few channels of wide pictures, stride 1. Nothing is converted,
// an image only gets zeros around it. Sums depend neither on the number of threads nor on how work is shared out.

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "channel_kernels.h"
#include "convolver_passes.h"
#include "lanes_kernels.h"
#include "parts.h"
#include "rows_kernels.h"
#include "threads.h"

namespace fastcaffe {
namespace {

constexpr std::int64_t kImages = 4;       // that are padded at a time, so that they stay in the nearest caches

constexpr std::int64_t kMostChannels = 16;    // oneDNN's block: for more, its conversions cost less than they bring
constexpr std::int64_t kMostFloats = 1 << 17;  // of a padded image: half of what today's second-level caches hold

// An image with zeros around it. What pads the right of a row pads the left of the next, so that rows begin at the same
// place of a cache line.
class Padded {
 public:
  explicit Padded(const ConvolutionShape& s)
      : channels_(s.channels),
        height_(static_cast<int>(s.height)),
        width_(static_cast<int>(s.width)),
        stride_(kMargin + width_),
        plane_((s.height + 2 * s.pad_h) * stride_),
        begin_(s.pad_h * stride_ + kMargin) {
    for (int y = 0; y < s.out_height; ++y) {
      for (int x = 0; x < s.out_width; x += row_blocks().lanes) {
        vector_at_.push_back(kMargin - s.pad_w + y * stride_ + x);
      }
    }
    for (int channel = 0; channel < s.channels; ++channel) {
      for (int y = 0; y < s.kernel_h; ++y) {
        for (int x = 0; x < s.kernel_w; ++x) {
          tap_at_.push_back(channel * plane_ + y * s.dilation_h * stride_ + x * s.dilation_w);
        }
      }
    }
  }

  static bool possible(const ConvolutionShape& s) {
    return s.pad_h >= 0 && s.pad_w >= 0 && s.pad_w <= kMargin && floats(s) <= INT32_MAX;
  }

  static std::int64_t floats(const ConvolutionShape& s) {
    return s.channels * (s.height + 2 * s.pad_h) * (kMargin + s.width) + kMargin;
  }
  std::int64_t floats() const { return channels_ * plane_ + kMargin; }
  RowPlaces places() const {
    return {static_cast<int>(vector_at_.size()), static_cast<int>(tap_at_.size()), vector_at_.data(), tap_at_.data()};
  }

  void zero(float* to) const { std::fill(to, to + floats(), 0.f); }
  // Everything but the zeros.
  void fill(const float* image, float* to) const {
    for (std::int64_t channel = 0; channel < channels_; ++channel) {
      copy_rows(image + channel * height_ * width_, height_, width_, to + channel * plane_ + begin_, stride_);
    }
  }

 private:
  static constexpr int kMargin = 16;  // a cache line

  std::int64_t channels_;
  int height_, width_, stride_;
  std::int64_t plane_, begin_;
  std::vector<std::int32_t> vector_at_, tap_at_;
};

// A convolution; or, `turned`, the gradient that flows back through one: a convolution with the kernels turned by 180
// degrees. `shape` as the blobs go through here: channels, height and width of what comes in, outputs of what goes out.
class Convolver {
 public:
  static constexpr const char* kName = "rows";
  static ConvolutionShape backwards(const ConvolutionShape& shape) { return exchanged_with_padding(shape); }

  Convolver(const ConvolutionShape& shape, bool turned)
      : shape_(shape),
        turned_(turned),
        padded_(shape),
        blocks_{static_cast<int>(shape.outputs), row_blocks().outputs},
        taps_(shape.channels * shape.kernel_h * shape.kernel_w) {}

  void run(const float* in, const float* weights, const float* biases, float* out) const {
    float* packed = Scratch::floats(shape_.outputs * taps_, Scratch::kShared);
    pack(weights, packed);
    const std::int64_t pixels = shape_.out_height * shape_.out_width, work = pixels * taps_ * shape_.outputs;
    parallel(shape_.images, kMultiplied / work + 1, [&](std::int64_t first, std::int64_t last) {
      float* padded = Scratch::floats(padded_.floats(), Scratch::kOwn);
      padded_.zero(padded);
      for (std::int64_t image = first; image < last; ++image) {
        padded_.fill(in + image * shape_.channels * shape_.height * shape_.width, padded);
        for (int part = 0; part < blocks_.number(); ++part) {
          const int output = blocks_.begin(part);
          convolve_rows(padded, padded_.places(), packed + output * taps_, blocks_.size(part),
                        biases ? biases + output : nullptr, out + (image * shape_.outputs + output) * pixels, pixels);
        }
      }
    });
  }

 private:
  // Weights in the order in which a block reads them: for each tap, one number an output of the block.
  void pack(const float* weights, float* packed) const {
    const std::int64_t kernel = shape_.kernel_h * shape_.kernel_w;
    for (int part = 0; part < blocks_.number(); ++part) {
      const int begin = blocks_.begin(part), end = begin + blocks_.size(part);
      for (std::int64_t input = 0; input < shape_.channels; ++input) {
        for (std::int64_t k = 0; k < kernel; ++k) {
          for (int output = begin; output < end; ++output) {
            *packed++ = turned_ ? weights[(input * shape_.outputs + output) * kernel + kernel - 1 - k]
                                : weights[(output * shape_.channels + input) * kernel + k];
          }
        }
      }
    }
  }

  ConvolutionShape shape_;
  bool turned_;
  Padded padded_;
  Parts blocks_;
  std::int64_t taps_;
};

using Forward = ConvolverForward<Convolver>;
using BackwardData = ConvolverBackwardData<Convolver>;

// A few images are padded; then a block of outputs is a task, whose gradients meet all taps, image by image.
class BackwardWeights : public BackwardWeightsPass {
 public:
  explicit BackwardWeights(const ConvolutionShape& shape)
      : shape_(shape),
        padded_(shape),
        outputs_{static_cast<int>(shape.outputs), row_blocks().weights_outputs},
        pixels_(shape.out_height * shape.out_width),
        taps_(padded_.places().taps) {}

  std::string kernel() const override { return Convolver::kName; }

  void run(const float* bottom, const float* top_diff, float* weights_diff, float* biases_diff) const override {
    const std::int64_t lanes = row_blocks().lanes, size = (padded_.floats() + 15) / 16 * 16;
    float* sums = Scratch::floats(shape_.outputs * taps_ * (lanes + 1) + kImages * size, Scratch::kShared);
    float *padded = sums + shape_.outputs * taps_ * lanes, *totals = padded + kImages * size;
    std::fill(sums, sums + shape_.outputs * taps_ * lanes, 0.f);
    for (std::int64_t i = 0; i < std::min(kImages, shape_.images); ++i) padded_.zero(padded + i * size);
    for (std::int64_t begin = 0; begin < shape_.images; begin += kImages) {
      const std::int64_t images = std::min(kImages, shape_.images - begin);
      parallel(images, kCopied / size + 1, [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t i = first; i < last; ++i) {
          padded_.fill(bottom + (begin + i) * shape_.channels * shape_.height * shape_.width, padded + i * size);
        }
      });
      const std::int64_t work = images * pixels_ * taps_ * outputs_.most;
      parallel(outputs_.number(), kMultiplied / work + 1, [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t part = first; part < last; ++part) {
          const int output = outputs_.begin(part), outputs = outputs_.size(part);
          for (std::int64_t i = 0; i < images; ++i) {
            const float* diff = top_diff + ((begin + i) * shape_.outputs + output) * pixels_;
            correlate_rows(padded + i * size, padded_.places(), diff, pixels_, outputs, sums + output * taps_ * lanes);
            for (int k = 0; biases_diff && k < outputs; ++k) {
              biases_diff[output + k] += sum(pixels_, diff + k * pixels_);
            }
          }
        }
      });
    }
    sum_of_lanes(sums, static_cast<int>(shape_.outputs * taps_), totals);
    for (int part = 0; part < outputs_.number(); ++part) add(part, totals, weights_diff);
  }

 private:
  void add(int part, const float* totals, float* weights_diff) const {
    const int output = outputs_.begin(part), outputs = outputs_.size(part);
    for (int i = 0; i < outputs; ++i) {
      for (std::int64_t tap = 0; tap < taps_; ++tap) {
        weights_diff[(output + i) * taps_ + tap] += totals[output * taps_ + tap * outputs + i];
      }
    }
  }

  ConvolutionShape shape_;
  Padded padded_;
  Parts outputs_;
  std::int64_t pixels_, taps_;
};

// Whether this can do it: rows of what comes in and of what goes out have to be whole vectors.
bool possible(const ConvolutionShape& s) {
  const int lanes = row_blocks().lanes;
  return s.groups == 1 && s.stride_h == 1 && s.stride_w == 1 && s.width % lanes == 0 && s.out_width % lanes == 0 &&
         Padded::possible(s);
}

// Whether it beats oneDNN, too. Images are what threads share out, and blocks of outputs for the gradients of weights.
// FASTCAFFE_CONVOLUTION=rows|lanes|onednn|sgemm decides otherwise.
bool pays(const ConvolutionShape& s) {
  if (const char* wish = std::getenv("FASTCAFFE_CONVOLUTION")) return !std::strcmp(wish, "rows") && possible(s);
  return possible(s) && s.channels <= kMostChannels && s.outputs <= kMostChannels && s.images >= 2 * s.threads &&
         s.outputs >= s.threads * row_blocks().weights_outputs && Padded::floats(s) <= kMostFloats;
}

}  // namespace

std::unique_ptr<ForwardPass> rows_forward(const ConvolutionShape& shape) {
  return std::unique_ptr<ForwardPass>(pays(shape) ? new Forward(shape) : nullptr);
}

std::unique_ptr<BackwardDataPass> rows_backward_data(const ConvolutionShape& shape) {
  return std::unique_ptr<BackwardDataPass>(pays(shape) && possible(Convolver::backwards(shape)) ? new BackwardData(shape)
                                                                                     : nullptr);
}

std::unique_ptr<BackwardWeightsPass> rows_backward_weights(const ConvolutionShape& shape) {
  return std::unique_ptr<BackwardWeightsPass>(pays(shape) ? new BackwardWeights(shape) : nullptr);
}

}  // namespace fastcaffe
