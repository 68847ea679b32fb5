"""Channels whose value is the same at every place and for every image, and what it is.

Float64 (channels,) a blob, NaN where the value depends on the image or on the place. As the TEST phase computes it:
BatchNorm by its statistics, Dropout as if it were not there.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from evolve.network.stages import Stage, Use
from evolve.network.topology import Graph, Node
from evolve.network.weights import Weights

Values = list[np.ndarray]
Layer = Any  # caffe_pb2.LayerParameter


def values(graph: Graph, weights: Weights, linked: dict[str, np.ndarray]) -> Values:
    """The constant channels of every blob of `graph`; `linked` is Stage.linked of each stage."""
    known = [np.full(len(blob.classes), np.nan) for blob in graph.blobs]
    with np.errstate(all="ignore"):
        for node in graph.nodes:
            if node.stage and node.use:
                there, blobs = linked[node.stage.name], weights[node.stage.name]
                known[node.use.top] = _of_stage(node.stage, node.use, there, blobs, known[node.use.bottom])
            elif not node.whole:
                _of_node(node, weights.get(node.layer.name, []), known)
            for top in node.tops:
                known[top][~np.isfinite(known[top])] = np.nan
    return known


def foldable(graph: Graph, stage: Stage, known: Values) -> np.ndarray:
    """bool (inputs,): inputs of a stage that a bias can stand for, because they are constant at all its uses.

    Zeros always; another constant if every place of the top sees it the same: no padding, no Deconvolution.
    """
    first = stage.uses[0]
    constant = known[first.bottom].reshape(-1, first.step)
    same = np.all(np.isfinite(constant), axis=1)
    for use in stage.uses[1:]:
        same &= np.all(known[use.bottom].reshape(-1, use.step) == constant, axis=1)
    if stage.padded or stage.transposed:
        same &= np.all(constant == 0, axis=1)
    return np.asarray(same)


def folded(stage: Stage, use: Use, matrix: np.ndarray, known: Values, inputs: np.ndarray) -> np.ndarray:
    """float64 (outputs,): what the constant `inputs`, bool (inputs,), add to each neuron, everywhere."""
    value = known[use.bottom].reshape(-1, use.step)
    inputs = inputs & (value != 0).any(axis=1)
    if not inputs.any() or stage.transposed:
        return np.zeros(stage.outputs)
    # A map that was flattened has channels of its own for each place; else all places of a map share one.
    each = np.repeat(np.where(inputs[:, np.newaxis], value, 0), stage.patch // use.step, axis=1)
    added = np.zeros(stage.outputs)
    rows = stage.outputs // stage.group
    for number, part in enumerate(each.reshape(stage.group, stage.width, -1)):
        there = (part != 0).any(axis=1)
        kernels = stage.matrix(matrix)[number * rows : (number + 1) * rows, there]
        added[number * rows : (number + 1) * rows] = np.einsum("oip,ip->o", kernels, part[there], dtype=np.float64)
    return added


def _of_stage(
    stage: Stage, use: Use, linked: np.ndarray, blobs: list[np.ndarray], known: np.ndarray
) -> np.ndarray:
    constant = known.reshape(-1, use.step)
    unknown = ~np.isfinite(constant).all(axis=1)
    varies = unknown | (constant != 0).any(axis=1) if stage.padded or stage.transposed else unknown
    open_ = stage.to_outputs(linked, varies)
    result = blobs[1].reshape(-1).astype(np.float64) if stage.has_bias else np.zeros(stage.outputs)
    if not open_.all():
        result = result + folded(stage, Use(0, 0, 0, use.step), blobs[0], [known], ~varies)
    return np.where(open_, np.nan, result)


def _of_node(node: Node, blobs: list[np.ndarray], known: Values) -> None:
    layer = node.layer
    bottoms = [known[bottom] for bottom in node.bottoms]
    if layer.type in _PASSED and layer.type not in _RULES:
        _carry(node, known)
    elif layer.type in _RULES:
        known[node.tops[0]] = _RULES[layer.type](node, blobs, bottoms).astype(np.float64)


def _carry(node: Node, known: Values) -> None:
    for number, top in enumerate(node.tops):
        result = np.full(len(known[top]), np.nan)
        mixed = np.zeros(len(result), bool)
        seen = np.zeros(len(result), bool)
        for link in node.links:
            if link.top == number and not (node.layer.type == "Crop" and link.bottom == 1):
                for source, target in zip(link.sources, link.targets, strict=True):
                    value = known[node.bottoms[link.bottom]][source]
                    mixed[target] |= seen[target] and not value == result[target]
                    result[target], seen[target] = value, True
        known[top] = np.where(mixed, np.nan, result)


def _blob(node: Node, blobs: list[np.ndarray], number: int, count: int) -> np.ndarray:
    """A layer's blob as one number a channel, NaN where a channel has several."""
    parameter = node.parameters[number]
    if parameter.axis is None:
        blob = blobs[number].reshape(1, -1).astype(np.float64)
        each = np.broadcast_to(blob, (count, blob.shape[1]))
    else:
        each = parameter.channels(blobs[number]).reshape(count, -1).astype(np.float64)
    return np.where((each == each[:, :1]).all(axis=1), each[:, 0], np.nan)


def _pooled(node: Node, blobs: list[np.ndarray], bottoms: list[np.ndarray]) -> np.ndarray:
    parameter = node.layer.pooling_param
    value = bottoms[0]
    if parameter.pool == parameter.STOCHASTIC:
        return np.full(len(value), np.nan)
    if parameter.global_pooling:
        return value
    kernels = [parameter.kernel_h or parameter.kernel_size, parameter.kernel_w or parameter.kernel_size]
    strides = [parameter.stride_h or parameter.stride, parameter.stride_w or parameter.stride]
    # A window beyond the image has no largest value and no mean.
    if any(stride > kernel for stride, kernel in zip(strides, kernels, strict=True)):
        return np.full(len(value), np.nan)
    padded = parameter.pad or parameter.pad_h or parameter.pad_w
    return np.where(value == 0, 0, np.nan) if padded and parameter.pool == parameter.AVE else value


