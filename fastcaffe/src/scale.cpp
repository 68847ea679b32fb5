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
    const Pieces pieces = this->pieces();
    for_pieces(pieces, [&](std::int64_t first, std::int64_t last) {
      scale(pieces, first, last, from, factors, biases, to, kept);
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
    const Pieces pieces = this->pieces();
    const bool learns = factors_diff || biases_diff;
    Sums* totals = static_cast<Sums*>(Scratch::bytes(pieces.count() * sizeof(Sums), Scratch::kShared));
    for_pieces(pieces, [&](std::int64_t first, std::int64_t last) {
      if (learns && to) scale_backward(pieces, first, last, diff, data, factors, to, totals);
      if (learns && !to) sums(pieces, first, last, diff, data, totals);
      if (!learns && to) scale(pieces, first, last, diff, factors, nullptr, to, nullptr);
    });
    for (int channel = 0; learns && channel < scale_dim_; ++channel) {
      Sums total = {0, 0};
      for (std::int64_t piece = channel; piece < pieces.count(); piece += pieces.channels) {
        total.of_x += totals[piece].of_x;
        total.of_products += totals[piece].of_products;
      }
      if (factors_diff) factors_diff[channel] += total.of_products;
      if (biases_diff) biases_diff[channel] += total.of_x;
    }
  }

 private:
  static constexpr const char* kWhy = "stock: not one learnt factor for each channel of several images";

  bool covered(const Blobs& bottom) const {
    return bottom.size() == 1 && outer_dim_ > 1 && inner_dim_ >= kShortestPiece;
  }

  Pieces pieces() const { return {outer_dim_, scale_dim_, inner_dim_}; }

  template <class Work>
  static void for_pieces(const Pieces& pieces, const Work& work) {
    parallel(pieces.count(), kGrain / pieces.length + 1, work);
  }

  Listed listed_;
};

}  // namespace

LayerPointer create_scale(const caffe::LayerParameter& parameter) { return LayerPointer(new Scale(parameter)); }

}  // namespace fastcaffe
