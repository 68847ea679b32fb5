// Scale by a learnt factor a channel, and bias, also in place. Factors from a second bottom, and parameters that are
// not one number a channel, stay Caffe's own.

#include "caffe/layers/scale_layer.hpp"
#include "followers.h"
#include "joined_kernels.h"
#include "lanes_kept.h"
#include "layers.h"
#include "listing.h"
#include "threads.h"

namespace fastcaffe {
namespace {

constexpr std::int64_t kShortestPiece = 8;  // of which vectors of products can be made

class Scale : public caffe::ScaleLayer<float>, public ScaleFollower, public ChannelStep {
 public:
  explicit Scale(const caffe::LayerParameter& parameter)
      : caffe::ScaleLayer<float>(parameter), listed_("Scale", parameter.name()) {}

  void LayerSetUp(const Blobs& bottom, const Blobs& top) override {
    const CreatesParts bias;
    caffe::ScaleLayer<float>::LayerSetUp(bottom, top);
  }

  void Reshape(const Blobs& bottom, const Blobs& top) override {
    caffe::ScaleLayer<float>::Reshape(bottom, top);
    works_on(top[0]);
    alone_ = bottom.size() == 1;
  }

  bool scales(const Pieces& pieces) const override {
    const Pieces own = this->pieces();
    const bool alike = own.images == pieces.images && own.channels == pieces.channels && own.length == pieces.length;
    return alone_ && alike && !writes_factors();
  }
  const float* factors() const override { return this->blobs_[0]->cpu_data(); }
  const float* biases() const override { return bias_layer_ ? this->blobs_[bias_param_id_]->cpu_data() : nullptr; }

  void add_gradients(int channel, const Sums& sums) override {
    if (learns_factors()) this->blobs_[0]->mutable_cpu_diff()[channel] += sums.of_products;
    if (learns_biases()) this->blobs_[bias_param_id_]->mutable_cpu_diff()[channel] += sums.of_x;
  }

  bool begin(int images, int channels, int* height, int* width) override {
    if (!alone_ || axis_ != 1 || this->blobs_[0]->count() != channels) return false;
    const ScaleLeader* norm = previous<ScaleLeader>();
    scaled_ = norm ? norm->lanes_normalised() : &own_;
    if (!norm) own_.shape(images, channels, LanesPlane::bare(*height, *width));
    totals_.resize(channels);
    return true;
  }
  bool in_place() const override { return true; }
  bool bare() const override { return true; }
  bool learns() const override { return learns_factors() || learns_biases(); }

  void step(int channel, int first, int groups, const LanesMaps& in, const LanesMaps& out) override {
    for (int i = 0; i < groups; ++i) {
      float* copy = scaled_ == &own_ ? own_.maps(first + i, channel).first : nullptr;
      scale(piece_in_lanes(), 0, 1, in.of(i), factors() + channel, biases() ? biases() + channel : nullptr, out.of(i),
            copy);
    }
  }

  void start_back() override {
    totals_.assign(totals_.size(), {0, 0});
    factors_diff_ = learns_factors() ? this->blobs_[0]->mutable_cpu_diff() : nullptr;
    biases_diff_ = learns_biases() ? this->blobs_[bias_param_id_]->mutable_cpu_diff() : nullptr;
  }

  void step_back(int channel, int first, int groups, const LanesMaps& out_diff, const LanesMaps& in_diff) override {
    Sums total = {0, 0};
    for (int i = 0; i < groups; ++i) {
      Sums of;
      scale_backward(piece_in_lanes(), 0, 1, out_diff.of(i), scaled_->maps(first + i, channel).first,
                     factors() + channel, in_diff.of(i), &of);
      total = {total.of_x + of.of_x, total.of_products + of.of_products};
    }
    if (factors_diff_) factors_diff_[channel] += total.of_products;
    if (biases_diff_) biases_diff_[channel] += total.of_x;
    totals_[channel] = total;
  }

  const Sums* lanes_sums(int channel) const override { return handed_on() ? &totals_[channel] : nullptr; }

 protected:
  void Forward_cpu(const Blobs& bottom, const Blobs& top) override {
    if (take_done()) return listed_.runs("forward", hand_on(top[0]) ? kept() : leader());
    alone();
    listed_.runs("forward", covered(bottom) ? "simd" : kWhy);
    if (!covered(bottom)) return caffe::ScaleLayer<float>::Forward_cpu(bottom, top);
    const float *from = bottom[0]->cpu_data(), *factors = this->factors(), *biases = this->biases();
    float* kept = bottom[0] == top[0] ? temp_.mutable_cpu_data() : nullptr;  // for the factors' gradients
    float* to = top[0]->mutable_cpu_data();
    const Pieces pieces = this->pieces();
    for_pieces(pieces, [&](std::int64_t first, std::int64_t last) {
      scale(pieces, first, last, from, factors, biases, to, kept);
    });
  }

