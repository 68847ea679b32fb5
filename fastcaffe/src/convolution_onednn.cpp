// The passes on oneDNN. It works on the layouts that it likes best, so each pass brings its inputs there and its output
// back to Caffe's, a large batch in turns.

#include <stdexcept>
#include <unordered_map>

#include "convolution_passes.h"
#include "convolution_turns.h"
#include "onednn.h"
#include "threads.h"

namespace fastcaffe {
namespace {

using dnnl::memory;
using dnnl::primitive_attr;

typedef memory::format_tag Tag;
constexpr auto kFloat = memory::data_type::f32;
constexpr auto kDirect = dnnl::algorithm::convolution_direct;

// The arguments of a convolution's description: blobs as Caffe's lie, and the same where oneDNN may choose the layout.
struct Arguments {
  explicit Arguments(const ConvolutionShape& s)
      : bottom({s.images, s.channels, s.height, s.width}, kFloat, Tag::nchw),
        weights(s.groups == 1
                    ? memory::desc({s.outputs, s.channels, s.kernel_h, s.kernel_w}, kFloat, Tag::oihw)
                    : memory::desc({s.groups, s.outputs / s.groups, s.channels / s.groups, s.kernel_h, s.kernel_w},
                                   kFloat, Tag::goihw)),
        top({s.images, s.outputs, s.out_height, s.out_width}, kFloat, Tag::nchw),
        any_bottom(bottom.get_dims(), kFloat, Tag::any),
        any_weights(weights.get_dims(), kFloat, Tag::any),
        any_top(top.get_dims(), kFloat, Tag::any),
        strides({s.stride_h, s.stride_w}),
        dilations({s.dilation_h - 1, s.dilation_w - 1}),
        pads({s.pad_h, s.pad_w}) {
    if (s.bias) biases = memory::desc({s.outputs}, kFloat, Tag::x);
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  }

  dnnl::convolution_forward::primitive_desc forward() const {
    return {onednn_engine(),
            dnnl::prop_kind::forward_training,
            kDirect,
            any_bottom,
            any_weights,
            biases,
            any_top,
            strides,
            dilations,
            pads,
            pads,
            attributes};
  }

  dnnl::convolution_backward_data::primitive_desc backward_data() const {
    return {onednn_engine(), kDirect, any_bottom, any_weights, any_top,   strides,
            dilations,       pads,    pads,       forward(),   attributes};
  }

  dnnl::convolution_backward_weights::primitive_desc backward_weights() const {
    return {onednn_engine(), kDirect,   any_bottom, any_weights, biases,    any_top,
            strides,         dilations, pads,       pads,        forward(), attributes};
  }

  memory::desc bottom, weights, top, any_bottom, any_weights, any_top, biases;
  memory::dims strides, dilations, pads;
  primitive_attr attributes;
};

memory at(const memory::desc& desc, void* data) { return memory(desc, onednn_engine(), data); }
void* plain(const float* data) { return const_cast<float*>(data); }

// A blob on its way to the layout that a primitive wants, or back. If both are the same nothing is to be done, unless
// `accumulate`: then the target is added to, never overwritten.
class Conversion {
 public:
  Conversion() = default;
  Conversion(const memory::desc& from, const memory::desc& to, bool accumulate = false) : from_(from), to_(to) {
    needed_ = accumulate || from != to;
    if (!needed_) return;
    primitive_attr attributes;
    if (accumulate) {
      dnnl::post_ops add;
      add.append_sum(1);
      attributes.set_post_ops(add);
    }
    reorder_ = dnnl::reorder(dnnl::reorder::primitive_desc(onednn_engine(), from, onednn_engine(), to, attributes));
  }

  bool needed() const { return needed_; }

  void run(void* from, void* to) const {
    memory source = at(from_, from), target = at(to_, to);
    reorder_.execute(onednn_stream(), source, target);
  }

  // Where the converted data are: in `own`, or where they were.
  void* brought(void* from, void* own) const {
    if (!needed_) return from;
    run(from, own);
    return own;
  }

