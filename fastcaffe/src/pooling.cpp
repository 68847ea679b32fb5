// MAX and AVE pooling. STOCHASTIC stays Caffe's own, which refuses it on a CPU.

#include "caffe/layers/pooling_layer.hpp"
#include "lanes_kept.h"
#include "layers.h"
#include "listing.h"
#include "map_kernels.h"
#include "pooling_kernels.h"
#include "threads.h"

namespace fastcaffe {
namespace {

class Pooling : public caffe::PoolingLayer<float>, public Follower, public ChannelStep {
 public:
  explicit Pooling(const caffe::LayerParameter& parameter)
      : caffe::PoolingLayer<float>(parameter), listed_("Pooling", parameter.name()) {}

  void Reshape(const Blobs& bottom, const Blobs& top) override {
    caffe::PoolingLayer<float>::Reshape(bottom, top);
    works_on(top[0]);
    alone_ = top.size() == 1;
  }

  // Caffe makes its sizes in Reshape, which this layer's leader cannot wait for.
  bool begin(int images, int channels, int* height, int* width) override {
    const bool as_shaped = *height == height_ && *width == width_ && kernel_h_ * kernel_w_ < kNoMaximum;
    if (!as_shaped || !alone_ || !(max() || average())) return false;
    *height = pooled_height_;
    *width = pooled_width_;
    if (max()) maxima_.begin(images, channels, *height, *width, lanes());
    rectifies_ = false;
    rectified_ = nullptr;
    return true;
  }
  bool in_place() const override { return false; }
  bool take_relu() override { return rectifies_ = max(); }
  bool take_relu_back(MapNotes<std::uint16_t>* positive) override {
    rectified_ = average() ? positive : nullptr;
    return rectified_;
  }
  bool by_rows() const override { return max() && threes(geometry()); }
  void step(int channel, int first, int groups, const LanesMaps& in, const LanesMaps& out) override {
    const Pool pool = geometry();
    for (int i = 0; i < groups; ++i) {
      if (max()) {
        max_pool_map(pool, in.of(i), in.row, out.of(i), out.row, maxima_.of(channel, first + i), rectifies_);
      } else {
        average_pool_map(pool, in.of(i), in.row, out.of(i), out.row);
      }
    }
  }
  void step_back(int channel, int first, int groups, const LanesMaps& out_diff, const LanesMaps& in_diff) override {
    const Pool pool = geometry();
    for (int i = 0; i < groups; ++i) {
      if (max()) {
        max_pool_map_backward(pool, out_diff.of(i), out_diff.row, maxima_.of(channel, first + i), in_diff.of(i),
                              in_diff.row);
      } else {
        average_pool_map_backward(pool, out_diff.of(i), out_diff.row, in_diff.of(i), in_diff.row,
                                  rectified_ ? rectified_->of(channel, first + i) : nullptr);
      }
    }
  }

  void step_rows(int channel, int group, int first, int last, const LanesMaps& in, const LanesMaps& out) override {
    Pool pool = geometry();
    pool.height = std::min(2 * last + 1, height_) - 2 * first;
    pool.out_height = last - first;
    max_pool_map(pool, in.first, in.row, out.first + std::int64_t(first) * out.row * lanes(), out.row,
                 maxima_.of(channel, group) + std::int64_t(first) * maxima_.width * lanes(), rectifies_);
    fetch_windows(channel, group, last, 2 * last - first, out);
  }
  void step_rows_back(int channel, int group, int first, int last, const LanesMaps& out_diff,
                      const LanesMaps& in_diff) override {
    max_pool_rows_backward(geometry(), first, last, out_diff.first, out_diff.row, maxima_.of(channel, group),
                           in_diff.first, in_diff.row);
    fetch_windows(channel, group, last / 2, last - first / 2, out_diff);
  }

 protected:
  void Forward_cpu(const Blobs& bottom, const Blobs& top) override {
    if (take_done()) {
      hand_on(top[0]);
      return listed_.runs("forward", kept());
    }
    alone();
    if (max()) return max_forward(bottom, top);
    if (!average()) return caffe::PoolingLayer<float>::Forward_cpu(bottom, top);
    const Pool pool = geometry();
    const float* from = bottom[0]->cpu_data();
    float* to = top[0]->mutable_cpu_data();
    for_planes(*bottom[0], [&](std::int64_t first, std::int64_t last) {
      average_pool_forward(pool, last - first, from + first * below(), to + first * above());
    });
    listed_.runs("forward", code(*bottom[0]));
  }

