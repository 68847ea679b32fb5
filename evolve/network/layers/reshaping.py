"""Layers that lay the values of one blob out otherwise: Reshape, Flatten, Tile, BatchReindex, Reduction."""

import numpy as np

from evolve.base.counted import counted
from evolve.base.errors import UserError
from evolve.network.axes import Layer, Shape, Shapes, axis_of, count, written
from evolve.network.channels import ChannelMap, channels, every
from evolve.network.layers.constants import Constants, Values, carried
from evolve.network.layers.layer_type import LayerType, Resizing, UnknownLayer


def _reshape(layer: Layer, bottoms: Shapes) -> Shapes:
    """The bottom's values in other axes: 0 copies an axis, -1 is what remains; `axis` and num_axes say which go."""
    (bottom,), parameter = bottoms, layer.reshape_param
    start = _first_axis(layer, bottom)
    end = len(bottom) if parameter.num_axes == -1 else start + parameter.num_axes
    dims = list(parameter.shape.dim)
    fits = 0 <= start <= end <= len(bottom) and dims.count(-1) <= 1 and min(dims, default=0) >= -1
    fits = fits and all(start + k < len(bottom) for k, dim in enumerate(dims) if dim == 0)
    if fits:
        dims = [bottom[start + k] if dim == 0 else dim for k, dim in enumerate(dims)]
        known = count(tuple(dim for dim in dims if dim != -1))
        dims = [count(bottom, start, end) // known if dim == -1 else dim for dim in dims]
        top = (*bottom[:start], *dims, *bottom[end:])
        if count(top) == count(bottom):
            return (top,)
    raise UserError(
        f"layer '{layer.name}': expected a shape for the {counted(count(bottom), 'value')} of {written(bottom)}, got "
        f"{list(parameter.shape.dim)} from axis {parameter.axis} on, num_axes {parameter.num_axes}"
    )


def _first_axis(layer: Layer, bottom: Shape) -> int:
    # An axis below 0 counts from behind the last one: -1 appends.
    axis = int(layer.reshape_param.axis)
    return axis if axis >= 0 else len(bottom) + axis + 1


def _flatten(layer: Layer, bottoms: Shapes) -> Shapes:
    """The axes from `axis` to end_axis in one."""
    (bottom,) = bottoms
    start, end = (axis_of(layer, axis, bottom) for axis in (layer.flatten_param.axis, layer.flatten_param.end_axis))
    if end < start - 1:  # one before it is no mistake for Caffe: an axis of one more
        raise UserError(f"layer '{layer.name}': expected an end_axis not before axis {start}, got {end}")
    return ((*bottom[:start], count(bottom, start, end + 1), *bottom[end + 1 :]),)


def _spread(layer: Layer, bottoms: Shapes, tops: Shapes) -> list[ChannelMap] | None:
    """Channels may be spread over more of them (Flatten), or come together again, if none is mixed with another.

    None where a single channel gets or loses its axis, behind which no map could follow it.
    """
    before, after = bottoms[0], tops[0]
    if len(before) < 2 or len(after) < 2:
        if channels(before) <= 1 and channels(after) <= 1:
            return None
        raise _mixing(layer, before, after)
    if before[0] != after[0]:
        raise _mixing(layer, before, after)
    inside, outside = count(before, 2), count(after, 2)
    if inside % outside == 0:  # each channel becomes inside / outside of them
        targets = np.arange(after[1])
        return [ChannelMap(0, 0, targets // (inside // outside), targets)]
    if outside % inside == 0:  # so many come together; topology asks whether they are one
        sources = np.arange(before[1])
        return [ChannelMap(0, 0, sources, sources // (outside // inside))]
    raise _mixing(layer, before, after)


def _mixing(layer: Layer, before: Shape, after: Shape) -> UnknownLayer:
    return UnknownLayer(
        f"layer '{layer.name}': expected a reshape that keeps channels apart, got {before} to {after}; "
        "keep_unknown: true leaves everything that touches it whole"
    )


def _write_dimension(layer: Layer, left: Resizing) -> None:
    dims = layer.reshape_param.shape.dim
    place = 1 - _first_axis(layer, left.bottoms[0])
    # 0 copies and -1 infers what the bottom has now.
    if 0 <= place < len(dims) and dims[place] > 0:
        dims[place] = int(left.written[0].sum())


def _reduced_shapes(layer: Layer, bottoms: Shapes) -> Shapes:
    """All axes from `axis` on become one value."""
    return (bottoms[0][: axis_of(layer, layer.reduction_param.axis, bottoms[0])],)


def _reduced_channels(layer: Layer, bottoms: Shapes, tops: Shapes) -> list[ChannelMap]:
    if len(tops[0]) < 2:
        raise UnknownLayer(
            f"layer '{layer.name}': expected a Reduction behind axis 1, which keeps channels apart, got axis "
            f"{len(tops[0])}; keep_unknown: true leaves everything that touches it whole"
        )
    return [every(0, 0, channels(bottoms[0]))]


def _reduced(given: Constants) -> Values:
    parameter, value = given.layer.reduction_param, given.first
    many = count(given.shapes[0], axis_of(given.layer, parameter.axis, given.shapes[0]))
    each = {
        parameter.SUM: many * value,
        parameter.ASUM: many * np.abs(value),
        parameter.SUMSQ: many * value**2,
        parameter.MEAN: value,
    }
    return [parameter.coeff * each[parameter.operation]]


def _tiled(layer: Layer, bottoms: Shapes) -> Shapes:
    """The bottom, `tiles` times along an axis."""
    axis = axis_of(layer, layer.tile_param.axis, bottoms[0])
    if layer.tile_param.tiles < 1:
        raise UserError(f"layer '{layer.name}': expected tiles of 1 and more, got {layer.tile_param.tiles}")
    return ((*bottoms[0][:axis], bottoms[0][axis] * layer.tile_param.tiles, *bottoms[0][axis + 1 :]),)


def _tiled_channels(layer: Layer, bottoms: Shapes, tops: Shapes) -> list[ChannelMap]:
    targets = np.arange(channels(tops[0]))
    return [ChannelMap(0, 0, targets % max(1, channels(bottoms[0])), targets)]


def _reindexed(layer: Layer, bottoms: Shapes) -> Shapes:
    """As many images as the second bottom has indices."""
    if len(bottoms[1]) != 1:
        raise UserError(f"layer '{layer.name}': expected a second bottom of one axis, got {written(bottoms[1])}")
    return ((bottoms[1][0], *bottoms[0][1:]),)


TYPES = (
    LayerType(
        "Reshape", shapes=_reshape, in_place=False, channels=_spread, constant=carried, resize=_write_dimension,
        free=True,
    ),
    LayerType("Flatten", shapes=_flatten, in_place=False, channels=_spread, constant=carried, free=True),
    LayerType("Tile", shapes=_tiled, channels=_tiled_channels, constant=carried),
    LayerType("BatchReindex", bottoms=(2, 2), shapes=_reindexed, constant=carried),
    LayerType("Reduction", shapes=_reduced_shapes, channels=_reduced_channels, constant=_reduced),
)  # fmt: skip