 private:
  memory::desc from_, to_;
  dnnl::reorder reorder_;
  bool needed_ = false;
};

// Hands out one piece of the thread's scratch memory after another.
class Pieces {
 public:
  template <class... Descs>
  explicit Pieces(const Descs&... descs)
      : next_(static_cast<char*>(Scratch::bytes((rounded(descs.get_size()) + ...)))) {}

  void* take(const memory::desc& desc) {
    char* piece = next_;
    next_ += rounded(desc.get_size());
    return piece;
  }

  // A piece for the converted data; none if they need no conversion.
  void* take(const Conversion& conversion, const memory::desc& desc) {
    return conversion.needed() ? take(desc) : nullptr;
  }

  void* brought(const Conversion& conversion, const float* data, const memory::desc& wanted) {
    return conversion.brought(plain(data), take(conversion, wanted));
  }

 private:
  static std::size_t rounded(std::size_t size) { return (size + 63) / 64 * 64; }

  char* next_;
};

template <class Description>
std::string name_of(const Description& description, const Turns& turns) {
  const std::string name = description.impl_info_str();
  if (name.compare(0, 3, "ref") == 0) throw std::runtime_error("oneDNN has only " + name);
  const std::string at_a_time = turns.count > 1 ? ", " + std::to_string(turns.shape.images) + " images at a time" : "";
  return "onednn " + name + at_a_time;
}

class Forward : public ForwardPass {
 public:
  Forward(const Turns& turns, const Arguments& arguments)
      : turns_(turns),
        description_(arguments.forward()),
        primitive_(description_),
        bottom_(arguments.bottom, description_.src_desc()),
        weights_(arguments.weights, description_.weights_desc()),
        top_(description_.dst_desc(), arguments.top),
        name_(name_of(description_, turns)) {}

  std::string kernel() const override { return name_; }

  void run(const float* bottom, const float* weights, const float* biases, float* top) const override {
    const auto source = description_.src_desc(), filter = description_.weights_desc(), result = description_.dst_desc(),
               scratchpad = description_.scratchpad_desc();
    Pieces pieces(source, filter, result, scratchpad);
    std::unordered_map<int, memory> arguments = {
        {DNNL_ARG_WEIGHTS, at(filter, pieces.brought(weights_, weights, filter))},
        {DNNL_ARG_SCRATCHPAD, at(scratchpad, pieces.take(scratchpad))}};
    if (turns_.shape.bias) arguments.insert({DNNL_ARG_BIAS, at(description_.bias_desc(), plain(biases))});
    void *own_bottom = pieces.take(bottom_, source), *own_top = pieces.take(top_, result);
    for (std::int64_t i = 0; i < turns_.count; ++i, bottom += turns_.bottom, top += turns_.top) {
      arguments[DNNL_ARG_SRC] = at(source, bottom_.brought(plain(bottom), own_bottom));
      arguments[DNNL_ARG_DST] = at(result, top_.needed() ? own_top : top);
      primitive_.execute(onednn_stream(), arguments);
      if (top_.needed()) top_.run(own_top, top);
    }
    onednn_stream().wait();
  }

 private:
  Turns turns_;
  dnnl::convolution_forward::primitive_desc description_;
  dnnl::convolution_forward primitive_;
  Conversion bottom_, weights_, top_;
  std::string name_;
};

class BackwardData : public BackwardDataPass {
 public:
  BackwardData(const Turns& turns, const Arguments& arguments)
      : turns_(turns),
        description_(arguments.backward_data()),
        primitive_(description_),
        top_(arguments.top, description_.diff_dst_desc()),
        weights_(arguments.weights, description_.weights_desc()),
        bottom_(description_.diff_src_desc(), arguments.bottom),
        name_(name_of(description_, turns)) {}

  std::string kernel() const override { return name_; }

