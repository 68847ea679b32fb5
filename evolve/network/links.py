"""Which channels of a layer's tops are which channels of its bottoms, for each of Caffe's layer types.

A Link is a pair of channel lists: channel `sources[k]` of a bottom goes on as channel `targets[k]` of a top, alone
or joined by others (Eltwise). Layers with synapses have none: their tops' channels are new.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from evolve.base.errors import UserError
from evolve.detectnet import inputs
from evolve.network.axes import Shape, axis_of, count

Layer = Any  # caffe_pb2.LayerParameter

# Channel by channel, whatever their other axes.
PASSED_ON = {
    "AbsVal", "BNLL", "BatchNorm", "Bias", "Clip", "Dropout", "ELU", "Eltwise", "Exp", "LRN", "Log", "MVN", "PReLU",
    "Pooling", "Power", "ReLU", "Scale", "Sigmoid", "Softmax", "Swish", "TanH", "Threshold",
}  # fmt: skip
# Whatever they read is what the network is for: all of it stays.
SINKS = {"Accuracy", "ArgMax", "ClusterDetections", "ClusterGroundtruth", "ScoreDetections", "Softmax", "mAP"}


@dataclass(frozen=True)
class Link:
    """Channels that go from bottom number `bottom` to top number `top` of a layer."""

    bottom: int
    top: int
    sources: np.ndarray  # int, channels of the bottom
    targets: np.ndarray  # int, channels of the top


class UnknownLayer(UserError):
    """A layer of which nothing is known about its channels."""


def of(layer: Layer, bottoms: list[Shape], tops: list[Shape]) -> list[Link]:
    """The links of a layer without synapses. UnknownLayer where its channels cannot be followed."""
    if is_sink(layer) and layer.type != "Softmax" or layer.type in ("Input", "Silence"):
        return []
    if layer.type in PASSED_ON:
        return _passed_on(layer, bottoms, tops)
    if layer.type in _RULES:
        return _RULES[layer.type](layer, bottoms, tops)
    raise UnknownLayer(
        f"layer '{layer.name}': what type {layer.type} does with its channels is not known; "
        "keep_unknown: true leaves everything that touches it whole"
    )


def is_sink(layer: Layer) -> bool:
    """Whether everything that the layer reads stays: losses, scores, Softmax."""
    kind = inputs.kind(layer)
    return kind in SINKS or kind.endswith("Loss")


def channels(shape: Shape) -> int:
    """The length of axis 1; 0 where there is none, as of labels."""
    return shape[1] if len(shape) > 1 else 0


def _all(bottom: int, top: int, count: int) -> Link:
    return Link(bottom, top, np.arange(count), np.arange(count))


def _passed_on(layer: Layer, bottoms: list[Shape], tops: list[Shape]) -> list[Link]:
    if layer.type in ("Scale", "Bias") and len(bottoms) > 1:
        return _scaled_by_a_blob(layer, bottoms)
    return [_all(number, 0, channels(shape)) for number, shape in enumerate(bottoms)]


def _scaled_by_a_blob(layer: Layer, bottoms: list[Shape]) -> list[Link]:
    axis = axis_of(layer, (layer.scale_param if layer.type == "Scale" else layer.bias_param).axis, bottoms[0])
    passed = _all(0, 0, channels(bottoms[0]))
    if axis == 0 and len(bottoms[1]) > 1:
        return [passed, _all(1, 0, channels(bottoms[1]))]
    if len(bottoms[1]) == 0 or axis > 1 or axis == 0:
        return [passed]  # one factor for every channel
    raise UnknownLayer(
        f"layer '{layer.name}': expected a second bottom with the channels on axis 1 (axis: 0), got axis {axis}; "
        "keep_unknown: true leaves everything that touches it whole"
    )


def _concatenated(layer: Layer, bottoms: list[Shape], tops: list[Shape]) -> list[Link]:
    if concat_axis(layer, bottoms[0]) != 1:
        return [_all(number, 0, channels(shape)) for number, shape in enumerate(bottoms)]
    result, start = [], 0
    for number, shape in enumerate(bottoms):
        result.append(Link(number, 0, np.arange(shape[1]), start + np.arange(shape[1])))
        start += shape[1]
    return result


def concat_axis(layer: Layer, shape: Shape) -> int:
    """The axis of a Concat, by its old name too."""
    parameter = layer.concat_param
    return parameter.concat_dim if parameter.HasField("concat_dim") else axis_of(layer, parameter.axis, shape)


def slice_axis(layer: Layer, shape: Shape) -> int:
    """The axis of a Slice, by its old name too."""
    parameter = layer.slice_param
    return parameter.slice_dim if parameter.HasField("slice_dim") else axis_of(layer, parameter.axis, shape)


def _sliced(layer: Layer, bottoms: list[Shape], tops: list[Shape]) -> list[Link]:
    if slice_axis(layer, bottoms[0]) != 1:
        return [_all(0, number, channels(shape)) for number, shape in enumerate(tops)]
    result, start = [], 0
    for number, shape in enumerate(tops):
        result.append(Link(0, number, start + np.arange(shape[1]), np.arange(shape[1])))
        start += shape[1]
    return result


def _cropped(layer: Layer, bottoms: list[Shape], tops: list[Shape]) -> list[Link]:
    axis = axis_of(layer, layer.crop_param.axis, bottoms[0])
    if axis > 1:
        return [_all(0, 0, channels(tops[0]))]
    first = crop_offsets(layer, bottoms[0])[1]
    count = channels(tops[0])
    # The second bottom says how many: its channels must stay as many as the top's.
    return [Link(0, 0, first + np.arange(count), np.arange(count)), _all(1, 0, count)]


def crop_offsets(layer: Layer, shape: Shape) -> list[int]:
    """Where a Crop begins, an axis each; axes before crop_param.axis are not cropped."""
    parameter = layer.crop_param
    first = axis_of(layer, parameter.axis, shape)
    given = list(parameter.offset) or [0]
    return [0] * first + (given if len(given) > 1 else given * (len(shape) - first))


def _reshaped(layer: Layer, bottoms: list[Shape], tops: list[Shape]) -> list[Link]:
    """Channels may be spread over more of them (Flatten), or come together again, if none is mixed with another."""
    before, after = bottoms[0], tops[0]
    if len(before) < 2 or len(after) < 2:
        if channels(before) <= 1 and channels(after) <= 1:
            return []
        raise _mixes(layer, before, after)
    if before[0] != after[0]:
        raise _mixes(layer, before, after)
    inside, outside = count(before, 2), count(after, 2)
    if inside % outside == 0:  # each channel becomes inside / outside of them
        targets = np.arange(after[1])
        return [Link(0, 0, targets // (inside // outside), targets)]
    if outside % inside == 0:  # so many come together; topology asks whether they are one
        sources = np.arange(before[1])
        return [Link(0, 0, sources, sources // (outside // inside))]
    raise _mixes(layer, before, after)


def _mixes(layer: Layer, before: Shape, after: Shape) -> UnknownLayer:
    return UnknownLayer(
        f"layer '{layer.name}': expected a reshape that keeps channels apart, got {before} to {after}; "
        "keep_unknown: true leaves everything that touches it whole"
    )


_RULES: dict[str, Callable[[Layer, list[Shape], list[Shape]], list[Link]]] = {
    "Concat": _concatenated,
    "Slice": _sliced,
    "Crop": _cropped,
    "Flatten": _reshaped,
    "Reshape": _reshaped,
    "Split": lambda layer, bottoms, tops: [_all(0, number, channels(shape)) for number, shape in enumerate(tops)],
}
