// Element-wise sums, as ResNet's shortcuts end in. Products and maxima stay Caffe's own.

#include <cstring>

#include "caffe/layers/eltwise_layer.hpp"
#include "eltwise_kernels.h"
#include "layers.h"
#include "listing.h"
#include "threads.h"

namespace fastcaffe {
namespace {

constexpr int kGrain = 16384;  // numbers below which another thread costs more than it brings

class Eltwise : public caffe::EltwiseLayer<float> {
 public:
  explicit Eltwise(const caffe::LayerParameter& parameter)
      : caffe::EltwiseLayer<float>(parameter), listed_("Eltwise", parameter.name()) {}

 protected:
  void Forward_cpu(const Blobs& bottom, const Blobs& top) override {
    listed_.runs("forward", covered() ? "simd" : kWhy);
    if (!covered()) return caffe::EltwiseLayer<float>::Forward_cpu(bottom, top);
    std::vector<const float*> from;
    for (const caffe::Blob<float>* blob : bottom) from.push_back(blob->cpu_data());
    float* to = top[0]->mutable_cpu_data();
    parallel(top[0]->count(), kGrain, [&](std::int64_t first, std::int64_t last) {
      weighted_sum(last - first, coeffs_[0], from[0] + first, coeffs_[1], from[1] + first, to + first);
      for (std::size_t i = 2; i < from.size(); ++i) add_weighted(last - first, coeffs_[i], from[i] + first, to + first);
    });
  }

  void Backward_cpu(const Blobs& top, const std::vector<bool>& propagate_down, const Blobs& bottom) override {
    listed_.runs("backward", covered() ? "simd" : kWhy);
    if (!covered()) return caffe::EltwiseLayer<float>::Backward_cpu(top, propagate_down, bottom);
    const float* from = top[0]->cpu_diff();
    for (std::size_t i = 0; i < bottom.size(); ++i) {
      if (!propagate_down[i]) continue;
      float* to = bottom[i]->mutable_cpu_diff();
      parallel(top[0]->count(), kGrain, [&](std::int64_t first, std::int64_t last) {
        if (coeffs_[i] == 1) {
          std::memcpy(to + first, from + first, (last - first) * sizeof(float));
        } else {
          weighted(last - first, coeffs_[i], from + first, to + first);
        }
      });
    }
  }

 private:
  static constexpr const char* kWhy = "stock: not a sum";

  bool covered() const { return op_ == caffe::EltwiseParameter_EltwiseOp_SUM; }

  Listed listed_;
};

}  // namespace

LayerPointer create_eltwise(const caffe::LayerParameter& parameter) { return LayerPointer(new Eltwise(parameter)); }

}  // namespace fastcaffe
