// Layers that keep lanes and follow each other, by one thread: all of them do one group of images before the next, there
// and back, so that what they hand on stays in the second cache. A layer's pass waits for that until its reader's comes
// or, on the way back, that of the layer whose output it has read. The last group of the way there is the first of the
// way back, whatever the threads: it is still near, and sums are formed in one order.

#include <algorithm>

#include "lanes_kept.h"
#include "threads.h"

namespace fastcaffe {

// Those below that wait, and this layer along with them if it goes by groups, or else after them.
void KeepsLanes::forward_now() {
  std::vector<KeepsLanes*> layers;
  if (forward_by_group()) layers.push_back(this);
  for (KeepsLanes* at = source_; at && at->forward_waits_; at = at->source_) layers.push_back(at);
  for (int group = 0; group < in_->groups(); ++group) {
    for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) (*layer)->forward_group(group);
  }
  for (KeepsLanes* layer : layers) layer->forward_waits_ = false;
  if (forward_by_group()) return;
  apart() ? forward_apart() : forward_maps();
}

void KeepsLanes::forward_group(int group) const {
  for (int output = 0; output < out_.channels(); ++output) forward_map(output, group, 1);
}

// Those behind that wait, and this layer.
void KeepsLanes::backward_now() {
  if (!backward_by_group()) return backward_whole();
  std::vector<KeepsLanes*> layers = {this};
  for (KeepsLanes* at = reader_; at && at->backward_waits_; at = at->reader_) layers.push_back(at);
  for (KeepsLanes* layer : layers) layer->begin_sums();
  for (int group = out_.groups(); group-- > 0;) {
    for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) (*layer)->backward_group(group);
  }
  for (KeepsLanes* layer : layers) {
    layer->end_sums();
    layer->backward_waits_ = false;
  }
}

void KeepsLanes::begin_sums() {
  sums_.shape(lanes(), product_->begin(out_.channels()) + out_.channels(), LanesPlane::bare(1, 1));
  std::fill_n(sums_.begin(0), sums_.group_floats(), 0.f);
}

void KeepsLanes::backward_group(int group) {
  const int outputs = out_.channels(), channels = static_cast<int>(shape_.channels);
  float *sums = sums_.begin(0), *biases = sums + std::int64_t(product_->begin(outputs)) * lanes();
  if (!wanted_.biases_diff) biases = nullptr;
  if (both()) {
    diffs_of(group, 0, outputs, biases);
    return both_of(group, 0, channels, sums);
  }
  const std::int64_t pixels = shape_.out_height * shape_.out_width;
  float* map = wanted_.bottom ? nullptr : Scratch::floats(pixels * lanes(), Scratch::kShared);  // kOwn is the steps'
  weights_of(group, 1, 0, outputs, map, sums, biases);
  if (wanted_.bottom) data_of(group, 1, 0, channels);
}

// To the parameters' gradients.
void KeepsLanes::end_sums() const {
  const int outputs = out_.channels(), count = product_->begin(outputs);
  float* totals = Scratch::floats(count + outputs, Scratch::kShared);
  sum_of_lanes(sums_.begin(0), count + outputs, totals);
  for (int i = 0; wanted_.weights_diff && i < count; ++i) {
    wanted_.weights_diff[both() ? product_->weight_below(i) : product_->weight_at(i)] += totals[i];
  }
  for (int i = 0; wanted_.biases_diff && i < outputs; ++i) wanted_.biases_diff[i] += totals[count + i];
}

}  // namespace fastcaffe
