// Batch normalisation; behind an InnerProduct, while it learns, it stays Caffe's own.

#include <cmath>

#include "caffe/layers/batch_norm_layer.hpp"
#include "followers.h"
#include "joined_kernels.h"
#include "lanes_kept.h"
#include "layers.h"
#include "listing.h"
#include "threads.h"

namespace fastcaffe {
namespace {

constexpr std::int64_t kShortestPiece = 8;  // of which vectors can be made

class BatchNorm : public caffe::BatchNormLayer<float>, public ScaleLeader, public ChannelStep {
 public:
  explicit BatchNorm(const caffe::LayerParameter& parameter)
      : caffe::BatchNormLayer<float>(parameter), listed_("BatchNorm", parameter.name()) {}

  void Reshape(const Blobs& bottom, const Blobs& top) override {
    caffe::BatchNormLayer<float>::Reshape(bottom, top);
    works_on(top[0]);
  }

  const float* normalised() const override { return x_norm_.cpu_data(); }
  const LanesBlob* lanes_normalised() const override { return &normalised_; }

  bool begin(int images, int channels, int* height, int* width) override {
    if (use_global_stats_ || images % lanes() != 0 || channels != channels_) return false;
    normalised_.shape(images, channels, LanesPlane::bare(*height, *width));
    return true;
  }
  bool in_place() const override { return true; }
  bool whole_batch() const override { return true; }
  bool bare() const override { return true; }

  void start() override {
    moving_mean_ = this->blobs_[0]->mutable_cpu_data();
    moving_variance_ = this->blobs_[1]->mutable_cpu_data();
    count_batch();
    deviation_ = variance_.mutable_cpu_data();
  }

  void step(int channel, int, int groups, const LanesMaps& in, const LanesMaps& out) override {
    const Pieces one = piece_in_lanes();
    std::vector<Moments> of(groups);
    for (int i = 0; i < groups; ++i) moments(one, 0, 1, in.of(i), &of[i]);
    float mean, variance;
    join(of.data(), groups, 1, one.length, &mean, &variance);
    remember(channel, groups * one.length, mean, variance);
    deviation_[channel] = std::sqrt(variance + eps_);
    const float factor = 1 / deviation_[channel];
    for (int i = 0; i < groups; ++i) {
      normalise(one, 0, 1, in.of(i), &mean, &factor, out.of(i), normalised_.maps(i, channel).first);
    }
  }

  void step_back(int channel, int, int groups, const LanesMaps& out_diff, const LanesMaps& in_diff) override {
    const Pieces one = piece_in_lanes();
    const ScaleFollower* scale = dynamic_cast<const ScaleFollower*>(reader());
    const Sums* known = scale ? scale->lanes_sums(channel) : nullptr;  // of what this gradient is gamma times
    Sums total = {0, 0};
    for (int i = 0; i < groups && !known; ++i) {
      Sums of;
      sums(one, 0, 1, out_diff.of(i), normalised_.maps(i, channel).first, &of);
      total = {total.of_x + of.of_x, total.of_products + of.of_products};
    }
    const double gamma = known ? scale->factors()[channel] : 1, numbers = double(groups) * one.length;
    if (known) total = *known;
    const float mean_diff = gamma * total.of_x / numbers, mean_product = gamma * total.of_products / numbers;
    const float factor = 1 / deviation_[channel];
    for (int i = 0; i < groups; ++i) {
      normalise_backward(one, 0, 1, out_diff.of(i), normalised_.maps(i, channel).first, &mean_diff, &mean_product,
                         &factor, in_diff.of(i));
    }
  }