  void run(const float* top_diff, const float* weights, float* bottom_diff) const override {
    const auto given = description_.diff_dst_desc(), filter = description_.weights_desc(),
               result = description_.diff_src_desc(), scratchpad = description_.scratchpad_desc();
    Pieces pieces(given, filter, result, scratchpad);
    std::unordered_map<int, memory> arguments = {
        {DNNL_ARG_WEIGHTS, at(filter, pieces.brought(weights_, weights, filter))},
        {DNNL_ARG_SCRATCHPAD, at(scratchpad, pieces.take(scratchpad))}};
    void *own_top = pieces.take(top_, given), *own_bottom = pieces.take(bottom_, result);
    for (std::int64_t i = 0; i < turns_.count; ++i, top_diff += turns_.top, bottom_diff += turns_.bottom) {
      arguments[DNNL_ARG_DIFF_DST] = at(given, top_.brought(plain(top_diff), own_top));
      arguments[DNNL_ARG_DIFF_SRC] = at(result, bottom_.needed() ? own_bottom : bottom_diff);
      primitive_.execute(onednn_stream(), arguments);
      if (bottom_.needed()) bottom_.run(own_bottom, bottom_diff);
    }
    onednn_stream().wait();
  }

 private:
  Turns turns_;
  dnnl::convolution_backward_data::primitive_desc description_;
  dnnl::convolution_backward_data primitive_;
  Conversion top_, weights_, bottom_;
  std::string name_;
};

class BackwardWeights : public BackwardWeightsPass {
 public:
  BackwardWeights(const Turns& turns, const Arguments& arguments)
      : turns_(turns),
        description_(arguments.backward_weights()),
        primitive_(description_),
        bottom_(arguments.bottom, description_.src_desc()),
        top_(arguments.top, description_.diff_dst_desc()),
        weights_(description_.diff_weights_desc(), arguments.weights, true),
        name_(name_of(description_, turns)) {
    if (turns_.shape.bias) biases_ = Conversion(description_.diff_bias_desc(), arguments.biases, true);
  }

  std::string kernel() const override { return name_; }

  void run(const float* bottom, const float* top_diff, float* weights_diff, float* biases_diff) const override {
    const auto source = description_.src_desc(), given = description_.diff_dst_desc(),
               filter = description_.diff_weights_desc(), bias = description_.diff_bias_desc(),
               scratchpad = description_.scratchpad_desc();
    Pieces pieces(source, given, filter, bias, scratchpad);
    void *own_weights_diff = pieces.take(filter), *own_bias_diff = pieces.take(bias);
    std::unordered_map<int, memory> arguments = {{DNNL_ARG_DIFF_WEIGHTS, at(filter, own_weights_diff)},
                                                 {DNNL_ARG_SCRATCHPAD, at(scratchpad, pieces.take(scratchpad))}};
    if (turns_.shape.bias) arguments.insert({DNNL_ARG_DIFF_BIAS, at(bias, own_bias_diff)});
    void *own_bottom = pieces.take(bottom_, source), *own_top = pieces.take(top_, given);
    for (std::int64_t i = 0; i < turns_.count; ++i, bottom += turns_.bottom, top_diff += turns_.top) {
      arguments[DNNL_ARG_SRC] = at(source, bottom_.brought(plain(bottom), own_bottom));
      arguments[DNNL_ARG_DIFF_DST] = at(given, top_.brought(plain(top_diff), own_top));
      primitive_.execute(onednn_stream(), arguments);
      weights_.run(own_weights_diff, weights_diff);
      if (turns_.shape.bias) biases_.run(own_bias_diff, biases_diff);
    }
    onednn_stream().wait();
  }

 private:
  Turns turns_;
  dnnl::convolution_backward_weights::primitive_desc description_;
  dnnl::convolution_backward_weights primitive_;
  Conversion bottom_, top_, weights_, biases_;
  std::string name_;
};

}  // namespace

std::unique_ptr<ForwardPass> onednn_forward(const ConvolutionShape& shape) {
  const Turns turns = turns_of(shape);
  return std::unique_ptr<ForwardPass>(new Forward(turns, Arguments(turns.shape)));
}

std::unique_ptr<BackwardDataPass> onednn_backward_data(const ConvolutionShape& shape) {
  const Turns turns = turns_of(shape);
  return std::unique_ptr<BackwardDataPass>(new BackwardData(turns, Arguments(turns.shape)));
}

std::unique_ptr<BackwardWeightsPass> onednn_backward_weights(const ConvolutionShape& shape) {
  const Turns turns = turns_of(shape);
  return std::unique_ptr<BackwardWeightsPass>(new BackwardWeights(turns, Arguments(turns.shape)));
}

}  // namespace fastcaffe
