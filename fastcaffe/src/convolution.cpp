// Convolution in two dimensions, on one of seven kinds of passes: sparse ones where few synapses exist, else by the shape
// alone. Whatever none of them can do is left to Caffe's own code.

#include <algorithm>
#include <exception>
#include <functional>
#include <memory>

#include "caffe/layers/conv_layer.hpp"
#include "convolution_sparse.h"
#include "lanes_kept.h"
#include "layers.h"
#include "listing.h"
#include "promises.h"
#include "staying_weights.h"
#include "threads.h"

namespace fastcaffe {
namespace {

// What was made for a shape: a pass, or the reason why there is none.
template <class Pass>
struct Made {
  ConvolutionShape shape;
  std::unique_ptr<Pass> pass;
  std::string on;
};

// The passes of the shapes that a layer had last: nets that are reshaped mostly go to and fro between a few.
template <class Pass>
class Passes {
 public:
  typedef std::function<std::unique_ptr<Pass>(const ConvolutionShape&)> Maker;

  // Of these, the first that makes a pass has it.
  explicit Passes(std::initializer_list<Maker> makers) : makers_(makers) {}

  const Made<Pass>& get(const ConvolutionShape& shape) {
    const auto found = std::find_if(made_.begin(), made_.end(), [&](const Made<Pass>& m) { return m.shape == shape; });
    if (found != made_.end()) {
      std::rotate(made_.begin(), found, found + 1);
    } else {
      if (made_.size() == kKept) made_.pop_back();
      made_.insert(made_.begin(), make(shape));
    }
    return made_.front();
  }

 private:
  static constexpr std::size_t kKept = 8;

  Made<Pass> make(const ConvolutionShape& shape) const {
    try {
      std::unique_ptr<Pass> pass;
      for (const Maker& maker : makers_) {
        if (!pass) pass = maker(shape);
      }
      const std::string on = pass ? pass->kernel() : "stock: there is no oneDNN, and lanes would be slower";
      return {shape, std::move(pass), on};
    } catch (const std::exception& error) {
      return {shape, nullptr, std::string("stock: ") + error.what()};
    }
  }

  std::vector<Maker> makers_;
  std::vector<Made<Pass>> made_;
};

class Convolution : public caffe::ConvolutionLayer<float>, public KeepsLanes {
 public:
  explicit Convolution(const caffe::LayerParameter& parameter)
      : caffe::ConvolutionLayer<float>(parameter),
        KeepsLanes(parameter.phase()),
        staying_(&this->blobs_, parameter.phase()),
        listed_("Convolution", parameter.name()) {}

  LanesPlane plane_below(int height, int width) const override {
    return two_dimensional() ? LanesProduct::plane_below(shape(1, 1, height, width, false))
                             : LanesPlane::bare(height, width);
  }

 protected:
  void Forward_cpu(const Blobs& bottom, const Blobs& top) override {
    if (forward_kept(bottom, top)) return listed_.runs("forward", kept());
    const Made<ForwardPass>* made = nullptr;
    if (covered(bottom, top)) {
      const ConvolutionShape s = shape(bottom, this->bias_term_);
      sparse_ = allowed_ && few_synapses(s);
      made = &chosen(s, sparse_forward_, forward_);
    }
    listed_.runs("forward", made ? std::string_view(made->on) : kWhy, staying());
    if (!made || !made->pass) return caffe::ConvolutionLayer<float>::Forward_cpu(bottom, top);
    const float* biases = this->bias_term_ ? this->blobs_[1]->cpu_data() : nullptr;
    for (std::size_t i = 0; i < bottom.size(); ++i) {
      made->pass->run(bottom[i]->cpu_data(), this->blobs_[0]->cpu_data(), biases, top[i]->mutable_cpu_data());
    }
  }

  void Backward_cpu(const Blobs& top, const std::vector<bool>& propagate_down, const Blobs& bottom) override {
    if (gradients_in_lanes(top[0])) return backward_kept(propagate_down[0] ? bottom[0] : nullptr);
    if (!covered(bottom, top)) {
      listed_.runs("backward", kWhy);
      return caffe::ConvolutionLayer<float>::Backward_cpu(top, propagate_down, bottom);
    }
    sparse_ = sparse_ && few_synapses(shape(bottom, this->bias_term_));
    if (backward_at_once(top, propagate_down, bottom)) return;
    const std::vector<bool> nowhere(bottom.size(), false);
    if (!backward_data(top, propagate_down, bottom)) {
      const ParametersFrozen frozen(this);
      caffe::ConvolutionLayer<float>::Backward_cpu(top, propagate_down, bottom);
    }
    if (!backward_weights(top, bottom)) caffe::ConvolutionLayer<float>::Backward_cpu(top, nowhere, bottom);
  }

