// Element-wise sums, as ResNet's shortcuts end in. Products and maxima stay Caffe's own.

#include <cstring>

#include "caffe/layers/eltwise_layer.hpp"
#include "eltwise_kernels.h"
#include "followers.h"
#include "joined_kernels.h"
#include "layers.h"
#include "listing.h"
#include "threads.h"

namespace fastcaffe {
namespace {

class Eltwise : public caffe::EltwiseLayer<float>, public Neighbour {
 public:
  explicit Eltwise(const caffe::LayerParameter& parameter)
      : caffe::EltwiseLayer<float>(parameter), listed_("Eltwise", parameter.name()) {}

  void Reshape(const Blobs& bottom, const Blobs& top) override {
    caffe::EltwiseLayer<float>::Reshape(bottom, top);
    works_on(top[0]);
  }

 protected:
  void Forward_cpu(const Blobs& bottom, const Blobs& top) override {
    if (ReluFollower* relu = led_relu(bottom)) return forward_with(relu, bottom, top);
    listed_.runs("forward", covered() ? "simd" : kWhy);
    if (!covered()) return caffe::EltwiseLayer<float>::Forward_cpu(bottom, top);
    std::vector<const float*> from;
    for (const caffe::Blob<float>* blob : bottom) from.push_back(blob->cpu_data());
    float* to = top[0]->mutable_cpu_data();
    parallel(top[0]->count(), kCopied, [&](std::int64_t first, std::int64_t last) {
      weighted_sum(last - first, coeffs_[0], from[0] + first, coeffs_[1], from[1] + first, to + first);
      for (std::size_t i = 2; i < from.size(); ++i) add_weighted(last - first, coeffs_[i], from[i] + first, to + first);
    });
  }

  void Backward_cpu(const Blobs& top, const std::vector<bool>& propagate_down, const Blobs& bottom) override {
    ReluFollower* relu = led_relu(bottom);
    if (relu && relu->take_waiting()) return backward_with(relu, top, propagate_down, bottom);
    listed_.runs("backward", covered() ? "simd" : kWhy);
    if (!covered()) return caffe::EltwiseLayer<float>::Backward_cpu(top, propagate_down, bottom);
    const float* from = top[0]->cpu_diff();
    for (std::size_t i = 0; i < bottom.size(); ++i) {
      if (!propagate_down[i]) continue;
      float* to = bottom[i]->mutable_cpu_diff();
      parallel(top[0]->count(), kCopied, [&](std::int64_t first, std::int64_t last) {
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

  // The ReLU that is done along, where two are added and nothing more.
  ReluFollower* led_relu(const Blobs& bottom) const {
    ReluFollower* relu = next<ReluFollower>();
    const bool plain = covered() && bottom.size() == 2 && coeffs_[0] == 1 && coeffs_[1] == 1;
    return plain && relu && relu->cuts_to_zero() ? relu : nullptr;
  }

  void forward_with(ReluFollower* relu, const Blobs& bottom, const Blobs& top) {
    listed_.runs("forward", "simd, with what follows");
    const float *x = bottom[0]->cpu_data(), *y = bottom[1]->cpu_data();
    float* to = top[0]->mutable_cpu_data();
    parallel(top[0]->count(), kCopied, [&](std::int64_t first, std::int64_t last) {
      rectified_sum(last - first, x + first, y + first, to + first);
    });
    relu->set_done();
    relu->led_by_sum = true;
  }

  // If the gradients of a Split wait as well, nobody has added them yet.
  void backward_with(ReluFollower* relu, const Blobs& top, const std::vector<bool>& propagate_down,
                     const Blobs& bottom) {
    listed_.runs("backward", "simd, with what follows");
    SplitFollower* split = relu->split();
    const bool waiting = split && split->take_waiting();
    const float *data = top[0]->cpu_data(), *diff = waiting ? split->diffs[0] : top[0]->cpu_diff();
    const float* more = waiting ? split->diffs[1] : nullptr;
    float* to[2] = {};
    for (int i = 0; i < 2; ++i) to[i] = propagate_down[i] ? bottom[i]->mutable_cpu_diff() : nullptr;
    if (!to[0]) std::swap(to[0], to[1]);
    if (!to[0]) return;
    parallel(top[0]->count(), kCopied, [&](std::int64_t first, std::int64_t last) {
      rectified_sum_backward(last - first, data + first, diff + first, more ? more + first : nullptr, to[0] + first,
                             to[1] ? to[1] + first : nullptr);
    });
  }

  bool covered() const { return op_ == caffe::EltwiseParameter_EltwiseOp_SUM; }

  Listed listed_;
};

}  // namespace

LayerPointer create_eltwise(const caffe::LayerParameter& parameter) { return LayerPointer(new Eltwise(parameter)); }

}  // namespace fastcaffe
