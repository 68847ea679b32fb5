// The passes of a convolution whose blobs have one image a lane (lanes_product.h), from and to Caffe's layout.
#pragma once

#include "convolution_passes.h"
#include "lanes_product.h"

namespace fastcaffe {

// What all three have: the product, with the synapses that exist now, and blobs of its shape.
class Kept {
 public:
  Kept(const ConvolutionShape& shape, const Pattern& pattern) : s(shape), pattern(pattern) {}

 protected:
  LanesProduct product(const float* weights) const {
    LanesProduct made(s, static_cast<int>(s.out_width));
    made.list(pattern);
    if (weights) made.weigh(weights), made.weigh_backward(weights);
    return made;
  }
  LanesBlob blob(std::int64_t channels, const LanesPlane& plane, const float* from = nullptr) const {
    LanesBlob made;
    made.shape(static_cast<int>(s.images), static_cast<int>(channels), plane);
    if (from) made.take(from);
    return made;
  }
  LanesPlane bare(std::int64_t height, std::int64_t width) const {
    return LanesPlane::bare(static_cast<int>(height), static_cast<int>(width));
  }
  const ConvolutionShape s;
  const Pattern& pattern;
};

class KeptForward : public ForwardPass, Kept {
 public:
  using Kept::Kept;
  std::string kernel() const override { return "lanes kept"; }
  void run(const float* bottom, const float* weights, const float* biases, float* top) const override {
    const LanesProduct made = product(weights);
    const LanesBlob in = blob(s.channels, LanesProduct::plane_below(s), bottom);
    const LanesBlob out = blob(s.outputs, bare(s.out_height, s.out_width));
    for (int i = 0; i < s.outputs; ++i) {
      made.forward(in, i, 0, in.groups(), biases ? biases[i] : 0, out.maps(0, i));
    }
    out.give(top);
  }
};

class KeptBackwardData : public BackwardDataPass, Kept {
 public:
  using Kept::Kept;
  std::string kernel() const override { return "lanes kept"; }
  void run(const float* top_diff, const float* weights, float* bottom_diff) const override {
    const LanesProduct made = product(weights);
    const LanesBlob diffs = blob(s.outputs, LanesProduct::plane_of_diffs(s), top_diff);
    const LanesBlob in = blob(s.channels, bare(s.height, s.width));
    for (int i = 0; i < s.channels; ++i) made.backward(diffs, i, 0, in.groups(), in.maps(0, i));
    in.give(bottom_diff);
  }
};

class KeptBackwardWeights : public BackwardWeightsPass, Kept {
 public:
  using Kept::Kept;
  std::string kernel() const override { return "lanes kept"; }
  void run(const float* bottom, const float* top_diff, float* weights_diff, float* biases_diff) const override {
    const LanesProduct made = product(nullptr);
    const LanesBlob in = blob(s.channels, LanesProduct::plane_below(s), bottom);
    const LanesBlob diffs = blob(s.outputs, LanesProduct::plane_of_diffs(s), top_diff);
    for (int i = 0; i < s.outputs; ++i) {
      std::vector<float> sums((made.begin(i + 1) - made.begin(i)) * lanes() + 1), total(lanes());
      made.correlate(in, i, 0, in.groups(), diffs.maps(0, i), sums.data(), biases_diff ? total.data() : nullptr);
      for (int synapse = made.begin(i); synapse < made.begin(i + 1); ++synapse) {
        float* weight = weights_diff + made.weight_at(synapse);
        for (int lane = 0; lane < lanes(); ++lane) *weight += sums[(synapse - made.begin(i)) * lanes() + lane];
      }
      for (int lane = 0; biases_diff && lane < lanes(); ++lane) biases_diff[i] += total[lane];
    }
  }
};

}  // namespace fastcaffe