 private:
  static constexpr const char* kWhy = "stock: not two-dimensional, or in place";

  // While it lives, Caffe's backward pass leaves the parameters' gradients alone.
  struct ParametersFrozen {
    explicit ParametersFrozen(Convolution* layer) : layer(layer), kept(layer->param_propagate_down_) {
      layer->param_propagate_down_.assign(kept.size(), false);
    }
    ~ParametersFrozen() { layer->param_propagate_down_ = kept; }
    Convolution* layer;
    std::vector<bool> kept;
  };

  // In lanes that are kept, if somebody reads them.
  bool forward_kept(const Blobs& bottom, const Blobs& top) {
    if (!may_keep()) return false;
    const bool alone = bottom.size() == 1 && covered(bottom, top);
    const ConvolutionShape s = alone ? shape(bottom, this->bias_term_) : ConvolutionShape();
    bool few = alone && (absent_stays_ || !this->param_propagate_down_[0]);
    if (few) {
      pattern_.follow(this->blobs_[0]->cpu_data(), this->blobs_[0]->count());
      few = pattern_.synapses() > 0 && pattern_.density() < lanes_kept_below(s);
    }
    return forward_in_lanes(few, s, pattern_, this->blobs_[0]->cpu_data(),
                            this->bias_term_ ? this->blobs_[1]->cpu_data() : nullptr, bottom[0], top[0]);
  }

  void backward_kept(caffe::Blob<float>* bottom) {
    const float* weights = this->blobs_[0]->cpu_data();
    const bool learns = this->param_propagate_down_[0], bias = this->bias_term_ && this->param_propagate_down_[1];
    pattern_.follow(weights, this->blobs_[0]->count());
    backward_in_lanes(pattern_, weights, learns ? this->blobs_[0]->mutable_cpu_diff() : nullptr,
                      bias ? this->blobs_[1]->mutable_cpu_diff() : nullptr, bottom);
    if (bottom) listed_.runs("backward data", kept());
    listed_.runs("backward weights", kept());
  }

  // Each returns whether it did its work. Both gradients of each bottom, where one pass has them:
  bool backward_at_once(const Blobs& top, const std::vector<bool>& propagate_down, const Blobs& bottom) {
    const bool wanted = std::find(propagate_down.begin(), propagate_down.end(), false) == propagate_down.end();
    if (!sparse_ || !wanted || !absent_stays_ || !this->param_propagate_down_[0]) return false;
    const bool bias = this->bias_term_ && this->param_propagate_down_[1];
    const Made<BackwardPass>& made = sparse_backward_.get(shape(bottom, bias));
    if (!made.pass) return false;
    listed_.runs("backward data", made.on, staying());
    listed_.runs("backward weights", made.on, staying());
    for (std::size_t i = 0; i < top.size(); ++i) {
      made.pass->run(bottom[i]->cpu_data(), top[i]->cpu_diff(), this->blobs_[0]->cpu_data(),
                     {bottom[i]->mutable_cpu_diff(), this->blobs_[0]->mutable_cpu_diff(),
                      bias ? this->blobs_[1]->mutable_cpu_diff() : nullptr});
    }
    return true;
  }

  bool backward_data(const Blobs& top, const std::vector<bool>& propagate_down, const Blobs& bottom) {
    for (std::size_t i = 0; i < top.size(); ++i) {
      if (!propagate_down[i]) continue;
      const Made<BackwardDataPass>& made = chosen(shape(bottom, false), sparse_data_, data_);
      listed_.runs("backward data", made.on, staying());
      if (!made.pass) return false;
      made.pass->run(top[i]->cpu_diff(), this->blobs_[0]->cpu_data(), bottom[i]->mutable_cpu_diff());
    }
    return true;
  }

  bool backward_weights(const Blobs& top, const Blobs& bottom) {
    const bool bias = this->bias_term_ && this->param_propagate_down_[1];
    if (!this->param_propagate_down_[0]) return !bias;  // a bias alone is Caffe's: rare, and cheap
    const ConvolutionShape s = shape(bottom, bias);
    const Made<BackwardWeightsPass>& made = absent_stays_ ? chosen(s, sparse_weights_, weights_) : weights_.get(s);
    listed_.runs("backward weights", made.on, staying());
    if (!made.pass) return false;
    for (std::size_t i = 0; i < top.size(); ++i) {
      made.pass->run(bottom[i]->cpu_data(), top[i]->cpu_diff(), this->blobs_[0]->mutable_cpu_diff(),
                     bias ? this->blobs_[1]->mutable_cpu_diff() : nullptr);
    }
    return true;
  }

