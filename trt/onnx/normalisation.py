"""BatchNorm, Scale and Bias where they are not folded away, LRN and MVN."""

from collections.abc import Callable

import numpy as np

from evolve.network.axes import axis_of, count
from evolve.network.layers import windows
from evolve.network.layers.windows import Window
from trt.onnx import pooling
from trt.onnx.affine import affine
from trt.onnx.convolution import reshaped
from trt.onnx.graph import Graph, Operation

Kernel = tuple[np.ndarray, tuple[int, int], int]  # weights, their height and width, groups

_WITHIN = 1  # LRNParameter.NormRegion
_TOGETHER = 16  # channels that a register of AVX-512 holds; half as many, of AVX2, divide it


def affine_layer(graph: Graph, op: Operation, bottoms: list[str]) -> str:
    """A BatchNorm, Scale or Bias whose factors and terms are known: times, plus."""
    factors, terms = affine(op)
    top = bottoms[0]
    if factors is not None:
        top = graph.add("Mul", top, graph.constant("factors", _spread(op, factors)))
    if terms is not None:
        top = graph.add("Add", top, graph.constant("terms", _spread(op, terms)))
    return top


def batch_norm(graph: Graph, op: Operation, bottoms: list[str]) -> str:
    """BatchNormLayer: by its running statistics, or by the batch's own where use_global_stats is off."""
    parameter = op.layer.batch_norm_param
    if affine(op)[0] is not None:
        return affine_layer(graph, op, bottoms)
    axes = [axis for axis in range(len(op.bottom)) if axis != 1]
    centred, variance = _moments(graph, bottoms[0], axes)
    deviation = graph.add("Sqrt", graph.add("Add", variance, graph.constant("eps", parameter.eps)))
    return str(graph.add("Div", centred, deviation))


def scale(graph: Graph, op: Operation, bottoms: list[str]) -> str:
    """ScaleLayer and BiasLayer; a second bottom stands for the learned factors or terms."""
    if len(bottoms) == 1:
        return affine_layer(graph, op, bottoms)
    is_scale = op.type == "Scale"
    parameter = op.layer.scale_param if is_scale else op.layer.bias_param
    factors = op.bottom_shapes[1]
    axis = axis_of(op.layer, parameter.axis, op.bottom) if factors else 0
    spread = (*factors, *(1,) * (len(op.bottom) - axis - len(factors)))
    other = bottoms[1] if spread == factors else reshaped(graph, bottoms[1], spread)
    top = graph.add("Mul" if is_scale else "Add", bottoms[0], other)
    if op.blobs:
        top = graph.add("Add", top, graph.constant("terms", op.blobs[0].reshape(spread)))
    return str(top)