 protected:
  void Forward_cpu(const Blobs& bottom, const Blobs& top) override {
    if (take_done()) {
      hand_on(top[0]);
      return listed_.runs("forward", kept());
    }
    alone();
    const Pieces pieces = pieces_of(*bottom[0]);
    ScaleFollower* scale = next<ScaleFollower>();
    if (!covered(pieces) || !scale || !scale->scales(pieces)) scale = nullptr;
    listed_.runs("forward", scale ? "simd, with what follows" : covered(pieces) ? "simd" : kWhy);
    if (!covered(pieces)) return caffe::BatchNormLayer<float>::Forward_cpu(bottom, top);
    const float* from = bottom[0]->cpu_data();
    float *mean = mean_.mutable_cpu_data(), *variance = variance_.mutable_cpu_data();
    if (use_global_stats_) {
      const float weight = this->blobs_[2]->cpu_data()[0], factor = weight == 0 ? 0 : 1 / weight;
      const float *means = this->blobs_[0]->cpu_data(), *variances = this->blobs_[1]->cpu_data();
      for (int channel = 0; channel < channels_; ++channel) {
        mean[channel] = factor * means[channel];
        variance[channel] = factor * variances[channel];
      }
    } else {
      find_moments(pieces, from, mean, variance);
      moving_mean_ = this->blobs_[0]->mutable_cpu_data(), moving_variance_ = this->blobs_[1]->mutable_cpu_data();
      count_batch();
      for (int channel = 0; channel < channels_; ++channel) {
        remember(channel, pieces.numbers(), mean[channel], variance[channel]);
      }
    }
    // From here on it is the deviation, as in Caffe.
    for (int channel = 0; channel < channels_; ++channel) variance[channel] = std::sqrt(variance[channel] + eps_);
    float* to = top[0]->mutable_cpu_data();
    if (scale) return forward_with(scale, pieces, from, to);
    float* kept = use_global_stats_ ? nullptr : x_norm_.mutable_cpu_data();  // later layers may work in place
    const std::vector<float> factors = inverse(variance);
    for_pieces(pieces, [&](std::int64_t first, std::int64_t last) {
      normalise(pieces, first, last, from, mean, factors.data(), to, kept);
    });
  }

  void Backward_cpu(const Blobs& top, const std::vector<bool>& propagate_down, const Blobs& bottom) override {
    if (led()) {
      wait();
      return listed_.runs("backward", kept());
    }
    const Pieces pieces = pieces_of(*bottom[0]);
    ScaleFollower* follower = next<ScaleFollower>();
    if (follower && follower->take_waiting()) {
      listed_.runs("backward", "simd, with what follows");
      return backward_with(follower, pieces, top[0]->cpu_diff(), bottom[0]->mutable_cpu_diff());
    }
    listed_.runs("backward", covered(pieces) ? "simd" : kWhy);
    if (!covered(pieces)) return caffe::BatchNormLayer<float>::Backward_cpu(top, propagate_down, bottom);
    const float *diff = top[0]->cpu_diff(), *deviation = variance_.cpu_data();
    float* to = bottom[0]->mutable_cpu_diff();
    const float* y = use_global_stats_ ? nullptr : x_norm_.cpu_data();
    const std::vector<float> factors = inverse(deviation);
    std::vector<float> mean_diffs(channels_), mean_products(channels_);  // zeros
    if (y) find_means(pieces, diff, y, mean_diffs.data(), mean_products.data());
    for_pieces(pieces, [&](std::int64_t first, std::int64_t last) {
      if (y) {
        normalise_backward(pieces, first, last, diff, y, mean_diffs.data(), mean_products.data(), factors.data(), to);
      } else {
        scale(pieces, first, last, diff, factors.data(), nullptr, to, nullptr);
      }
    });
  }

 private:
  static constexpr const char* kWhy = "stock: fewer than 8 numbers a channel and image to learn from";

  // Scale's work too, and that of the ReLU behind it if there is one.
  void forward_with(ScaleFollower* scale, const Pieces& pieces, const float* from, float* to) {
    ReluFollower* relu = scale->relu();
    const std::vector<float> factors = inverse(variance_.cpu_data());
    const NormalisedScale numbers = {mean_.cpu_data(), factors.data(), scale->factors(), scale->biases(),
                                     relu != nullptr};
    float* kept = x_norm_.mutable_cpu_data();
    for_pieces(pieces, [&](std::int64_t first, std::int64_t last) {
      normalise_and_scale(pieces, first, last, from, numbers, to, kept);
    });
    scale->set_done();
    if (relu) relu->set_done();
  }

  // All parameters' gradients come from the same sums: those of y are the sums of z times its factor.
  void backward_with(ScaleFollower* scale, const Pieces& pieces, const float* diff, float* to) {
    ReluFollower* relu = scale->relu();
    const float *y = x_norm_.cpu_data(), *gammas = scale->factors();
    const std::vector<float> factors = inverse(variance_.cpu_data());
    const NormalisedScale numbers = {nullptr, factors.data(), gammas, scale->biases(), relu && relu->take_waiting()};
    Sums* of = static_cast<Sums*>(Scratch::bytes(pieces.count() * sizeof(Sums), Scratch::kShared));
    for_pieces(pieces, [&](std::int64_t first, std::int64_t last) {
      sums_of_scaled(pieces, first, last, diff, y, numbers, of);
    });
    std::vector<float> mean_diffs(channels_), mean_products(channels_);  // zeros
    for (int channel = 0; channel < channels_; ++channel) {
      const Sums total = total_of(pieces, channel, of);
      scale->add_gradients(channel, total);
      if (use_global_stats_) continue;
      mean_diffs[channel] = gammas[channel] * total.of_x / pieces.numbers();
      mean_products[channel] = gammas[channel] * total.of_products / pieces.numbers();
    }
    for_pieces(pieces, [&](std::int64_t first, std::int64_t last) {
      normalise_and_scale_backward(pieces, first, last, diff, y, numbers, mean_diffs.data(), mean_products.data(), to);
    });
  }