def _normalised(node: Node, blobs: list[np.ndarray], bottoms: list[np.ndarray]) -> np.ndarray:
    parameter = node.layer.batch_norm_param
    if parameter.HasField("use_global_stats") and not parameter.use_global_stats:
        return bottoms[0] * 0
    factor = float(blobs[2].ravel()[0])
    mean, variance = (blob.reshape(-1).astype(np.float64) * (1 / factor if factor else 0) for blob in blobs[:2])
    return (bottoms[0] - mean) / np.sqrt(variance + parameter.eps)


def _scaled(node: Node, blobs: list[np.ndarray], bottoms: list[np.ndarray]) -> np.ndarray:
    value, count = bottoms[0], len(bottoms[0])
    if len(bottoms) > 1:
        other = bottoms[1] if len(bottoms[1]) == count else np.full(count, np.nan)
        product = np.where((value == 0) | (other == 0), 0, value * other)
    else:
        factor = _blob(node, blobs, 0, count)
        product = np.where((value == 0) | (factor == 0), 0, value * factor)
    if node.layer.scale_param.bias_term:
        product = product + _blob(node, blobs, len(node.parameters) - 1, count)
    return product


def _shifted(node: Node, blobs: list[np.ndarray], bottoms: list[np.ndarray]) -> np.ndarray:
    count = len(bottoms[0])
    if len(bottoms) == 1:
        return bottoms[0] + _blob(node, blobs, 0, count)
    return bottoms[0] + (bottoms[1] if len(bottoms[1]) == count else np.nan)


def _joined(node: Node, blobs: list[np.ndarray], bottoms: list[np.ndarray]) -> np.ndarray:
    parameter = node.layer.eltwise_param
    if parameter.operation == parameter.PROD:
        zero = np.any([value == 0 for value in bottoms], axis=0)
        return np.where(zero, 0, np.prod(bottoms, axis=0))
    if parameter.operation == parameter.MAX:
        return np.max(bottoms, axis=0)
    coefficients = list(parameter.coeff) or [1.0] * len(bottoms)
    return sum((c * value for c, value in zip(coefficients, bottoms, strict=True)), np.zeros(len(bottoms[0])))


def _zero_stays(node: Node, blobs: list[np.ndarray], bottoms: list[np.ndarray]) -> np.ndarray:
    return np.where(bottoms[0] == 0, 0, np.nan)


def _powered(node: Node, blobs: list[np.ndarray], bottoms: list[np.ndarray]) -> np.ndarray:
    parameter = node.layer.power_param
    value = np.zeros(len(bottoms[0])) if parameter.scale == 0 else bottoms[0] * parameter.scale
    return np.ones(len(value)) if parameter.power == 0 else (value + parameter.shift) ** parameter.power


def _exponential(node: Node, blobs: list[np.ndarray], bottoms: list[np.ndarray]) -> np.ndarray:
    parameter = node.layer.exp_param
    base = np.e if parameter.base == -1 else parameter.base
    return base ** (parameter.shift + parameter.scale * bottoms[0])


def _logarithm(node: Node, blobs: list[np.ndarray], bottoms: list[np.ndarray]) -> np.ndarray:
    parameter = node.layer.log_param
    base = 1.0 if parameter.base == -1 else np.log(parameter.base)
    return np.log(parameter.shift + parameter.scale * bottoms[0]) / base


def _rectified(node: Node, blobs: list[np.ndarray], bottoms: list[np.ndarray]) -> np.ndarray:
    slope: Any = node.layer.relu_param.negative_slope
    if node.layer.type == "PReLU":
        slope = _blob(node, blobs, 0, len(bottoms[0]))
    return np.maximum(bottoms[0], 0) + slope * np.minimum(bottoms[0], 0)


def _elu(node: Node, blobs: list[np.ndarray], bottoms: list[np.ndarray]) -> np.ndarray:
    return np.where(bottoms[0] > 0, bottoms[0], node.layer.elu_param.alpha * np.expm1(bottoms[0]))


def _threshold(node: Node, blobs: list[np.ndarray], bottoms: list[np.ndarray]) -> np.ndarray:
    above = bottoms[0] > node.layer.threshold_param.threshold
    return np.where(np.isnan(bottoms[0]), np.nan, above)


def _plain(function: Callable[[np.ndarray], np.ndarray]) -> Callable[..., np.ndarray]:
    return lambda node, blobs, bottoms: function(bottoms[0])


_PASSED = {"Concat", "Crop", "Dropout", "Flatten", "Reshape", "Slice", "Split"}
_RULES: dict[str, Callable[[Node, list[np.ndarray], list[np.ndarray]], np.ndarray]] = {
    "AbsVal": _plain(np.abs),
    "BNLL": _plain(lambda value: np.logaddexp(0, value)),
    "BatchNorm": _normalised,
    "Bias": _shifted,
    "ELU": _elu,
    "Eltwise": _joined,
    "Exp": _exponential,
    "LRN": _zero_stays,
    "Log": _logarithm,
    "PReLU": _rectified,
    "Pooling": _pooled,
    "Power": _powered,
    "ReLU": _rectified,
    "Scale": _scaled,
    "Sigmoid": _plain(lambda value: 1 / (1 + np.exp(-value))),
    "TanH": _plain(np.tanh),
    "Threshold": _threshold,
}
