// ReLU, with any slope, also in place.

#include "caffe/layers/relu_layer.hpp"
#include "followers.h"
#include "lanes_kept.h"
#include "layers.h"
#include "listing.h"
#include "map_kernels.h"
#include "relu_kernels.h"
#include "threads.h"

namespace fastcaffe {
namespace {

class Relu : public caffe::ReLULayer<float>, public ReluFollower, public ChannelStep {
 public:
  explicit Relu(const caffe::LayerParameter& parameter)
      : caffe::ReLULayer<float>(parameter), listed_("ReLU", parameter.name()) {}

  void Reshape(const Blobs& bottom, const Blobs& top) override {
    caffe::ReLULayer<float>::Reshape(bottom, top);
    works_on(top[0]);
  }

  bool cuts_to_zero() const override { return slope() == 0; }

  bool begin(int images, int channels, int* height, int* width) override {
    if (slope() != 0) return false;
    positive_.begin(images, channels, *height, *width, 1);
    return true;
  }
  bool in_place() const override { return true; }
  MapNotes<std::uint16_t>* positive() override { return &positive_; }
  void step(int channel, int first, int groups, const LanesMaps& in, const LanesMaps& out) override {
    for (int i = 0; i < groups; ++i) {
      rectify_map(in.of(i), in.row, positive_.height, positive_.width, out.of(i), out.row,
                  positive_.of(channel, first + i));
    }
  }
  void step_back(int channel, int first, int groups, const LanesMaps& out_diff, const LanesMaps& in_diff) override {
    for (int i = 0; i < groups; ++i) {
      rectify_map_backward(out_diff.of(i), out_diff.row, positive_.height, positive_.width,
                           positive_.of(channel, first + i), in_diff.of(i), in_diff.row);
    }
  }

 protected:
  void Forward_cpu(const Blobs& bottom, const Blobs& top) override {
    if (take_done()) return listed_.runs("forward", hand_on(top[0]) ? kept() : leader());
    alone();
    const float* from = bottom[0]->cpu_data();
    float* to = top[0]->mutable_cpu_data();
    parallel(bottom[0]->count(), kCopied, [&](std::int64_t first, std::int64_t last) {
      relu_forward(from + first, to + first, last - first, slope());
    });
    listed_.runs("forward", "simd");
  }

  void Backward_cpu(const Blobs& top, const std::vector<bool>& propagate_down, const Blobs& bottom) override {
    if (!propagate_down[0]) return;
    if (led()) {
      wait();
      return listed_.runs("backward", handed_on() ? kept() : leader());
    }
    const float* data = bottom[0]->cpu_data();
    const float* from = top[0]->cpu_diff();
    float* to = bottom[0]->mutable_cpu_diff();
    parallel(bottom[0]->count(), kCopied, [&](std::int64_t first, std::int64_t last) {
      relu_backward(data + first, from + first, to + first, last - first, slope());
    });
    listed_.runs("backward", "simd");
  }

 private:
  float slope() const { return this->layer_param_.relu_param().negative_slope(); }

  MapNotes<std::uint16_t> positive_;  // which numbers are, a bit each
  Listed listed_;
};

}  // namespace

LayerPointer create_relu(const caffe::LayerParameter& parameter) {
  if (parameter.relu_param().engine() == caffe::ReLUParameter_Engine_CUDNN) return stock_creator("ReLU")(parameter);
  return LayerPointer(new Relu(parameter));
}

}  // namespace fastcaffe
