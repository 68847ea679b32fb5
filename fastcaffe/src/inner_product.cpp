// InnerProduct whose synapses are few: of a batch one image a lane of a vector, of fewer images one after the other if
// its weights stay. Denser ones, other small batches and transposed weights stay Caffe's own.

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "caffe/layers/inner_product_layer.hpp"
#include "lanes_kept.h"
#include "lanes_kernels.h"
#include "layers.h"
#include "listing.h"
#include "promises.h"
#include "sparse_dot_kernels.h"
#include "sparse_lanes_kernels.h"
#include "sparse_limits.h"
#include "sparse_lists.h"
#include "sparse_pattern.h"
#include "staying_weights.h"
#include "threads.h"

namespace fastcaffe {
namespace {

constexpr std::int64_t kFewestImages = 16;

// `numbers` of each of `images` images, as vectors: those of all groups of images that belong to one number lie side by
// side.
class Turned {
 public:
  Turned(int images, int numbers) : images_(images), numbers_(numbers), groups_((images - 1) / lanes() + 1) {
    for (int i = 0; i < numbers; ++i) place_.push_back(i * groups_);
  }

  int row() const { return groups_ * lanes(); }  // floats of one number
  std::int64_t floats() const { return std::int64_t(numbers_) * row(); }

  void fill(const float* from, float* to) const {
    for (int group = 0; group < groups_; ++group) {
      to_lanes(from + std::int64_t(group) * lanes() * numbers_, numbers_, images_in(group), numbers_, place_.data(),
               to + group * lanes());
    }
  }
  void empty(const float* from, float* to) const {
    for (int group = 0; group < groups_; ++group) {
      from_lanes(from + group * lanes(), images_in(group), numbers_, place_.data(),
                 to + std::int64_t(group) * lanes() * numbers_, numbers_);
    }
  }
  // All groups of images, as many at a time as the registers hold.
  std::vector<SparseTile> tiles() const {
    std::vector<SparseTile> all;
    for (int group = 0, columns; group < groups_; group += columns) {
      columns = sparse_tile();
      while (columns > groups_ - group) columns /= 2;
      all.push_back({1, columns, group, group, 0, 1});
    }
    return all;
  }

 private:
  int images_in(int group) const { return std::min(lanes(), images_ - group * lanes()); }

  int images_, numbers_, groups_;
  std::vector<std::int32_t> place_;
};

class InnerProduct : public caffe::InnerProductLayer<float>, public KeepsLanes {
 public:
  explicit InnerProduct(const caffe::LayerParameter& parameter)
      : caffe::InnerProductLayer<float>(parameter),
        KeepsLanes(parameter.phase()),
        staying_(&this->blobs_, parameter.phase()),
        listed_("InnerProduct", parameter.name()) {}

  LanesPlane plane_below(int height, int width) const override { return LanesPlane::bare(height, width); }

 protected:
  void Forward_cpu(const Blobs& bottom, const Blobs& top) override {
    const float *weights = this->blobs_[0]->cpu_data(), *biases = bias_term_ ? this->blobs_[1]->cpu_data() : nullptr;
    if (forward_in_lanes(few_synapses(*bottom[0]), shape(), pattern_, weights, biases, bottom[0], top[0])) {
      return listed_.runs("forward", kept());
    }
    sparse_ = follow();
    listed_.runs("forward", on(sparse_));
    if (sparse_ && !lanes_filled()) return multiply_each(bottom[0]->cpu_data(), biases, top[0]->mutable_cpu_data());
    if (!sparse_) return caffe::InnerProductLayer<float>::Forward_cpu(bottom, top);
    multiply(forward_, bottom[0]->cpu_data(), K_, biases, top[0]->mutable_cpu_data(), N_);
  }

