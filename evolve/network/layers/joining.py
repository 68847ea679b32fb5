"""Layers that join blobs and cut them, along an axis or value by value: Concat, Slice, Eltwise, Crop, Split."""

from functools import partial

import numpy as np

from evolve.base.errors import UserError
from evolve.network.axes import Layer, Shape, Shapes, axis_of, written
from evolve.network.channels import ChannelMap, channels, every, passed_on, to_each_top
from evolve.network.layers.constants import Constants, Values, carried
from evolve.network.layers.layer_type import MANY, LayerType, Resizing

_PROD, _MAX = 0, 2  # EltwiseParameter.EltwiseOp


def joined_axis(layer: Layer, bottom: Shape) -> int:
    """The axis of a Concat or a Slice; each has an older name for it."""
    parameter, old = (
        (layer.concat_param, "concat_dim") if layer.type == "Concat" else (layer.slice_param, "slice_dim")
    )
    if parameter.HasField(old):
        if parameter.HasField("axis"):
            raise UserError(f"layer '{layer.name}': expected axis or {old}, got both")
        return axis_of(layer, getattr(parameter, old), bottom)
    return axis_of(layer, parameter.axis, bottom)


def _concatenated(layer: Layer, bottoms: Shapes) -> Shapes:
    """The bottoms one behind the other along an axis; they agree in every other one."""
    axis = joined_axis(layer, bottoms[0])
    first = bottoms[0]
    for shape in bottoms[1:]:
        if len(shape) != len(first) or shape[:axis] + shape[axis + 1 :] != first[:axis] + first[axis + 1 :]:
            raise UserError(
                f"layer '{layer.name}': expected bottoms alike but along axis {axis}, got "
                f"{', '.join(map(written, bottoms))}"
            )
    return ((*first[:axis], sum(shape[axis] for shape in bottoms), *first[axis + 1 :]),)


def _concatenated_channels(layer: Layer, bottoms: Shapes, tops: Shapes) -> list[ChannelMap]:
    if joined_axis(layer, bottoms[0]) != 1:
        return passed_on(layer, bottoms, tops)
    result, start = [], 0
    for number, shape in enumerate(bottoms):
        result.append(ChannelMap(number, 0, np.arange(shape[1]), start + np.arange(shape[1])))
        start += shape[1]
    return result


def _sliced(layer: Layer, bottoms: Shapes) -> Shapes:
    """Pieces of the bottom along an axis, cut at slice_point or into equal parts."""
    (bottom,) = bottoms
    axis = joined_axis(layer, bottom)
    points = _slice_points(layer, bottom[axis])
    return tuple(
        (*bottom[:axis], end - start, *bottom[axis + 1 :]) for start, end in zip(points, points[1:], strict=False)
    )