def lrn(graph: Graph, op: Operation, bottoms: list[str]) -> str:
    """LRNLayer; within channels it is (1 + alpha * the average square of a window)^-beta, whatever k is."""
    parameter = op.layer.lrn_param
    size, alpha, beta = parameter.local_size, parameter.alpha, parameter.beta
    if parameter.norm_region != _WITHIN:
        if graph.lrn_as_convolution and parameter.k > 0:
            return _convolved(graph, op, bottoms[0])
        return str(graph.add("LRN", *bottoms, size=size, alpha=alpha, beta=beta, bias=parameter.k))
    window = Window((size, size), (1, 1), ((size - 1) // 2,) * 2, (1, 1))
    places = pooling.Places(window, op.bottom[2:], op.top[2:])
    squares = pooling.pooled(graph, graph.add("Mul", bottoms[0], bottoms[0]), places, windows.AVE)
    inner = graph.add("Mul", squares, graph.constant("alpha", alpha))
    inner = graph.add("Add", inner, graph.constant("one", 1))
    return str(graph.add("Mul", bottoms[0], graph.add("Pow", inner, graph.constant("beta", -beta))))


def _convolved(graph: Graph, op: Operation, value: str) -> str:
    """LRN across channels in a convolution of the squares; a power is said in square roots where they say it.

    ONNX Runtime's own LRN is one of its slowest kernels. Channels go last, and places that lie apart are the channels
    of the convolution, which goes along what were channels: its kernels take _TOGETHER of these at once. Where places
    do not come in so many, each channel's neighbours are a band in the weights of a convolution of 1 x 1.
    """
    if count(op.bottom, 2) % _TOGETHER:
        return _normalised(graph, op, value, _band)
    last = reshaped(graph, graph.add("Transpose", value, perm=[0, 2, 3, 1]), (1, _TOGETHER, -1, op.bottom[1]))
    places = (-1, *op.bottom[2:], op.bottom[1])
    done = reshaped(graph, _normalised(graph, op, last, _along), places)
    return str(graph.add("Transpose", done, perm=[0, 3, 1, 2]))


def _normalised(graph: Graph, op: Operation, value: str, kernel: Callable[[Operation], Kernel]) -> str:
    weights, (high, wide), group = kernel(op)
    # One reader of the value where x * x has two: ONNX Runtime dequantises it for each.
    squares, near = graph.add("Pow", value, graph.constant("two", 2)), graph.constant("near", weights)
    inner = graph.add(
        "Conv", squares, near, graph.constant("k", np.full(len(weights), op.layer.lrn_param.k)),
        kernel_shape=[high, wide], strides=[1, 1], pads=[high // 2, wide // 2] * 2, dilations=[1, 1], group=group,
    )  # fmt: skip
    return str(graph.add("Div", value, _power(graph, inner, op.layer.lrn_param.beta)))


def _along(op: Operation) -> Kernel:
    """The neighbours of what lies along the last axis, for each of _TOGETHER channels by itself."""
    size, alpha = op.layer.lrn_param.local_size, op.layer.lrn_param.alpha
    return np.full((_TOGETHER, 1, 1, size), alpha / size), (1, size), _TOGETHER


def _band(op: Operation) -> Kernel:
    """Of every channel its neighbours among all of them."""
    size, alpha, places = op.layer.lrn_param.local_size, op.layer.lrn_param.alpha, np.arange(op.bottom[1])
    near = np.abs(places[:, np.newaxis] - places) <= (size - 1) // 2
    return (near * (alpha / size))[..., np.newaxis, np.newaxis], (1, 1), 1


def _power(graph: Graph, value: str, power: float) -> str:
    if power == 1:
        return value
    if power not in (0.5, 0.75):
        return str(graph.add("Pow", value, graph.constant("beta", power)))
    root = graph.add("Sqrt", value)
    return str(root if power == 0.5 else graph.add("Mul", root, graph.add("Sqrt", root)))


def mean_variance(graph: Graph, op: Operation, bottoms: list[str]) -> str:
    """MVNLayer: minus the mean of each map, or of all maps of an image, and divided by the deviation + eps."""
    parameter = op.layer.mvn_param
    value = bottoms[0] if op.bottom == op.top else reshaped(graph, bottoms[0], op.top)
    axes = [1, 2, 3] if parameter.across_channels else [2, 3]
    if not parameter.normalize_variance:
        return str(graph.add("Sub", value, graph.add("ReduceMean", value, axes=axes)))
    centred, variance = _moments(graph, value, axes)
    deviation = graph.add("Add", graph.add("Sqrt", variance), graph.constant("eps", parameter.eps))
    return str(graph.add("Div", centred, deviation))


def _moments(graph: Graph, value: str, axes: list[int]) -> tuple[str, str]:
    """The value minus its mean along `axes`, and its variance there."""
    centred = graph.add("Sub", value, graph.add("ReduceMean", value, axes=axes))
    return centred, graph.add("ReduceMean", graph.add("Mul", centred, centred), axes=axes)


def _spread(op: Operation, values: np.ndarray) -> np.ndarray:
    """With axes of 1 behind, so that it lies along its own axes of the bottom."""
    parameter = {"Scale": op.layer.scale_param, "Bias": op.layer.bias_param}.get(op.type)
    axis = axis_of(op.layer, parameter.axis, op.bottom) if parameter is not None else 1
    return values.reshape(*values.shape, *(1,) * (len(op.bottom) - axis - values.ndim))
