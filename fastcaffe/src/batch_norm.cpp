// Batch normalisation of channels that have at least some neighbouring numbers an image; behind an InnerProduct it
// stays Caffe's own.

#include <cmath>

#include "caffe/layers/batch_norm_layer.hpp"
#include "channel_kernels.h"
#include "layers.h"
#include "listing.h"
#include "threads.h"

namespace fastcaffe {
namespace {

constexpr std::int64_t kGrain = 16384;      // numbers below which another thread costs more than it brings
constexpr std::int64_t kShortestPiece = 8;  // of which vectors can be made

class BatchNorm : public caffe::BatchNormLayer<float> {
 public:
  explicit BatchNorm(const caffe::LayerParameter& parameter)
      : caffe::BatchNormLayer<float>(parameter), listed_("BatchNorm", parameter.name()) {}

 protected:
  void Forward_cpu(const Blobs& bottom, const Blobs& top) override {
    const Pieces pieces = pieces_of(*bottom[0]);
    listed_.runs("forward", covered(pieces) ? "simd" : kWhy);
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
      for_channels(pieces, [&](int channel) {
        const float* x = from + channel * pieces.length;
        mean[channel] = sum(pieces, x) / pieces.numbers();
        variance[channel] = sum_of_squares_around(pieces, x, mean[channel]) / pieces.numbers();
      });
      remember(pieces.numbers(), mean, variance);
    }
    // From here on it is the deviation, as in Caffe.
    for (int channel = 0; channel < channels_; ++channel) variance[channel] = std::sqrt(variance[channel] + eps_);
    float* to = top[0]->mutable_cpu_data();
    float* kept = use_global_stats_ ? nullptr : x_norm_.mutable_cpu_data();  // later layers may work in place
    for_channels(pieces, [&](int channel) {
      const std::int64_t at = channel * pieces.length;
      normalise(pieces, from + at, mean[channel], variance[channel], to + at, kept ? kept + at : nullptr);
    });
  }

  void Backward_cpu(const Blobs& top, const std::vector<bool>& propagate_down, const Blobs& bottom) override {
    const Pieces pieces = pieces_of(*bottom[0]);
    listed_.runs("backward", covered(pieces) ? "simd" : kWhy);
    if (!covered(pieces)) return caffe::BatchNormLayer<float>::Backward_cpu(top, propagate_down, bottom);
    const float *diff = top[0]->cpu_diff(), *deviation = variance_.cpu_data();
    float* to = bottom[0]->mutable_cpu_diff();
    const float* y = use_global_stats_ ? nullptr : x_norm_.cpu_data();
    for_channels(pieces, [&](int channel) {
      const std::int64_t at = channel * pieces.length;
      if (y) {
        const Sums totals = sums(pieces, diff + at, y + at);
        normalise_backward(pieces, diff + at, y + at, totals.of_x / pieces.numbers(),
                           totals.of_products / pieces.numbers(), deviation[channel], to + at);
      } else {
        normalise(pieces, diff + at, 0, deviation[channel], to + at, nullptr);
      }
    });
  }

 private:
  static constexpr const char* kWhy = "stock: fewer than 8 numbers a channel and image";

  Pieces pieces_of(const caffe::Blob<float>& blob) const {
    const std::int64_t images = blob.shape(0), length = blob.count() / std::max<std::int64_t>(1, images * channels_);
    return {images, length, length * channels_};
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

  template <class Work>
  void for_channels(const Pieces& pieces, const Work& work) const {
    parallel(channels_, kGrain / std::max<std::int64_t>(1, pieces.numbers()) + 1,
             [&](std::int64_t first, std::int64_t last) {
               for (std::int64_t channel = first; channel < last; ++channel) work(static_cast<int>(channel));
             });
  }

  Listed listed_;
};

}  // namespace

LayerPointer create_batch_norm(const caffe::LayerParameter& parameter) {
  return LayerPointer(new BatchNorm(parameter));
}

}  // namespace fastcaffe
