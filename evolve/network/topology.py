"""A deploy net as a chain of stages: which channels feed which weights, and at how many places.

Only chains evolve so far: each layer has one bottom, the top of the layer before it. Layers between the stages
must leave a channel of zeros as zeros, because that is what a neuron without synapses gives.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

from evolve.errors import UserError
from evolve.network import windows

Shape = tuple[int, int, int]  # channels, height, width of one example

# f(0) = 0, channel by channel.
_CHANNELWISE = {"ReLU", "TanH", "ELU", "AbsVal", "Dropout", "Flatten"}
_OUTPUTS = {"Softmax", "Sigmoid"}


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
        patch, has_bias = prod(windows.convolution(layer).kernel), layer.convolution_param.bias_term
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
    channels, *size = bottom
    if layer.type == "InnerProduct":
        return (layer.inner_product_param.num_output, 1, 1)
    if layer.type == "Convolution":
        height, width = windows.convolved(windows.convolution(layer), tuple(size))
        return (layer.convolution_param.num_output, height, width)
    if layer.type == "Pooling":
        height, width = windows.pooled(layer, tuple(size))
        return (channels, height, width)
    return bottom
