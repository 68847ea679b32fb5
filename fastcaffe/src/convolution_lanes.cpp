// The passes with one image a lane of a vector: for batches, whatever the number of channels. Sums depend neither on
// the number of threads nor on how work is shared out.

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "convolver_passes.h"
#include "lanes_kernels.h"
#include "lanes_layout.h"
#include "parts.h"
#include "threads.h"

namespace fastcaffe {
namespace {

constexpr int kCorrelatedPixels = 256;    // at a time, so that a block's gradients stay in the nearest caches

int image_groups(const ConvolutionShape& s) { return static_cast<int>((s.images + lanes() - 1) / lanes()); }
int images_in(const ConvolutionShape& s, std::int64_t group) {
  return static_cast<int>(std::min<std::int64_t>(lanes(), s.images - group * lanes()));
}

// A convolution; or, `turned`, the gradient that flows back through one: each place of the bottom collects from the
// places of the top that saw it, which is a convolution with the kernels turned by 180 degrees.
class Convolver {
 public:
  static constexpr const char* kName = "lanes";
  static ConvolutionShape backwards(const ConvolutionShape& shape) { return exchanged(shape); }

  // `shape` as the blobs go through here: channels, height and width of what comes in, outputs of what goes out.
  Convolver(const ConvolutionShape& shape, bool turned)
      : shape_(shape),
        turned_(turned),
        tiling_(shape, turned),
        blocks_{static_cast<int>(shape.outputs / shape.groups), lane_blocks().outputs},
        taps_(shape.channels / shape.groups * shape.kernel_h * shape.kernel_w) {}

  void run(const float* in, const float* weights, const float* biases, float* out) const {
    const std::int64_t groups = image_groups(shape_);
    float* turned = Scratch::floats(groups * group_floats() + shape_.outputs * taps_, Scratch::kShared);
    float* packed = turned + groups * group_floats();
    fill(in, turned);
    pack(weights, packed);
    // Blocks of outputs follow each other band by band, so that they find the band's input in the cache.
    const std::int64_t blocks = shape_.groups * blocks_.number(), bands = tiling_.bands.size();
    const std::int64_t work = tiling_.bands[0].pixels * taps_ * blocks_.most * lanes();
    parallel(groups * bands * blocks, kMultiplied / work + 1, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t task = first; task < last; ++task) {
        const std::int64_t images = task / (bands * blocks), band = task / blocks % bands, block = task % blocks;
        convolve(turned, packed, biases, out, images, tiling_.bands[band], block / blocks_.number(),
                 static_cast<int>(block % blocks_.number()));
      }
    });
  }

 private:
  std::int64_t group_floats() const { return std::int64_t(tiling_.places) * tiling_.channels * lanes(); }

  // Turns the blob around.
  void fill(const float* in, float* turned) const {
    const std::int64_t pixels = shape_.height * shape_.width, grain = kCopied / (pixels * lanes()) + 1;
    parallel(image_groups(shape_) * shape_.channels, grain, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t i = first; i < last; ++i) {
        const std::int64_t group = i / shape_.channels, channel = i % shape_.channels;
        float* to = turned + group * group_floats() + channel * lanes();
        for (std::int32_t zero : tiling_.zeros) {
          std::fill(to + std::int64_t(zero) * lanes(), to + (std::int64_t(zero) + 1) * lanes(), 0.f);
        }
        to_lanes(in + (group * lanes() * shape_.channels + channel) * pixels, shape_.channels * pixels,
                 images_in(shape_, group), static_cast<int>(pixels), tiling_.place.data(), to);
      }
    });
  }

  // A block of outputs of one group of channels, in one band of one group of images.
  void convolve(const float* turned, const float* packed, const float* biases, float* out, std::int64_t images,
                const LaneBand& band, std::int64_t group, int part) const {
    const int outputs = blocks_.size(part);
    const std::int64_t output = group * blocks_.count + blocks_.begin(part);
    const std::int64_t pixels = shape_.out_height * shape_.out_width;
    const float* in = turned + images * group_floats() + group * (shape_.channels / shape_.groups) * lanes();
    float* sums = Scratch::floats(std::int64_t(outputs) * band.pixels * lanes(), Scratch::kOwn);
    convolve_lanes(in, tiling_.tiles.data() + band.tile, band.tiles, tiling_.runs.data(), packed + output * taps_,
                   outputs, biases ? biases + output : nullptr, sums, band.pixels);
    float* to = out + (images * lanes() * shape_.outputs + output) * pixels + band.pixel;
    for (int i = 0; i < outputs; ++i) {
      from_lanes(sums + std::int64_t(i) * band.pixels * lanes(), images_in(shape_, images), band.pixels,
                 nullptr, to + i * pixels, shape_.outputs * pixels);
    }
  }

  // Weights in the order in which a block reads them: for each tap, one number an output of the block.
  void pack(const float* weights, float* packed) const {
    const std::int64_t kernel = shape_.kernel_h * shape_.kernel_w, inputs = shape_.channels / shape_.groups;
    for (std::int64_t group = 0; group < shape_.groups; ++group) {
      const float* from = weights + group * blocks_.count * inputs * kernel;
      for (int part = 0; part < blocks_.number(); ++part) {
        const int begin = blocks_.begin(part), end = begin + blocks_.size(part);
        for (std::int64_t k = 0; k < kernel; ++k) {
          for (std::int64_t input = 0; input < inputs; ++input) {
            for (int output = begin; output < end; ++output) {
              *packed++ = turned_ ? from[(input * blocks_.count + output) * kernel + kernel - 1 - k]
                                  : from[(output * inputs + input) * kernel + k];
            }
          }
        }
      }
    }
  }

  ConvolutionShape shape_;
  bool turned_;
  Tiling tiling_;
  Parts blocks_;
  std::int64_t taps_;
};

