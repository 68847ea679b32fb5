#include "convolution_passes.h"

#include <stdexcept>

#include "threads.h"

namespace fastcaffe {
namespace {

using dnnl::memory;
using dnnl::primitive_attr;

typedef memory::format_tag Tag;
constexpr auto kFloat = memory::data_type::f32;
constexpr auto kDirect = dnnl::algorithm::convolution_direct;

primitive_attr own_scratchpad() {
  primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

template <class Description>
std::string kernel_of(const Description& description) {
  const std::string name = description.impl_info_str();
  if (name.compare(0, 3, "ref") == 0) throw std::runtime_error("oneDNN has only " + name);
  return name;
}

// Hands out one piece of the thread's scratch memory after another.
class Pieces {
 public:
  explicit Pieces(std::size_t size) : next_(static_cast<char*>(Scratch::bytes(size))) {}

  void* take(std::size_t size) {
    char* piece = next_;
    next_ += rounded(size);
    return piece;
  }

  static std::size_t rounded(std::size_t size) { return (size + 63) / 64 * 64; }

 private:
  char* next_;
};

template <class... Descs>
std::size_t size_of(const Descs&... descs) {
  return (Pieces::rounded(descs.get_size()) + ...);
}

void* plain(const float* data) { return const_cast<float*>(data); }

// The data in the primitive's layout: converted into a piece of scratch memory, or where they are.
void* brought(const Conversion& conversion, const float* data, const memory::desc& wanted, Pieces& pieces) {
  if (!conversion.needed()) return plain(data);
  void* piece = pieces.take(wanted.get_size());
  conversion.run(plain(data), piece);
  return piece;
}

memory at(const memory::desc& desc, void* data) { return memory(desc, onednn_engine(), data); }

}  // namespace

bool ConvolutionShape::operator==(const ConvolutionShape& o) const {
  return images == o.images && channels == o.channels && height == o.height && width == o.width &&
         outputs == o.outputs && out_height == o.out_height && out_width == o.out_width && groups == o.groups &&
         kernel_h == o.kernel_h && kernel_w == o.kernel_w && stride_h == o.stride_h && stride_w == o.stride_w &&
         pad_h == o.pad_h && pad_w == o.pad_w && dilation_h == o.dilation_h && dilation_w == o.dilation_w &&
         threads == o.threads && bias == o.bias;
}

memory::desc ConvolutionShape::bottom() const { return {{images, channels, height, width}, kFloat, Tag::nchw}; }
memory::desc ConvolutionShape::top() const { return {{images, outputs, out_height, out_width}, kFloat, Tag::nchw}; }
memory::desc ConvolutionShape::biases() const { return {{outputs}, kFloat, Tag::x}; }
memory::desc ConvolutionShape::weights() const {
  if (groups == 1) return {{outputs, channels, kernel_h, kernel_w}, kFloat, Tag::oihw};
  return {{groups, outputs / groups, channels / groups, kernel_h, kernel_w}, kFloat, Tag::goihw};
}
memory::desc ConvolutionShape::any(const memory::desc& like) const { return {like.get_dims(), kFloat, Tag::any}; }

memory::dims ConvolutionShape::strides() const { return {stride_h, stride_w}; }
memory::dims ConvolutionShape::dilations() const { return {dilation_h - 1, dilation_w - 1}; }
memory::dims ConvolutionShape::pads() const { return {pad_h, pad_w}; }

Conversion::Conversion(const memory::desc& from, const memory::desc& to, bool accumulate) : from_(from), to_(to) {
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

void Conversion::run(void* from, void* to) const {
  memory source = at(from_, from), target = at(to_, to);
  reorder_.execute(onednn_stream(), source, target);
}

ForwardPass::ForwardPass(const ConvolutionShape& shape)
    : description_(onednn_engine(), dnnl::prop_kind::forward_training, kDirect, shape.any(shape.bottom()),
                   shape.any(shape.weights()), shape.bias ? shape.biases() : memory::desc(),
                   shape.any(shape.top()), shape.strides(), shape.dilations(), shape.pads(), shape.pads(),
                   own_scratchpad()),
      primitive_(description_),
      bottom_(shape.bottom(), description_.src_desc()),
      weights_(shape.weights(), description_.weights_desc()),
      top_(description_.dst_desc(), shape.top()),
      kernel_(kernel_of(description_)),
      bias_(shape.bias) {}

void ForwardPass::run(const float* bottom, const float* weights, const float* biases, float* top) const {
  const auto source = description_.src_desc(), filter = description_.weights_desc(),
             result = description_.dst_desc(), scratchpad = description_.scratchpad_desc();
  Pieces pieces(size_of(source, filter, result, scratchpad));
  void* output = top_.needed() ? pieces.take(result.get_size()) : top;
  std::unordered_map<int, memory> arguments = {
      {DNNL_ARG_SRC, at(source, brought(bottom_, bottom, source, pieces))},
      {DNNL_ARG_WEIGHTS, at(filter, brought(weights_, weights, filter, pieces))},
      {DNNL_ARG_DST, at(result, output)},
      {DNNL_ARG_SCRATCHPAD, at(scratchpad, pieces.take(scratchpad.get_size()))}};
  if (bias_) arguments.insert({DNNL_ARG_BIAS, at(description_.bias_desc(), plain(biases))});
  primitive_.execute(onednn_stream(), arguments);
  if (top_.needed()) top_.run(output, top);
  onednn_stream().wait();
}

namespace {

// oneDNN asks for a forward description when it makes a backward one.
dnnl::convolution_forward::primitive_desc hint(const ConvolutionShape& shape) {
  return dnnl::convolution_forward::primitive_desc(
      onednn_engine(), dnnl::prop_kind::forward_training, kDirect, shape.any(shape.bottom()),
      shape.any(shape.weights()), shape.bias ? shape.biases() : memory::desc(), shape.any(shape.top()),
      shape.strides(), shape.dilations(), shape.pads(), shape.pads());
}

}  // namespace

BackwardDataPass::BackwardDataPass(const ConvolutionShape& shape)
    : description_(onednn_engine(), kDirect, shape.any(shape.bottom()), shape.any(shape.weights()),
                   shape.any(shape.top()), shape.strides(), shape.dilations(), shape.pads(), shape.pads(),
                   hint(shape), own_scratchpad()),
      primitive_(description_),
      top_(shape.top(), description_.diff_dst_desc()),
      weights_(shape.weights(), description_.weights_desc()),
      bottom_(description_.diff_src_desc(), shape.bottom()),
      kernel_(kernel_of(description_)) {}

void BackwardDataPass::run(const float* top_diff, const float* weights, float* bottom_diff) const {
  const auto given = description_.diff_dst_desc(), filter = description_.weights_desc(),
             result = description_.diff_src_desc(), scratchpad = description_.scratchpad_desc();
  Pieces pieces(size_of(given, filter, result, scratchpad));
  void* output = bottom_.needed() ? pieces.take(result.get_size()) : bottom_diff;
  primitive_.execute(onednn_stream(), {{DNNL_ARG_DIFF_DST, at(given, brought(top_, top_diff, given, pieces))},
                                       {DNNL_ARG_WEIGHTS, at(filter, brought(weights_, weights, filter, pieces))},
                                       {DNNL_ARG_DIFF_SRC, at(result, output)},
                                       {DNNL_ARG_SCRATCHPAD, at(scratchpad, pieces.take(scratchpad.get_size()))}});
  if (bottom_.needed()) bottom_.run(output, bottom_diff);
  onednn_stream().wait();
}

BackwardWeightsPass::BackwardWeightsPass(const ConvolutionShape& shape)
    : description_(onednn_engine(), kDirect, shape.any(shape.bottom()), shape.any(shape.weights()),
                   shape.bias ? shape.biases() : memory::desc(), shape.any(shape.top()), shape.strides(),
                   shape.dilations(), shape.pads(), shape.pads(), hint(shape), own_scratchpad()),
      primitive_(description_),
      bottom_(shape.bottom(), description_.src_desc()),
      top_(shape.top(), description_.diff_dst_desc()),
      weights_(description_.diff_weights_desc(), shape.weights(), true),
      kernel_(kernel_of(description_)),
      bias_(shape.bias) {
  if (bias_) biases_ = Conversion(description_.diff_bias_desc(), shape.biases(), true);
}

void BackwardWeightsPass::run(const float* bottom, const float* top_diff, float* weights_diff,
                              float* biases_diff) const {
  const auto source = description_.src_desc(), given = description_.diff_dst_desc(),
             filter = description_.diff_weights_desc(), bias = description_.diff_bias_desc(),
             scratchpad = description_.scratchpad_desc();
  Pieces pieces(size_of(source, given, filter, bias, scratchpad));
  void* filter_diff = pieces.take(filter.get_size());
  void* bias_diff = pieces.take(bias.get_size());
  std::unordered_map<int, memory> arguments = {
      {DNNL_ARG_SRC, at(source, brought(bottom_, bottom, source, pieces))},
      {DNNL_ARG_DIFF_DST, at(given, brought(top_, top_diff, given, pieces))},
      {DNNL_ARG_DIFF_WEIGHTS, at(filter, filter_diff)},
      {DNNL_ARG_SCRATCHPAD, at(scratchpad, pieces.take(scratchpad.get_size()))}};
  if (bias_) arguments.insert({DNNL_ARG_DIFF_BIAS, at(bias, bias_diff)});
  primitive_.execute(onednn_stream(), arguments);
  weights_.run(filter_diff, weights_diff);
  if (bias_) biases_.run(bias_diff, biases_diff);
  onednn_stream().wait();
}

}  // namespace fastcaffe
