// Split, which Caffe puts where several layers read one blob: their gradients come together here.

#include "caffe/layers/split_layer.hpp"
#include "eltwise_kernels.h"
#include "followers.h"
#include "layers.h"
#include "listing.h"
#include "threads.h"

namespace fastcaffe {
namespace {

class Split : public caffe::SplitLayer<float>, public SplitFollower {
 public:
  explicit Split(const caffe::LayerParameter& parameter)
      : caffe::SplitLayer<float>(parameter), listed_("Split", parameter.name()) {}

  void Reshape(const Blobs& bottom, const Blobs& top) override {
    caffe::SplitLayer<float>::Reshape(bottom, top);
    works_on(bottom[0]);
  }

 protected:
  void Forward_cpu(const Blobs& bottom, const Blobs& top) override {
    listed_.runs("forward", "nothing to do: the tops share the bottom's memory");
    caffe::SplitLayer<float>::Forward_cpu(bottom, top);
  }

  void Backward_cpu(const Blobs& top, const std::vector<bool>& propagate_down, const Blobs& bottom) override {
    const bool covered = top.size() > 1;
    listed_.runs("backward", covered ? "simd" : "stock: one top");
    if (!covered) return caffe::SplitLayer<float>::Backward_cpu(top, propagate_down, bottom);
    if (!propagate_down[0]) return;
    const ReluFollower* relu = previous<ReluFollower>();
    if (top.size() == 2 && relu && relu->takes_split()) {
      for (int i = 0; i < 2; ++i) diffs[i] = top[i]->cpu_diff();
      wait();
      return listed_.runs("backward", leader());
    }
    std::vector<const float*> from;
    for (const caffe::Blob<float>* blob : top) from.push_back(blob->cpu_diff());
    float* to = bottom[0]->mutable_cpu_diff();
    parallel(bottom[0]->count(), kCopied, [&](std::int64_t first, std::int64_t last) {
      add(last - first, from[0] + first, from[1] + first, to + first);
      for (std::size_t i = 2; i < from.size(); ++i) add_weighted(last - first, 1, from[i] + first, to + first);
    });
  }

  Listed listed_;
};

}  // namespace

LayerPointer create_split(const caffe::LayerParameter& parameter) { return LayerPointer(new Split(parameter)); }

}  // namespace fastcaffe