using Forward = ConvolverForward<Convolver>;
using BackwardData = ConvolverBackwardData<Convolver>;

// A block of outputs is a task: its gradients are turned around, and meet all taps, for one group of images after the
// other. The bottom lies plane by plane here, because a tap runs over all pixels of one channel.
class BackwardWeights : public BackwardWeightsPass {
 public:
  explicit BackwardWeights(const ConvolutionShape& shape)
      : shape_(shape),
        rows_(shape.height, shape.out_height, shape.kernel_h, shape.stride_h, shape.pad_h, shape.dilation_h, false),
        columns_(shape.width, shape.out_width, shape.kernel_w, shape.stride_w, shape.pad_w, shape.dilation_w, false),
        plane_(std::int64_t(rows_.size()) * columns_.size()),
        pixels_(shape.out_height * shape.out_width),
        outputs_{static_cast<int>(shape.outputs / shape.groups), lane_blocks().weights_outputs} {
    for (int y = 0; y < shape.height; ++y) {
      for (int x = 0; x < shape.width; ++x) {
        place_.push_back((y + rows_.before()) * columns_.size() + x + columns_.before());
      }
    }
    for (int y = 0; y < shape.out_height; ++y) {
      for (int x = 0; x < shape.out_width; ++x)
        pixel_at_.push_back(rows_.place(y, 0) * columns_.size() + columns_.place(x, 0));
    }
    // Taps of one kernel row come together: at some rows of pixels they meet only padding.
    for (int y = 0; y < shape.kernel_h; ++y) {
      for (int channel = 0; channel < shape.channels / shape.groups; ++channel) {
        for (int x = 0; x < shape.kernel_w; ++x) {
          tap_at_.push_back(channel * plane_ + y * shape.dilation_h * columns_.size() + x * shape.dilation_w);
          weight_.push_back((channel * shape.kernel_h + y) * shape.kernel_w + x);
        }
      }
    }
  }

  std::string kernel() const override { return Convolver::kName; }