  // The sparse pass if synapses are few enough and there is one, else the dense one.
  template <class Pass>
  const Made<Pass>& chosen(const ConvolutionShape& s, Passes<Pass>& sparse, Passes<Pass>& dense) {
    if (sparse_) {
      const Made<Pass>& made = sparse.get(s);
      if (made.pass) return made;
    }
    return dense.get(s);
  }

  // What it says of a pass whose lists were not compared with the weights.
  const char* staying() const { return sparse_ && staying_.stay() ? ", weights stay" : ""; }

  // Where a forward pass found many, the backward pass need not look again. A layer without a single synapse may be one
  // that has not learnt anything yet.
  bool few_synapses(const ConvolutionShape& s) {
    const double below = sparse_below(s);
    if (below > 0 && !staying_.known()) pattern_.follow(this->blobs_[0]->cpu_data(), this->blobs_[0]->count());
    return below > 0 && pattern_.synapses() > 0 && pattern_.density() < below;
  }

  bool two_dimensional() const { return this->num_spatial_axes_ == 2 && this->channel_axis_ == 1; }

  // Images of channels of rows of columns, something of each, and not in place: stock Caffe copies an image before it
  // writes any of it, passes here need not.
  bool covered(const Blobs& bottom, const Blobs& top) const {
    for (std::size_t i = 0; i < bottom.size(); ++i) {
      if (bottom[i] == top[i]) return false;
    }
    return two_dimensional() && bottom[0]->count() > 0 && this->output_shape_[0] > 0 && this->output_shape_[1] > 0;
  }

  ConvolutionShape shape(const Blobs& bottom, bool bias) const {
    const caffe::Blob<float>& b = *bottom[0];
    return shape(b.shape(0), b.shape(1), b.shape(2), b.shape(3), bias);
  }

  ConvolutionShape shape(int images, int channels, int height, int width, bool bias) const {
    const int *kernel = this->kernel_shape_.cpu_data(), *stride = this->stride_.cpu_data();
    const int *pad = this->pad_.cpu_data(), *dilation = this->dilation_.cpu_data();
    const auto size = [&](int axis, int in) {
      return (in + 2 * pad[axis] - dilation[axis] * (kernel[axis] - 1) - 1) / stride[axis] + 1;
    };
    return {images,
            channels,
            height,
            width,
            this->num_output_,
            size(0, height),
            size(1, width),
            this->group_,
            kernel[0],
            kernel[1],
            stride[0],
            stride[1],
            pad[0],
            pad[1],
            dilation[0],
            dilation[1],
            thread_count(),
            bias};
  }

#if FASTCAFFE_ONEDNN
  Passes<ForwardPass> forward_{pointwise_forward, winograd_forward, rows_forward, lanes_forward, onednn_forward};
  Passes<BackwardDataPass> data_{pointwise_backward_data, winograd_backward_data, rows_backward_data,
                                 lanes_backward_data, onednn_backward_data};
  Passes<BackwardWeightsPass> weights_{pointwise_backward_weights, winograd_backward_weights, rows_backward_weights,
                                       lanes_backward_weights, onednn_backward_weights};
#else
  Passes<ForwardPass> forward_{winograd_forward, rows_forward, lanes_forward};
  Passes<BackwardDataPass> data_{winograd_backward_data, rows_backward_data, lanes_backward_data};
  Passes<BackwardWeightsPass> weights_{winograd_backward_weights, rows_backward_weights, lanes_backward_weights};
#endif
  Pattern pattern_;
  StayingWeights staying_;
  const bool allowed_ = sparse_allowed();
  bool sparse_ = false;  // whether the last pass found few synapses
  const bool absent_stays_ = absent_stays_absent();
  Passes<ForwardPass> sparse_forward_{[this](const ConvolutionShape& s) { return sparse_forward(s, pattern_); }};
  Passes<BackwardPass> sparse_backward_{[this](const ConvolutionShape& s) { return sparse_backward(s, pattern_); }};
  Passes<BackwardDataPass> sparse_data_{
      [this](const ConvolutionShape& s) { return sparse_backward_data(s, pattern_); }};
  Passes<BackwardWeightsPass> sparse_weights_{
      [this](const ConvolutionShape& s) { return sparse_backward_weights(s, pattern_); }};
  Listed listed_;
};

}  // namespace

LayerPointer create_convolution(const caffe::LayerParameter& parameter) {
  if (parameter.convolution_param().engine() == caffe::ConvolutionParameter_Engine_CUDNN) {
    return stock_creator("Convolution")(parameter);
  }
  return LayerPointer(new Convolution(parameter));
}

}  // namespace fastcaffe
