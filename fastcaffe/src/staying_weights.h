// Weights that nobody writes any more. Whoever runs a net promises it of them (fastcaffe_weights_stay); then what a
// layer makes of its weights is made once, and not compared with them at every pass.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "caffe/layer.hpp"

namespace fastcaffe {

class StayingWeights {
 public:
  // Of a layer whose first parameters they will be.
  StayingWeights(const std::vector<boost::shared_ptr<caffe::Blob<float>>>* parameters, caffe::Phase phase);
  ~StayingWeights();
  StayingWeights(const StayingWeights&) = delete;

  // Whether these are the weights of the last look, so that the layer need not look at them: so it is promised, they
  // are still where they were, and some of them, spread over all, are what they were. Whoever loads other weights all
  // the same is noticed so, and the promise is void from then on.
  bool known();

  // Whether it is promised.
  bool stay() const { return promised_; }

  // Promises it of all layers that have these weights, or takes it back. Returns the place of the first weights of
  // which it is refused, because a layer for training has them; -1 if it is done.
  static int promise(const float* const* weights, int count, bool promised);

 private:
  struct Witness {
    std::int64_t at;
    float weight;
  };
  const caffe::Blob<float>* weights() const;
  void remember();

  const std::vector<boost::shared_ptr<caffe::Blob<float>>>* parameters_;
  const bool trained_;
  bool promised_ = false;
  const float* seen_ = nullptr;  // where they were at the last look, if they have stayed since
  std::vector<Witness> witnesses_;
};

}  // namespace fastcaffe