  void run(const float* bottom, const float* top_diff, float* weights_diff, float* biases_diff) const override {
    float* planes = Scratch::floats(image_groups(shape_) * group_floats(), Scratch::kShared);
    fill(bottom, planes);
    const std::int64_t work = shape_.images * pixels_ * outputs_.most * tap_at_.size();
    parallel(shape_.groups * outputs_.number(), kMultiplied / work + 1, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t task = first; task < last; ++task) {
        block(planes, top_diff, weights_diff, biases_diff, task / outputs_.number(),
              static_cast<int>(task % outputs_.number()));
      }
    });
  }

 private:
  std::int64_t group_floats() const { return shape_.channels * plane_ * lanes(); }

  void fill(const float* bottom, float* planes) const {
    const std::int64_t pixels = shape_.height * shape_.width, grain = kCopied / (pixels * lanes()) + 1;
    parallel(image_groups(shape_) * shape_.channels, grain, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t i = first; i < last; ++i) {
        const std::int64_t group = i / shape_.channels, channel = i % shape_.channels;
        float* plane = planes + i * plane_ * lanes();
        if (plane_ != pixels) std::fill(plane, plane + plane_ * lanes(), 0.f);
        to_lanes(bottom + (group * lanes() * shape_.channels + channel) * pixels, shape_.channels * pixels,
                 images_in(shape_, group), static_cast<int>(pixels), place_.data(), plane);
      }
    });
  }

  void block(const float* planes, const float* top_diff, float* weights_diff, float* biases_diff, std::int64_t group,
             int part) const {
    const int outputs = outputs_.size(part), taps = static_cast<int>(tap_at_.size());
    const std::int64_t output = group * outputs_.count + outputs_.begin(part), size = std::int64_t(taps) * outputs;
    float* sums = Scratch::floats(size * (lanes() + 1) + outputs * pixels_ * lanes(), Scratch::kOwn);
    float *diffs = sums + size * lanes(), *totals = diffs + outputs * pixels_ * lanes();
    std::fill(sums, sums + size * lanes(), 0.f);
    for (int images = 0; images < image_groups(shape_); ++images) {
      const float* in = planes + images * group_floats() + group * (group_floats() / shape_.groups);
      const float* from = top_diff + (images * lanes() * shape_.outputs + output) * pixels_;
      for (int i = 0; i < outputs; ++i) {
        float* diff = diffs + i * pixels_ * lanes();
        to_lanes(from + i * pixels_, shape_.outputs * pixels_, images_in(shape_, images), static_cast<int>(pixels_),
                 nullptr, diff);
        if (biases_diff) biases_diff[output + i] += sum_of_vectors(diff, pixels_);
      }
      correlate(in, diffs, outputs, sums);
    }
    sum_of_lanes(sums, static_cast<int>(size), totals);
    for (int i = 0; i < outputs; ++i) {
      float* to = weights_diff + (output + i) * taps;
      for (int tap = 0; tap < taps; ++tap) to[weight_[tap]] += totals[tap * outputs + i];
    }
  }

  // Adds what one group of images contributes.
  void correlate(const float* in, const float* diffs, int outputs, float* sums) const {
    const int taps = static_cast<int>(tap_at_.size() / shape_.kernel_h), width = static_cast<int>(shape_.out_width);
    for (int y = 0; y < shape_.kernel_h; ++y) {
      int first = 0, last = static_cast<int>(shape_.out_height);  // the rows of pixels at which this kernel row counts
      while (first < last && !rows_.inside(first, y)) ++first;
      while (first < last && !rows_.inside(last - 1, y)) --last;
      for (int pixel = first * width; pixel < last * width; pixel += kCorrelatedPixels) {
        correlate_lanes(in, pixel_at_.data() + pixel, diffs + std::int64_t(pixel) * lanes(), pixels_ * lanes(),
                        std::min(kCorrelatedPixels, last * width - pixel), tap_at_.data() + y * taps, taps, outputs,
                        sums + std::int64_t(y) * taps * outputs * lanes());
      }
    }
  }

  ConvolutionShape shape_;
  LaneAxis rows_, columns_;
  std::int64_t plane_, pixels_;
  Parts outputs_;
  std::vector<std::int32_t> place_, pixel_at_, tap_at_, weight_;
};

double filled_up(std::int64_t count, std::int64_t block) { return double((count + block - 1) / block * block) / count; }

// Whether lanes beat oneDNN, which is a seventh faster where nothing is wasted, but fills channels up to blocks of 16
// as this fills images up to lanes. It has code for the few channels of pictures, and for one channel a group.
// FASTCAFFE_CONVOLUTION=lanes|onednn|sgemm decides otherwise.
bool pays(const ConvolutionShape& s) {
  if (const char* wish = std::getenv("FASTCAFFE_CONVOLUTION")) return !std::strcmp(wish, "lanes");
  const double images = filled_up(s.images, lanes());
#if FASTCAFFE_ONEDNN
  const std::int64_t inputs = s.channels / s.groups, outputs = s.outputs / s.groups;
  if (s.groups > 1 && inputs == 1 && outputs == 1) return false;
  const double channels = inputs <= 3 ? 1.3 : filled_up(inputs, 16);
  return images <= 4 && 1.15 * images < channels * filled_up(outputs, 16);
#else
  return images <= 4;
#endif
}

}  // namespace

std::unique_ptr<ForwardPass> lanes_forward(const ConvolutionShape& shape) {
  return std::unique_ptr<ForwardPass>(pays(shape) ? new Forward(shape) : nullptr);
}

std::unique_ptr<BackwardDataPass> lanes_backward_data(const ConvolutionShape& shape) {
  return std::unique_ptr<BackwardDataPass>(pays(shape) ? new BackwardData(shape) : nullptr);
}

std::unique_ptr<BackwardWeightsPass> lanes_backward_weights(const ConvolutionShape& shape) {
  return std::unique_ptr<BackwardWeightsPass>(pays(shape) ? new BackwardWeights(shape) : nullptr);
}

}  // namespace fastcaffe