  Pieces pieces_of(const caffe::Blob<float>& blob) const {
    const std::int64_t images = blob.shape(0), length = blob.count() / std::max<std::int64_t>(1, images * channels_);
    return {images, channels_, length};
  }

  bool covered(const Pieces& pieces) const { return use_global_stats_ || pieces.length >= kShortestPiece; }

  // One channel of a group of images.
  Pieces piece_in_lanes() const { return {1, 1, std::int64_t(normalised_.plane().vectors()) * lanes()}; }

  // The moving averages, from which the TEST phase lives.
  void count_batch() {
    float* weight = this->blobs_[2]->mutable_cpu_data();
    *weight = *weight * moving_average_fraction_ + 1;
  }
  void remember(int channel, std::int64_t numbers, float mean, float variance) {
    const float correction = numbers > 1 ? float(numbers) / (numbers - 1) : 1;
    moving_mean_[channel] = mean + moving_average_fraction_ * moving_mean_[channel];
    moving_variance_[channel] = correction * variance + moving_average_fraction_ * moving_variance_[channel];
  }

  // The mean and variance of some pieces. Each has its squares around its own mean, and these are brought around the
  // whole's (Chan, Golub and LeVeque 1983, equation 2.1 for many parts at once): nothing cancels out.
  static void join(const Moments* of, std::int64_t pieces, std::int64_t step, std::int64_t length, float* mean,
                   float* variance) {
    double sum = 0, squares = 0;
    for (std::int64_t i = 0; i < pieces; ++i) sum += of[i * step].sum;
    const double middle = sum / (pieces * length);
    for (std::int64_t i = 0; i < pieces; ++i) {
      const double away = of[i * step].sum / length - middle;
      squares += of[i * step].squares + away * away * length;
    }
    *mean = middle;
    *variance = squares / (pieces * length);
  }

  // Each channel's.
  void find_moments(const Pieces& pieces, const float* x, float* mean, float* variance) const {
    Moments* of = static_cast<Moments*>(Scratch::bytes(pieces.count() * sizeof(Moments), Scratch::kShared));
    for_pieces(pieces, [&](std::int64_t first, std::int64_t last) { moments(pieces, first, last, x, of); });
    for (int channel = 0; channel < channels_; ++channel) {
      join(of + channel, pieces.images, channels_, pieces.length, mean + channel, variance + channel);
    }
  }

  // Each channel's mean of diff, and of diff * y.
  void find_means(const Pieces& pieces, const float* diff, const float* y, float* diffs, float* products) const {
    Sums* of = static_cast<Sums*>(Scratch::bytes(pieces.count() * sizeof(Sums), Scratch::kShared));
    for_pieces(pieces, [&](std::int64_t first, std::int64_t last) { sums(pieces, first, last, diff, y, of); });
    for (int channel = 0; channel < channels_; ++channel) {
      const Sums total = total_of(pieces, channel, of);
      diffs[channel] = total.of_x / pieces.numbers();
      products[channel] = total.of_products / pieces.numbers();
    }
  }

  std::vector<float> inverse(const float* deviation) const {
    std::vector<float> factors(channels_);
    for (int channel = 0; channel < channels_; ++channel) factors[channel] = 1 / deviation[channel];
    return factors;
  }

  template <class Work>
  static void for_pieces(const Pieces& pieces, const Work& work) {
    parallel(pieces.count(), kCopied / pieces.length + 1, work);
  }

  float *moving_mean_ = nullptr, *moving_variance_ = nullptr, *deviation_ = nullptr;  // of the pass that is on
  LanesBlob normalised_;                                                             // done in lanes
  Listed listed_;
};

}  // namespace

LayerPointer create_batch_norm(const caffe::LayerParameter& parameter) {
  return LayerPointer(new BatchNorm(parameter));
}

}  // namespace fastcaffe
