// The passes of a convolution whose blobs have one image a lane (lanes_product.h), from and to Caffe's layout.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <vector>

#include "convolution_passes.h"
#include "lanes_product.h"
#include "map_kernels.h"

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
  // One channel's, and those of its synapses.
  static void both_gradients(const LanesProduct& made, const LanesBlob& in, const LanesBlob& diffs, int channel,
                             const LanesBlob& in_diff, float* sums) {
    if (made.flat()) {
      return made.gradients_of_numbers(in, diffs, channel, channel + 1, in_diff.maps(0, channel), sums);
    }
    for (int group = 0; group < in.groups(); ++group) {
      made.gradients(in, diffs, channel, group, group, in_diff.maps(group, channel), sums);
    }
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
    bool alike = true;
    for (int i = 0; i < s.outputs; ++i) {
      const float bias = biases ? biases[i] : 0;
      const LanesMaps maps = out.maps(0, i);
      made.forward(in, i, 0, in.groups(), {bias}, maps);
      alike = alike && rectified_alike(made, in, i, bias, maps) && rows_alike(made, in, i, bias, maps);
    }
    out.give(top);
    if (!alike) *top = NAN;
  }

 private:
  // Whether the product makes of its sums, on the way, what ReLU makes of them afterwards.
  bool rectified_alike(const LanesProduct& made, const LanesBlob& in, int output, float bias, LanesMaps maps) const {
    if (made.flat()) return true;
    const int height = static_cast<int>(s.out_height), width = static_cast<int>(s.out_width);
    const LanesBlob out = blob(1, bare(height, width)), after = blob(1, bare(height, width));
    std::vector<std::uint16_t> positive(in.groups() * height * width), then(positive.size());
    made.forward(in, output, 0, in.groups(), {bias, false, positive.data()}, out.maps(0, 0));
    for (int group = 0; group < in.groups(); ++group) {
      std::uint16_t* words = then.data() + group * height * width;
      rectify_map(maps.of(group), width, height, width, after.begin(group), width, words);
    }
    return positive == then && !std::memcmp(out.begin(0), after.begin(0), bytes(out));
  }
  // Whether it makes the same by rows.
  bool rows_alike(const LanesProduct& made, const LanesBlob& in, int output, float bias, LanesMaps maps) const {
    if (!made.by_rows(output)) return true;
    const int height = static_cast<int>(s.out_height), width = static_cast<int>(s.out_width);
    const LanesBlob out = blob(1, bare(height, width));
    bool alike = true;
    for (int group = 0; group < in.groups(); ++group) {
      for (int row = 0; row < height; row += 3) {
        made.forward_rows(in, output, group, {row, std::min(height, row + 3)}, bias, out.maps(group, 0));
      }
      alike = alike && !std::memcmp(out.begin(group), maps.of(group), out.group_floats() * sizeof(float));
    }
    return alike;
  }
  static std::size_t bytes(const LanesBlob& blob) { return blob.groups() * blob.group_floats() * sizeof(float); }
};

class KeptBackwardData : public BackwardDataPass, Kept {
 public:
  using Kept::Kept;
  std::string kernel() const override { return "lanes kept"; }
  void run(const float* top_diff, const float* weights, float* bottom_diff) const override {
    const LanesProduct made = product(weights);
    const LanesBlob diffs = blob(s.outputs, LanesProduct::plane_of_diffs(s), top_diff);
    const LanesBlob in = blob(s.channels, bare(s.height, s.width));
    for (int i = 0; i < s.channels; ++i) backward(made, diffs, i, in);
    in.give(bottom_diff);
  }

 private:
  // Every second channel along with the gradients of its synapses, if it can be.
  void backward(const LanesProduct& made, const LanesBlob& diffs, int channel, const LanesBlob& in_diff) const {
    if (channel % 2 || !made.both()) {
      return made.backward(diffs, channel, 0, in_diff.groups(), in_diff.maps(0, channel));
    }
    const LanesBlob in = blob(s.channels, LanesProduct::plane_below(s));
    std::vector<float> sums((made.begin_below(channel + 1) - made.begin_below(channel)) * lanes() + 1);
    both_gradients(made, in, diffs, channel, in_diff, sums.data());
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
    std::vector<float> whole(s.outputs * (s.channels / s.groups) * s.kernel_h * s.kernel_w);  // of the inputs there
    if (made.both()) along_with_bottom(made, in, diffs, whole.data());
    for (int i = 0; i < s.outputs; ++i) {
      std::vector<float> sums((made.begin(i + 1) - made.begin(i)) * lanes() + 1), total(lanes());
      correlate(made, in, i, diffs, sums.data(), biases_diff ? total.data() : nullptr);
      for (int synapse = made.begin(i); synapse < made.begin(i + 1); ++synapse) {
        float* weight = weights_diff + made.weight_at(synapse);
        const float* vector = sums.data() + (synapse - made.begin(i)) * lanes();
        const bool known = there(made, synapse);
        *weight += known ? whole[made.weight_at(synapse)] : std::accumulate(vector, vector + lanes(), 0.f);
      }
      for (int lane = 0; biases_diff && lane < lanes(); ++lane) biases_diff[i] += total[lane];
    }
  }

 private:
  // Those of every second channel along with the channel's own, if they can be.
  bool there(const LanesProduct& made, int synapse) const {
    const std::int64_t kernel = s.kernel_h * s.kernel_w, channels = s.channels / s.groups;
    const std::int64_t output = made.weight_at(synapse) / kernel / channels;
    const std::int64_t group = output / (s.outputs / s.groups);
    const std::int64_t channel = group * channels + made.weight_at(synapse) / kernel % channels;
    return made.both() && channel % 2 == 0;
  }
  void along_with_bottom(const LanesProduct& made, const LanesBlob& in, const LanesBlob& diffs, float* whole) const {
    const LanesBlob in_diff = blob(s.channels, bare(s.height, s.width));
    for (int channel = 0; channel < s.channels; channel += 2) {
      const int begin = made.begin_below(channel), count = made.begin_below(channel + 1) - begin;
      std::vector<float> sums(count * lanes() + 1);
      both_gradients(made, in, diffs, channel, in_diff, sums.data());
      for (int i = 0; i < count; ++i) sum_of_lanes(sums.data() + i * lanes(), 1, whole + made.weight_below(begin + i));
    }
  }
  // Every second output by rows, if it can be.
  void correlate(const LanesProduct& made, const LanesBlob& in, int output, const LanesBlob& diffs, float* sums,
                 float* total) const {
    if (output % 2 || !made.by_rows(output)) {
      return made.correlate(in, output, 0, in.groups(), diffs.maps(0, output), sums, total);
    }
    const int height = static_cast<int>(s.out_height);
    for (int group = 0; group < in.groups(); ++group) {
      for (int row = 0; row < height; row += 2) {
        const LanesProduct::Rows rows = {row, std::min(height, row + 2)};
        made.correlate_rows(in, output, group, rows, diffs.maps(group, output), sums, total);
      }
    }
  }
};

}  // namespace fastcaffe
