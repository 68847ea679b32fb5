"""A deploy net as a chain of stages: which channels feed which weights, and at how many places.

Only chains evolve so far: each layer has one bottom, the top of the layer before it. Layers between the stages
must leave a channel of zeros as zeros, because that is what a neuron without synapses gives.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, floor
from typing import Any

from evolve.errors import UserError

Shape = tuple[int, int, int]  # channels, height, width of one example

# f(0) = 0, channel by channel.
_CHANNELWISE = {"ReLU", "TanH", "ELU", "AbsVal", "Dropout", "Flatten"}
_OUTPUTS = {"Softmax", "Sigmoid"}
_CEIL = 0  # PoolingParameter.RoundMode


@dataclass(frozen=True)
class Stage:
    """One layer with weights: Convolution or InnerProduct."""

    name: str
    kind: str
    top: str  # the blob it writes
    outputs: int  # neurons: output channels or units
    inputs: int  # channels of the blob it reads
    patch: int  # weights of a kernel (one output x one input): kernel_h * kernel_w, or the map a unit looks at
    has_bias: bool
    positions: int  # places it is applied at in one image: output height x width

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one image."""
        return self.outputs * self.inputs * self.patch * self.positions


def chain(net: Any) -> list[Stage]:
    """The stages of a deploy net, in order. UserError naming the layer that is not part of a chain."""
    stages: list[Stage] = []
    ended = ""
    for layer, bottom, top in walk(net):
        if layer.type in ("Convolution", "InnerProduct"):
            if ended:
                raise UserError(f"layer '{layer.name}': comes after '{ended}', which may only end a net")
            stages.append(_stage(layer, bottom, top))
        elif layer.type in _OUTPUTS:
            ended = layer.name
        elif layer.type not in _CHANNELWISE and layer.type != "Pooling":
            raise UserError(
                f"layer '{layer.name}': type {layer.type} does not evolve yet; chains of Convolution, "
                f"InnerProduct, Pooling, {', '.join(sorted(_CHANNELWISE))}, ending in {' or '.join(sorted(_OUTPUTS))}"
            )
    if not stages:
        raise UserError(f"net '{net.name}': expected Convolution or InnerProduct layers, got none")
    return stages


def walk(net: Any) -> Iterator[tuple[Any, Shape, Shape]]:
    """(layer, bottom shape, top shape) down the chain. UserError where it is none, or a shape is impossible."""
    sources = [layer for layer in net.layer if layer.type == "Input"]
    if len(sources) != 1 or len(sources[0].top) != 1 or len(sources[0].input_param.shape) != 1:
        raise UserError(f"net '{net.name}': expected one Input layer with one top and its shape")
    blob = sources[0].top[0]
    dims = list(sources[0].input_param.shape[0].dim)
    if len(dims) != 4:
        raise UserError(f"layer '{sources[0].name}': expected the shape 1 x channels x height x width, got {dims}")
    shape: Shape = (dims[1], dims[2], dims[3])
    for layer in net.layer:
        if layer.type == "Input":
            continue
        if list(layer.bottom) != [blob] or len(layer.top) != 1:
            raise UserError(
                f"layer '{layer.name}': expected one bottom, '{blob}', and one top, got bottoms "
                f"{list(layer.bottom)} and tops {list(layer.top)}; only chains of layers evolve so far"
            )
        top = _top_shape(layer, shape)
        if not top[0]:
            raise UserError(f"layer '{layer.name}': expected a num_output of 1 and more, got 0")
        if min(top) < 1:
            raise UserError(f"layer '{layer.name}': bottom {shape} is too small for it, its top would be {top}")
        yield layer, shape, top
        blob, shape = layer.top[0], top


def _stage(layer: Any, bottom: Shape, top: Shape) -> Stage:
    if layer.type == "Convolution":
        if layer.convolution_param.group > 1:
            raise UserError(f"layer '{layer.name}': group {layer.convolution_param.group}; only group 1 evolves so far")
        height, width = _pair(layer.convolution_param, "kernel")
        patch, has_bias = height * width, layer.convolution_param.bias_term
    else:
        if layer.inner_product_param.transpose or layer.inner_product_param.axis != 1:
            raise UserError(f"layer '{layer.name}': transpose and axis do not evolve; use the defaults")
        patch, has_bias = bottom[1] * bottom[2], layer.inner_product_param.bias_term
    return Stage(
        name=layer.name,
        kind=layer.type,
        top=layer.top[0],
        outputs=top[0],
        inputs=bottom[0],
        patch=patch,
        has_bias=has_bias,
        positions=top[1] * top[2],
    )


def _top_shape(layer: Any, bottom: Shape) -> Shape:
    channels, height, width = bottom
    if layer.type == "InnerProduct":
        return (layer.inner_product_param.num_output, 1, 1)
    if layer.type == "Convolution":
        return (layer.convolution_param.num_output, *_convolved(layer, (height, width)))
    if layer.type == "Pooling":
        return (channels, *_pooled(layer, (height, width)))
    return bottom


def _convolved(layer: Any, size: tuple[int, int]) -> tuple[int, int]:
    kernel, stride, pad = _window(layer, layer.convolution_param)
    dilation = _repeated_pair(layer.convolution_param.dilation, 1)
    extent = [dilation[i] * (kernel[i] - 1) + 1 for i in (0, 1)]
    height, width = ((size[i] + 2 * pad[i] - extent[i]) // stride[i] + 1 for i in (0, 1))
    return height, width


def _pooled(layer: Any, size: tuple[int, int]) -> tuple[int, int]:
    if layer.pooling_param.global_pooling:
        return 1, 1
    kernel, stride, pad = _window(layer, layer.pooling_param)
    # NVIDIA Caffe and older ones have no round_mode.
    rounded = floor if getattr(layer.pooling_param, "round_mode", _CEIL) != _CEIL else ceil
    counts = [rounded((size[i] + 2 * pad[i] - kernel[i]) / stride[i]) + 1 for i in (0, 1)]
    for i in (0, 1):
        # PoolingLayer::Reshape: with padding, a last window that would start beyond the image is dropped.
        if any(pad) and (counts[i] - 1) * stride[i] >= size[i] + pad[i]:
            counts[i] -= 1
    return counts[0], counts[1]


def _window(layer: Any, parameter: Any) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """Kernel, stride and padding, each as (height, width). UserError for a kernel or a stride of nothing."""
    kernel, stride, pad = (_pair(parameter, what) for what in ("kernel", "stride", "pad"))
    for what, (height, width) in (("kernel", kernel), ("stride", stride)):
        if not height or not width:
            raise UserError(f"layer '{layer.name}': expected a {what} of 1 and more, got {height} x {width}")
    return kernel, stride, pad


def _pair(parameter: Any, what: str) -> tuple[int, int]:
    """(height, width) of kernel, stride or pad: Caffe has one field for both, and one for each."""
    default = 1 if what == "stride" else 0
    if parameter.HasField(f"{what}_h") or parameter.HasField(f"{what}_w"):
        return getattr(parameter, f"{what}_h"), getattr(parameter, f"{what}_w")
    value = getattr(parameter, "kernel_size" if what == "kernel" else what)
    if isinstance(value, int):
        # An optional field of PoolingParameter, whose own default holds.
        return value, value
    return _repeated_pair(value, default)


def _repeated_pair(values: Any, default: int) -> tuple[int, int]:
    if not values:
        return default, default
    return int(values[0]), int(values[-1])