  void Backward_cpu(const Blobs& top, const std::vector<bool>& propagate_down, const Blobs& bottom) override {
    if (gradients_in_lanes(top[0])) return lanes_backward(propagate_down[0] ? bottom[0] : nullptr);
    sparse_ = sparse_ && lanes_filled() && follow();
    const bool weights = sparse_ && absent_stays_ && this->param_propagate_down_[0];
    const bool data = sparse_ && propagate_down[0];
    listed_.runs("backward data", data || !propagate_down[0] ? kName : kWhy);
    listed_.runs("backward weights", weights ? kName : kWhy);
    if (data) multiply(backward_, top[0]->cpu_diff(), N_, nullptr, bottom[0]->mutable_cpu_diff(), K_);
    if (weights) correlate(bottom[0]->cpu_data(), top[0]->cpu_diff());
    const std::vector<bool> kept = this->param_propagate_down_;
    if (weights) this->param_propagate_down_[0] = false;
    caffe::InnerProductLayer<float>::Backward_cpu(top, {propagate_down[0] && !data}, bottom);
    this->param_propagate_down_ = kept;
  }

 private:
  ConvolutionShape shape() const {
    return {M_, K_, 1, 1, N_, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, thread_count(), bias_term_};
  }

  bool few_synapses(const caffe::Blob<float>& bottom) {
    const bool asked = this->param_propagate_down_[0] && !absent_stays_;  // for every gradient
    if (!may_keep() || transpose_ || !whole_images(bottom) || asked || !this->blobs_[0]->count()) return false;
    pattern_.follow(this->blobs_[0]->cpu_data(), this->blobs_[0]->count());
    return pattern_.synapses() && pattern_.density() < (wished_ ? 2 : kLanesKeptBelow);
  }

  // Whether it makes one row of numbers of each image, which is what those that read lanes expect of it.
  bool whole_images(const caffe::Blob<float>& bottom) const {
    return bottom.CanonicalAxisIndex(this->layer_param_.inner_product_param().axis()) == 1;
  }

  void lanes_backward(caffe::Blob<float>* bottom) {
    const float* weights = this->blobs_[0]->cpu_data();
    const bool learns = this->param_propagate_down_[0], bias = bias_term_ && this->param_propagate_down_[1];
    pattern_.follow(weights, this->blobs_[0]->count());
    backward_in_lanes(pattern_, weights, learns ? this->blobs_[0]->mutable_cpu_diff() : nullptr,
                      bias ? this->blobs_[1]->mutable_cpu_diff() : nullptr, bottom);
    listed_.runs("backward data", kept());
    listed_.runs("backward weights", kept());
  }

  static constexpr const char* kName = "sparse lanes";
  static constexpr const char* kStaying = "sparse, weights stay";
  static constexpr const char* kWhy = "stock: many synapses, or few images";

  bool lanes_filled() const { return M_ >= kFewestImages; }
  const char* on(bool sparse) const { return !sparse ? kWhy : staying_.stay() ? kStaying : kName; }

  // Whether the sparse code is worth it; its lists are those of today's weights then.
  bool follow() {
    if (!allowed_ || transpose_ || this->blobs_[0]->count() == 0) return false;
    const float* weights = this->blobs_[0]->cpu_data();
    if (!staying_.known()) {
      if (!lanes_filled() && !staying_.stay()) return false;  // to look at them costs what Caffe's product does
      pattern_.follow(weights, this->blobs_[0]->count());
    }
    const double below = wished_ ? 2 : lanes_filled() ? kSparseInnerProductBelow : kSparseFewImagesBelow;
    if (pattern_.synapses() == 0 || pattern_.density() >= below) return false;
    if (pattern_.version() == version_ && row_ == row() && looks_ == pattern_.looks()) return true;
    if (pattern_.version() != version_ || row_ != row()) list();
    forward_.weigh(weights);
    backward_.weigh(weights);
    looks_ = pattern_.looks();
    return true;
  }

  // From one input to the next where the lists are used.
  int row() const { return lanes_filled() ? Turned(M_, 1).row() : 1; }