  void Backward_cpu(const Blobs& top, const std::vector<bool>& propagate_down, const Blobs& bottom) override {
    if (!propagate_down[0]) return;
    if (led()) {
      wait();
      return listed_.runs("backward", kept());
    }
    // A mask in a top blob may have been changed by its owner, to places that no window covers.
    if (!average() && !(max() && top.size() == 1)) {
      listed_.runs("backward", "stock: a mask that others may change");
      return caffe::PoolingLayer<float>::Backward_cpu(top, propagate_down, bottom);
    }
    const Pool pool = geometry();
    const float* from = top[0]->cpu_diff();
    float* to = bottom[0]->mutable_cpu_diff();
    const int* mask = max() ? max_idx_.cpu_data() : nullptr;
    for_planes(*bottom[0], [&](std::int64_t first, std::int64_t last) {
      if (mask) {
        max_pool_backward(pool, last - first, from + first * above(), mask + first * above(), to + first * below());
      } else {
        average_pool_backward(pool, last - first, from + first * above(), to + first * below());
      }
    });
    listed_.runs("backward", mask ? "along the mask" : code(*bottom[0]));
  }

 private:
  // Has rows of windows come near that are next, while a product is made of the rows between.
  void fetch_windows(int channel, int group, int first, int last, const LanesMaps& top) {
    last = std::min(last, pooled_height_);
    for (int row = first; row < last; ++row) {
      fetch(top.first + std::int64_t(row) * top.row * lanes(), pooled_width_ * lanes());
      const std::int64_t places = std::int64_t(row) * maxima_.width * lanes();
      fetch(maxima_.of(channel, group) + places, pooled_width_ * lanes());
    }
  }
  template <class T>
  static void fetch(const T* from, int count) {
    constexpr int kLine = 64 / sizeof(T);
    for (int i = 0; i < count; i += kLine) __builtin_prefetch(from + i, 1);
  }

  void max_forward(const Blobs& bottom, const Blobs& top) {
    max_idx_.Reshape(top[0]->shape());  // Caffe does not have it where a top blob takes the mask
    const Pool pool = geometry();
    const float* from = bottom[0]->cpu_data();
    float* to = top[0]->mutable_cpu_data();
    float* shown = top.size() > 1 ? top[1]->mutable_cpu_data() : nullptr;
    int* mask = max_idx_.mutable_cpu_data();
    for_planes(*bottom[0], [&](std::int64_t first, std::int64_t last) {
      max_pool_forward(pool, last - first, from + first * below(), to + first * above(), mask + first * above());
      if (shown) std::copy(mask + first * above(), mask + last * above(), shown + first * above());
    });
    listed_.runs("forward", code(*bottom[0]));
  }

  template <class Work>
  void for_planes(const caffe::Blob<float>& bottom, const Work& work) const {
    const std::int64_t work_per_plane = std::max<std::int64_t>(1, std::max(above(), below()));
    parallel(bottom.count(0, 2), std::max<std::int64_t>(1, kCopied / work_per_plane), work);
  }

  bool max() const { return method() == caffe::PoolingParameter_PoolMethod_MAX; }
  bool average() const { return method() == caffe::PoolingParameter_PoolMethod_AVE; }
  caffe::PoolingParameter_PoolMethod method() const { return this->layer_param_.pooling_param().pool(); }
  std::int64_t below() const { return geometry().below(); }
  std::int64_t above() const { return geometry().above(); }
  const char* code(const caffe::Blob<float>& bottom) const {
    return geometry().in_registers(bottom.count(0, 2)) ? "simd, 3 x 3 in registers" : "simd";
  }

  Pool geometry() const {
    return {height_, width_, pooled_height_, pooled_width_, kernel_h_, kernel_w_, stride_h_, stride_w_, pad_h_, pad_w_};
  }

  bool alone_ = false;  // there is no second top for the mask
  MapNotes<std::uint8_t> maxima_;  // where they are in their windows
  bool rectifies_ = false;         // does the work of the ReLU beside it
  MapNotes<std::uint16_t>* rectified_ = nullptr;  // of the ReLU before it, whose way back it goes
  Listed listed_;
};

}  // namespace

LayerPointer create_pooling(const caffe::LayerParameter& parameter) {
  if (parameter.pooling_param().engine() == caffe::PoolingParameter_Engine_CUDNN) {
    return stock_creator("Pooling")(parameter);
  }
  return LayerPointer(new Pooling(parameter));
}

}  // namespace fastcaffe
