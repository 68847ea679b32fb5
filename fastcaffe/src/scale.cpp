// Scale by a learnt factor a channel, and bias, also in place. Factors from a second bottom, and parameters that are
// not one number a channel, stay Caffe's own.

#include "caffe/layers/scale_layer.hpp"
#include "channel_kernels.h"
#include "layers.h"
#include "listing.h"
#include "threads.h"

namespace fastcaffe {
namespace {

constexpr std::int64_t kGrain = 16384;      // numbers below which another thread costs more than it brings
constexpr std::int64_t kShortestPiece = 8;  // of which vectors can be made

class Scale : public caffe::ScaleLayer<float> {
 public:
  explicit Scale(const caffe::LayerParameter& parameter)
      : caffe::ScaleLayer<float>(parameter), listed_("Scale", parameter.name()) {}

 protected:
  void Forward_cpu(const Blobs& bottom, const Blobs& top) override {
    listed_.runs("forward", covered(bottom) ? "simd" : kWhy);
    if (!covered(bottom)) return caffe::ScaleLayer<float>::Forward_cpu(bottom, top);
    const float *from = bottom[0]->cpu_data(), *factors = this->blobs_[0]->cpu_data();
    const float* biases = bias_layer_ ? this->blobs_[bias_param_id_]->cpu_data() : nullptr;
    float* kept = bottom[0] == top[0] ? temp_.mutable_cpu_data() : nullptr;  // for the factors' gradients
    float* to = top[0]->mutable_cpu_data();
    for_channels([&](int channel, const Pieces& pieces, std::int64_t at) {
      scale(pieces, from + at, factors[channel], biases ? biases[channel] : -0.f, to + at, kept ? kept + at : nullptr);
    });
  }

  void Backward_cpu(const Blobs& top, const std::vector<bool>& propagate_down, const Blobs& bottom) override {
    listed_.runs("backward", covered(bottom) ? "simd" : kWhy);
    if (!covered(bottom)) return caffe::ScaleLayer<float>::Backward_cpu(top, propagate_down, bottom);
    const float *diff = top[0]->cpu_diff(), *factors = this->blobs_[0]->cpu_data();
    const float* data = (bottom[0] == top[0] ? temp_ : *bottom[0]).cpu_data();
    float* factors_diff = this->param_propagate_down_[0] ? this->blobs_[0]->mutable_cpu_diff() : nullptr;
    const bool learns_bias = bias_layer_ && this->param_propagate_down_.back();
    float* biases_diff = learns_bias ? this->blobs_[bias_param_id_]->mutable_cpu_diff() : nullptr;
    float* to = propagate_down[0] ? bottom[0]->mutable_cpu_diff() : nullptr;
    for_channels([&](int channel, const Pieces& pieces, std::int64_t at) {
      if (factors_diff || biases_diff) {
        const Sums totals = sums(pieces, diff + at, data + at);
        if (factors_diff) factors_diff[channel] += totals.of_products;
        if (biases_diff) biases_diff[channel] += totals.of_x;
      }
      if (to) scale(pieces, diff + at, factors[channel], -0.f, to + at, nullptr);
    });
  }

 private:
  static constexpr const char* kWhy = "stock: not one learnt factor for each channel of several images";

  bool covered(const Blobs& bottom) const {
    return bottom.size() == 1 && outer_dim_ > 1 && inner_dim_ >= kShortestPiece;
  }

  template <class Work>
  void for_channels(const Work& work) const {
    const Pieces pieces = {outer_dim_, inner_dim_, std::int64_t(inner_dim_) * scale_dim_};
    parallel(scale_dim_, kGrain / std::max<std::int64_t>(1, pieces.numbers()) + 1,
             [&](std::int64_t first, std::int64_t last) {
               for (std::int64_t channel = first; channel < last; ++channel) {
                 work(static_cast<int>(channel), pieces, channel * inner_dim_);
               }
             });
  }

  Listed listed_;
};

}  // namespace

LayerPointer create_scale(const caffe::LayerParameter& parameter) { return LayerPointer(new Scale(parameter)); }

}  // namespace fastcaffe