  void list() {
    row_ = row();
    version_ = pattern_.version();
    forward_.clear();
    for (std::int64_t output = 0; output < N_; ++output) {
      forward_.next();
      for (std::int64_t input = 0; input < K_; ++input) {
        if (pattern_.exists(output * K_ + input)) forward_.add(input * row_, output * K_ + input);
      }
    }
    forward_.next();
    backward_.clear();
    for (std::int64_t input = 0; input < K_; ++input) {
      backward_.next();
      for (std::int64_t output = 0; output < N_; ++output) {
        if (pattern_.exists(output * K_ + input)) backward_.add(output * row_, output * K_ + input);
      }
    }
    backward_.next();
  }

  void multiply(const SynapseLists& lists, const float* in, int inputs, const float* biases, float* out, int outputs) {
    const Turned below(M_, inputs), above(M_, outputs);
    const std::vector<SparseTile> tiles = below.tiles();
    float* from = Scratch::floats(below.floats() + above.floats(), Scratch::kShared);
    float* to = from + below.floats();
    below.fill(in, from);
    parallel(outputs, kMultiplied / (lists.size() * M_ / outputs + 1) + 1, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t output = first; output < last; ++output) {
        convolve_sparse_lanes(from, 0, tiles.data(), static_cast<int>(tiles.size()), lists.all.data(),
                              lists.begin.data() + output, {biases ? biases[output] : 0.f}, to + output * above.row(),
                              0);
      }
    });
    above.empty(to, out);
  }

  void multiply_each(const float* in, const float* biases, float* out) {
    parallel(N_, kMultiplied / (forward_.size() * M_ / N_ + 1) + 1, [&](std::int64_t first, std::int64_t last) {
      for (int image = 0; image < M_; ++image) {
        multiply_sparse_vector(in + std::int64_t(image) * K_, forward_.all.data(), forward_.begin.data(),
                               static_cast<int>(first), static_cast<int>(last), biases, out + std::int64_t(image) * N_);
      }
    });
  }

  void correlate(const float* bottom, const float* top_diff) {
    const Turned below(M_, K_), above(M_, N_);
    const std::vector<SparseTile> tiles = below.tiles();
    float* in = Scratch::floats(below.floats() + above.floats(), Scratch::kShared);
    float *diff = in + below.floats(), *weights_diff = this->blobs_[0]->mutable_cpu_diff();
    below.fill(bottom, in);
    above.fill(top_diff, diff);
    parallel(N_, kMultiplied / (forward_.size() * M_ / N_ + 1) + 1, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t output = first; output < last; ++output) {
        const std::int32_t begin = forward_.begin[output], count = forward_.begin[output + 1] - begin;
        float *sums = Scratch::floats(count * (lanes() + 1) + 1, Scratch::kOwn), *totals = sums + count * lanes();
        std::fill(sums, totals, 0.f);
        correlate_sparse_lanes(in, 0, tiles.data(), static_cast<int>(tiles.size()), diff + output * above.row(), 0,
                               forward_.all.data(), forward_.begin.data() + output, sums);
        sum_of_lanes(sums, count, totals);
        for (std::int32_t i = 0; i < count; ++i) weights_diff[forward_.weight_at[begin + i]] += totals[i];
      }
    });
  }

  const bool allowed_ = sparse_allowed(), wished_ = std::getenv("FASTCAFFE_CONVOLUTION") != nullptr;
  const bool absent_stays_ = absent_stays_absent();
  bool sparse_ = false;  // whether the last forward pass was
  Pattern pattern_;
  SynapseLists forward_, backward_;
  StayingWeights staying_;
  std::int64_t row_ = 0;                  // that the lists are for
  std::int64_t version_ = 0, looks_ = 0;  // of the pattern, when they were made and weighed
  Listed listed_;
};

}  // namespace

LayerPointer create_inner_product(const caffe::LayerParameter& parameter) {
  return LayerPointer(new InnerProduct(parameter));
}

}  // namespace fastcaffe
