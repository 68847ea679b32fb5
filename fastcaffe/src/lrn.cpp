// Local response normalisation across channels. Within a channel, and with a beta that is not made of roots, it stays
// Caffe's own.

#include "caffe/layers/lrn_layer.hpp"
#include "layers.h"
#include "listing.h"
#include "lrn_kernels.h"
#include "threads.h"

namespace fastcaffe {
namespace {

class LocalResponse : public caffe::LRNLayer<float> {
 public:
  explicit LocalResponse(const caffe::LayerParameter& parameter)
      : caffe::LRNLayer<float>(parameter), listed_("LRN", parameter.name()) {}

 protected:
  void Forward_cpu(const Blobs& bottom, const Blobs& top) override {
    listed_.runs("forward", covered(bottom, top) ? "simd" : kWhy);
    if (!covered(bottom, top)) return caffe::LRNLayer<float>::Forward_cpu(bottom, top);
    const float* from = bottom[0]->cpu_data();
    float *scale = scale_.mutable_cpu_data(), *to = top[0]->mutable_cpu_data();
    for_images([&](std::int64_t image, std::int64_t first, std::int64_t last) {
      lrn_forward(lrn(), first, last, from + image, scale + image, to + image);
    });
  }

  void Backward_cpu(const Blobs& top, const std::vector<bool>& propagate_down, const Blobs& bottom) override {
    listed_.runs("backward", covered(bottom, top) ? "simd" : kWhy);
    if (!covered(bottom, top)) return caffe::LRNLayer<float>::Backward_cpu(top, propagate_down, bottom);
    const float *data = bottom[0]->cpu_data(), *scale = scale_.cpu_data(), *out = top[0]->cpu_data();
    const float* from = top[0]->cpu_diff();
    float* to = bottom[0]->mutable_cpu_diff();
    for_images([&](std::int64_t image, std::int64_t first, std::int64_t last) {
      lrn_backward(lrn(), first, last, data + image, scale + image, out + image, from + image, to + image);
    });
  }

 private:
  static constexpr const char* kWhy = "stock: within channels, in place, or beta is not 0.5, 0.75 or 1";

  bool covered(const Blobs& bottom, const Blobs& top) const {
    return this->layer_param_.lrn_param().norm_region() == caffe::LRNParameter_NormRegion_ACROSS_CHANNELS &&
           lrn_covers(beta_) && bottom[0] != top[0];
  }

  Lrn lrn() const { return {channels_, size_, std::int64_t(height_) * width_, alpha_, beta_, k_}; }

  // Calls work(offset of an image, first pixel, last pixel) for stretches of pixels of all images.
  template <class Work>
  void for_images(const Work& work) const {
    const std::int64_t pixels = std::int64_t(height_) * width_;
    const std::int64_t cost = 8;  // of a number's power, beside reading and writing it
    parallel(num_ * pixels, kCopied / (cost * channels_) + 1, [&](std::int64_t begin, std::int64_t end) {
      while (begin < end) {
        const std::int64_t image = begin / pixels, last = std::min(end, (image + 1) * pixels);
        work(image * channels_ * pixels, begin - image * pixels, last - image * pixels);
        begin = last;
      }
    });
  }

  Listed listed_;
};

}  // namespace

LayerPointer create_lrn(const caffe::LayerParameter& parameter) {
  if (parameter.lrn_param().engine() == caffe::LRNParameter_Engine_CUDNN) return stock_creator("LRN")(parameter);
  return LayerPointer(new LocalResponse(parameter));
}

}  // namespace fastcaffe