def _slice_points(layer: Layer, length: int) -> list[int]:
    """Where each top of a Slice begins along its axis of `length`, and at last where the last one ends."""
    tops, points = len(layer.top), list(layer.slice_param.slice_point)
    if points:
        ends = [0, *points, length]
        if len(points) != tops - 1 or any(end <= start for start, end in zip(ends, ends[1:], strict=False)):
            raise UserError(
                f"layer '{layer.name}': expected {tops - 1} rising slice_points between 0 and {length} for {tops} "
                f"tops, got {points}"
            )
        return ends
    if length % tops:
        raise UserError(
            f"layer '{layer.name}': expected {length} to be a multiple of its {tops} tops; name slice_points instead"
        )
    return [k * (length // tops) for k in range(tops + 1)]


def _sliced_channels(layer: Layer, bottoms: Shapes, tops: Shapes) -> list[ChannelMap]:
    if joined_axis(layer, bottoms[0]) != 1:
        return to_each_top(layer, bottoms, tops)
    result, start = [], 0
    for number, shape in enumerate(tops):
        result.append(ChannelMap(0, number, start + np.arange(shape[1]), np.arange(shape[1])))
        start += shape[1]
    return result


def _move_slice_points(layer: Layer, left: Resizing) -> None:
    if joined_axis(layer, left.bottoms[0]) != 1:
        return
    counts = [int(top.sum()) for top in left.written]
    # A Slice without points cuts into equal parts.
    if layer.slice_param.slice_point or len(set(counts)) > 1:
        layer.slice_param.slice_point[:] = np.cumsum(counts)[:-1].tolist()


def _alike(layer: Layer, bottoms: Shapes) -> Shapes:
    """All bottoms and the top are alike."""
    if any(shape != bottoms[0] for shape in bottoms):
        raise UserError(
            f"layer '{layer.name}': expected bottoms of one shape, got {', '.join(map(written, bottoms))}"
        )
    parameter = layer.eltwise_param
    if len(parameter.coeff) not in (0, len(bottoms)):
        raise UserError(
            f"layer '{layer.name}': expected no coeff, or {len(bottoms)}, one a bottom, got {len(parameter.coeff)}"
        )
    if parameter.coeff and parameter.operation == _PROD:
        raise UserError(f"layer '{layer.name}': expected coeff with operation SUM only, got PROD")
    return bottoms[:1]


def _joined(given: Constants) -> Values:
    parameter, bottoms = given.layer.eltwise_param, given.bottoms
    if parameter.operation == _PROD:
        zero = np.any([value == 0 for value in bottoms], axis=0)
        return [np.where(zero, 0, np.prod(bottoms, axis=0))]
    if parameter.operation == _MAX:
        return [np.max(bottoms, axis=0)]
    coefficients = list(parameter.coeff) or [1.0] * len(bottoms)
    return [sum((c * value for c, value in zip(coefficients, bottoms, strict=True)), np.zeros(len(bottoms[0])))]


def _cropped(layer: Layer, bottoms: Shapes) -> Shapes:
    """The first bottom cut to the second one's size from an axis on."""
    data, size = bottoms[0], bottoms[1][: len(bottoms[0])]
    axis = axis_of(layer, layer.crop_param.axis, data)
    offsets = crop_offsets(layer, len(data) - axis)
    fits = len(size) == len(data) and all(
        offset + kept <= length
        for offset, kept, length in zip(offsets, size[axis:], data[axis:], strict=True)
    )
    if not fits:
        raise UserError(
            f"layer '{layer.name}': expected a second bottom that fits into the first from axis {axis} on, at offset "
            f"{offsets}, got {written(data)} and {written(bottoms[1])}"
        )
    return ((*data[:axis], *size[axis:]),)


def crop_offsets(layer: Layer, axes: int) -> list[int]:
    """Where a Crop begins along each of the `axes` axes that it cuts."""
    offsets = list(layer.crop_param.offset) or [0]
    if len(offsets) not in (1, axes):
        raise UserError(f"layer '{layer.name}': expected one offset, or {axes}, one an axis it crops, got {offsets}")
    return offsets * axes if len(offsets) == 1 else offsets


def _cropped_channels(layer: Layer, bottoms: Shapes, tops: Shapes) -> list[ChannelMap]:
    axis, left = axis_of(layer, layer.crop_param.axis, bottoms[0]), channels(tops[0])
    if axis > 1:
        return [every(0, 0, left)]
    first = crop_offsets(layer, len(bottoms[0]) - axis)[1 - axis]
    # The second bottom says how many: its channels must stay as many as the top's.
    return [ChannelMap(0, 0, first + np.arange(left), np.arange(left)), every(1, 0, left)]


def _move_offsets(layer: Layer, left: Resizing) -> None:
    axis = axis_of(layer, layer.crop_param.axis, left.bottoms[0])
    if axis > 1:
        return
    offsets = crop_offsets(layer, len(left.bottoms[0]) - axis)
    offsets[1 - axis] = int(left.read[0][: offsets[1 - axis]].sum())
    layer.crop_param.offset[:] = offsets


TYPES = (
    LayerType(
        "Concat", bottoms=(1, MANY), shapes=_concatenated, channels=_concatenated_channels, constant=carried, free=True
    ),
    LayerType(
        "Slice", tops=(1, MANY), shapes=_sliced, channels=_sliced_channels, constant=carried,
        resize=_move_slice_points, free=True,
    ),
    LayerType("Eltwise", bottoms=(2, MANY), shapes=_alike, constant=_joined),
    LayerType(
        "Crop", bottoms=(2, 2), shapes=_cropped, channels=_cropped_channels, constant=partial(carried, bottoms=1),
        resize=_move_offsets,
    ),
    LayerType("Split", tops=(1, MANY), in_place=False, channels=to_each_top, constant=carried, free=True),
)  # fmt: skip