  void Backward_cpu(const Blobs& top, const std::vector<bool>& propagate_down, const Blobs& bottom) override {
    if (handed_on()) {
      wait();
      return listed_.runs("backward", kept());
    }
    if (led()) return led_backward(top, propagate_down[0]);
    const bool backward = covered(bottom) && !writes_factors() && inner_dim_ >= kShortestPiece;
    listed_.runs("backward", backward ? "simd" : covered(bottom) ? kFew : kWhy);
    if (!backward) return caffe::ScaleLayer<float>::Backward_cpu(top, propagate_down, bottom);
    const float *diff = top[0]->cpu_diff(), *factors = this->factors();
    const float* data = (bottom[0] == top[0] ? temp_ : *bottom[0]).cpu_data();
    float* to = propagate_down[0] ? bottom[0]->mutable_cpu_diff() : nullptr;
    const Pieces pieces = this->pieces();
    const bool learns = this->learns();
    Sums* totals = static_cast<Sums*>(Scratch::bytes(pieces.count() * sizeof(Sums), Scratch::kShared));
    for_pieces(pieces, [&](std::int64_t first, std::int64_t last) {
      if (learns && to) scale_backward(pieces, first, last, diff, data, factors, to, totals);
      if (learns && !to) sums(pieces, first, last, diff, data, totals);
      if (!learns && to) scale(pieces, first, last, diff, factors, nullptr, to, nullptr);
    });
    if (learns) add_all_gradients(totals);
  }

 private:
  static constexpr const char* kWhy = "stock: not one learnt factor for each of several channels or images";
  static constexpr const char* kFew = "stock: one image, or fewer than 8 numbers a channel and image";

  bool covered(const Blobs& bottom) const {
    return bottom.size() == 1 && (outer_dim_ > 1 || scale_dim_ > 1) && inner_dim_ > 0;
  }

  // BatchNorm has done the forward pass, and does this too unless nobody wants its gradients.
  void led_backward(const Blobs& top, bool propagate) {
    listed_.runs("backward", leader());
    if (propagate) return wait();
    const ScaleLeader* norm = previous<ScaleLeader>();
    const NormalisedScale scale = {nullptr, factors(), factors(), biases(), relu() && relu()->take_waiting()};
    const float *diff = top[0]->cpu_diff(), *y = norm->normalised();
    const Pieces pieces = this->pieces();
    Sums* totals = static_cast<Sums*>(Scratch::bytes(pieces.count() * sizeof(Sums), Scratch::kShared));
    for_pieces(pieces, [&](std::int64_t first, std::int64_t last) {
      sums_of_scaled(pieces, first, last, diff, y, scale, totals);
    });
    add_all_gradients(totals);
  }

  void add_all_gradients(const Sums* totals) {
    for (int channel = 0; channel < scale_dim_; ++channel) {
      add_gradients(channel, total_of(pieces(), channel, totals));
    }
  }

  // Of one image Caffe does not add to the factors' gradients: it writes them.
  bool writes_factors() const { return outer_dim_ == 1 && learns_factors(); }
  bool learns_factors() const { return this->param_propagate_down_[0]; }
  bool learns_biases() const { return bias_layer_ && this->param_propagate_down_.back(); }

  Pieces pieces() const { return {outer_dim_, scale_dim_, inner_dim_}; }

  template <class Work>
  static void for_pieces(const Pieces& pieces, const Work& work) {
    parallel(pieces.count(), kCopied / pieces.length + 1, work);
  }

  // One channel of a group of images.
  Pieces piece_in_lanes() const { return {1, 1, std::int64_t(scaled_->plane().vectors()) * lanes()}; }

  bool alone_ = false;  // there is no second bottom
  const LanesBlob* scaled_ = &own_;  // in lanes: what the factors are for
  LanesBlob own_;
  float *factors_diff_ = nullptr, *biases_diff_ = nullptr;  // of the pass that is on
  std::vector<Sums> totals_;                                // of each channel
  Listed listed_;
};

}  // namespace

LayerPointer create_scale(const caffe::LayerParameter& parameter) { return LayerPointer(new Scale(parameter)); }

}  // namespace fastcaffe
