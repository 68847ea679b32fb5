// Batch normalisation of channels that have at least some neighbouring numbers an image; behind an InnerProduct it
// stays Caffe's own.

#include <cmath>

#include "caffe/layers/batch_norm_layer.hpp"
#include "followers.h"
#include "joined_kernels.h"
#include "layers.h"
#include "listing.h"
#include "threads.h"

namespace fastcaffe {
namespace {

constexpr std::int64_t kGrain = 16384;      // numbers below which another thread costs more than it brings
constexpr std::int64_t kShortestPiece = 8;  // of which vectors can be made

class BatchNorm : public caffe::BatchNormLayer<float>, public ScaleLeader {
 public:
  explicit BatchNorm(const caffe::LayerParameter& parameter)
      : caffe::BatchNormLayer<float>(parameter), listed_("BatchNorm", parameter.name()) {}

  void Reshape(const Blobs& bottom, const Blobs& top) override {
    caffe::BatchNormLayer<float>::Reshape(bottom, top);
    works_on(top[0]);
  }

  const float* normalised() const override { return x_norm_.cpu_data(); }

 protected:
  void Forward_cpu(const Blobs& bottom, const Blobs& top) override {
    const Pieces pieces = pieces_of(*bottom[0]);
    ScaleFollower* scale = next<ScaleFollower>();
    if (!covered(pieces) || !scale || !scale->scales(pieces)) scale = nullptr;
    listed_.runs("forward", scale ? "simd, with what follows" : covered(pieces) ? "simd" : kWhy);
    if (!covered(pieces)) return caffe::BatchNormLayer<float>::Forward_cpu(bottom, top);
    const float* from = bottom[0]->cpu_data();
    float *mean = mean_.mutable_cpu_data(), *variance = variance_.mutable_cpu_data();
    if (use_global_stats_) {
      const float weight = this->blobs_[2]->cpu_data()[0], factor = weight == 0 ? 0 : 1 / weight;
      for (int channel = 0; channel < channels_; ++channel) {
        mean[channel] = factor * this->blobs_[0]->cpu_data()[channel];
        variance[channel] = factor * this->blobs_[1]->cpu_data()[channel];
      }
    } else {
      find_moments(pieces, from, mean, variance);
      remember(pieces.numbers(), mean, variance);
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
  static constexpr const char* kWhy = "stock: fewer than 8 numbers a channel and image";

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

  static bool covered(const Pieces& pieces) { return pieces.length >= kShortestPiece; }

  // The moving averages, from which the TEST phase lives.
  void remember(std::int64_t numbers, const float* mean, const float* variance) {
    float *means = this->blobs_[0]->mutable_cpu_data(), *variances = this->blobs_[1]->mutable_cpu_data();
    float* weight = this->blobs_[2]->mutable_cpu_data();
    *weight = *weight * moving_average_fraction_ + 1;
    const float correction = numbers > 1 ? float(numbers) / (numbers - 1) : 1;
    for (int channel = 0; channel < channels_; ++channel) {
      means[channel] = mean[channel] + moving_average_fraction_ * means[channel];
      variances[channel] = correction * variance[channel] + moving_average_fraction_ * variances[channel];
    }
  }

  // Each channel's mean and variance. Each piece has its squares around its own mean, and these are brought around the
  // channel's (Chan, Golub and LeVeque 1983, equation 2.1 for many parts at once): nothing cancels out.
  void find_moments(const Pieces& pieces, const float* x, float* mean, float* variance) const {
    Moments* of = static_cast<Moments*>(Scratch::bytes(pieces.count() * sizeof(Moments), Scratch::kShared));
    for_pieces(pieces, [&](std::int64_t first, std::int64_t last) { moments(pieces, first, last, x, of); });
    for (int channel = 0; channel < channels_; ++channel) {
      double sum = 0, squares = 0;
      for (std::int64_t piece = channel; piece < pieces.count(); piece += channels_) sum += of[piece].sum;
      const double middle = sum / pieces.numbers();
      for (std::int64_t piece = channel; piece < pieces.count(); piece += channels_) {
        const double away = of[piece].sum / pieces.length - middle;
        squares += of[piece].squares + away * away * pieces.length;
      }
      mean[channel] = middle;
      variance[channel] = squares / pieces.numbers();
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
    parallel(pieces.count(), kGrain / pieces.length + 1, work);
  }

  Listed listed_;
};

}  // namespace

LayerPointer create_batch_norm(const caffe::LayerParameter& parameter) {
  return LayerPointer(new BatchNorm(parameter));
}

}  // namespace fastcaffe
