"""What a layer's weights connect: how many outputs with how many inputs, through which kernels, at how many places."""

from dataclasses import dataclass
from typing import Any

from evolve.network import windows
from evolve.network.axes import Shape, axis_of, count
from evolve.network.shape_rules import scale_shape
from evolve.network.shapes import Step


@dataclass(frozen=True)
class Geometry:
    """A layer whose weights connect channels: Convolution, Deconvolution or InnerProduct.

    Its neurons are in `group` groups, each of which sees its own inputs / group channels.
    """

    outputs: int  # neurons: output channels or units
    inputs: int  # channels of the blob it reads, of all groups
    group: int
    patch: int  # weights of a kernel (one output x one input): kernel_h * kernel_w, or the map a unit looks at
    positions: int  # places it is applied at in one image; for Deconvolution places of its bottom
    has_bias: bool

    @property
    def kernels(self) -> int:
        """Pairs of an output and an input that weights connect."""
        return self.outputs * self.inputs // self.group

    @property
    def weights(self) -> int:
        """Weights, biases not among them."""
        return self.kernels * self.patch


def geometry(step: Step) -> Geometry | None:
    """The Geometry of a layer; None for a layer whose weights, if any, do not connect channels.

    An InnerProduct's inputs are the channels along its `axis`; its patch is what lies behind them.
    """
    layer = step.layer
    if layer.type == "InnerProduct":
        parameter, bottom = layer.inner_product_param, step.bottoms[0]
        axis = axis_of(layer, parameter.axis, bottom)
        positions, patch = count(bottom, 1, axis), count(bottom, axis + 1)
        return Geometry(parameter.num_output, bottom[axis], 1, patch, positions, parameter.bias_term)
    if layer.type not in ("Convolution", "Deconvolution"):
        return None
    parameter, bottom = layer.convolution_param, step.bottoms[0]
    axis = axis_of(layer, parameter.axis, bottom)
    kernel = windows.convolution(layer, len(bottom) - axis - 1).kernel
    placed = bottom if layer.type == "Deconvolution" else step.tops[0]
    positions = count(placed, 1, axis) * count(placed, axis + 1)
    return Geometry(
        parameter.num_output, bottom[axis], parameter.group, count(kernel), positions, parameter.bias_term
    )


def macs(step: Step) -> int:
    """Multiply-accumulates for one image: a weight at each place it is applied at, zeros multiplied too.

    Only weights that connect channels count (as published counts do): 0 for BatchNorm, Scale, PReLU and the like.
    """
    connected = geometry(step)
    return connected.weights * connected.positions * len(step.tops) if connected else 0


def blob_shapes(step: Step) -> list[Shape]:
    """The shapes of a layer's learned blobs, in Caffe's order; none for a layer that learns nothing.

    BatchNorm's three are its running mean, its variance and the factor that both are to be divided by.
    """
    layer, connected = step.layer, geometry(step)
    if connected:
        return [_weight_shape(step, connected), (connected.outputs,)][: 1 + connected.has_bias]
    if layer.type == "BatchNorm":
        return [(step.bottoms[0][1],), (step.bottoms[0][1],), (1,)]
    if layer.type == "PReLU":
        return [() if layer.prelu_param.channel_shared else (step.bottoms[0][1],)]
    if layer.type in ("Scale", "Bias"):
        return _scale_shapes(layer, step.bottoms)
    if layer.type == "Embed":
        parameter = layer.embed_param
        return [(parameter.input_dim, parameter.num_output), (parameter.num_output,)][: 1 + parameter.bias_term]
    return [step.tops[0]] if layer.type == "Parameter" else []


def _weight_shape(step: Step, connected: Geometry) -> Shape:
    if step.layer.type == "InnerProduct":
        shape = (connected.outputs, connected.inputs * connected.patch)
        return shape[::-1] if step.layer.inner_product_param.transpose else shape
    axis = axis_of(step.layer, step.layer.convolution_param.axis, step.bottoms[0])
    kernel = windows.convolution(step.layer, len(step.bottoms[0]) - axis - 1).kernel
    first, second = connected.outputs, connected.inputs
    if step.layer.type == "Deconvolution":
        first, second = second, first
    return (first, second // connected.group, *kernel)


def _scale_shapes(layer: Any, bottoms: tuple[Shape, ...]) -> list[Shape]:
    learned = [scale_shape(layer, bottoms[0])] if len(bottoms) == 1 else []
    if layer.type == "Scale" and layer.scale_param.bias_term:
        # ScaleLayer's bias is a Bias layer's, of the same shape as its factors, learned or read.
        learned.append(learned[0] if learned else bottoms[1])
    return learned
