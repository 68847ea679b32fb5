"""Shapes of the layers that join, cut and rearrange blobs: Concat, Slice, Eltwise, Crop, Reshape, Flatten and so on."""

from typing import Any

from evolve.base.errors import UserError
from evolve.network.axes import Shape, axis_of, count, written

Shapes = tuple[Shape, ...]
_PROD = 0  # EltwiseParameter.EltwiseOp


def joined_axis(layer: Any, bottom: Shape) -> int:
    """The axis of a Concat or a Slice; each has an older name for it."""
    parameter, old = (
        (layer.concat_param, "concat_dim") if layer.type == "Concat" else (layer.slice_param, "slice_dim")
    )
    if parameter.HasField(old):
        if parameter.HasField("axis"):
            raise UserError(f"layer '{layer.name}': expected axis or {old}, got both")
        return axis_of(layer, getattr(parameter, old), bottom)
    return axis_of(layer, parameter.axis, bottom)


def concat(layer: Any, bottoms: Shapes) -> Shapes:
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


def slice_(layer: Any, bottoms: Shapes) -> Shapes:
    """Pieces of the bottom along an axis, cut at slice_point or into equal parts."""
    (bottom,) = bottoms
    axis = joined_axis(layer, bottom)
    points = slice_points(layer, bottom[axis])
    return tuple(
        (*bottom[:axis], end - start, *bottom[axis + 1 :]) for start, end in zip(points, points[1:], strict=False)
    )


def slice_points(layer: Any, length: int) -> list[int]:
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


def eltwise(layer: Any, bottoms: Shapes) -> Shapes:
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


def crop(layer: Any, bottoms: Shapes) -> Shapes:
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


def crop_offsets(layer: Any, axes: int) -> list[int]:
    """Where a Crop begins along each of the `axes` axes that it cuts."""
    offsets = list(layer.crop_param.offset) or [0]
    if len(offsets) not in (1, axes):
        raise UserError(f"layer '{layer.name}': expected one offset, or {axes}, one an axis it crops, got {offsets}")
    return offsets * axes if len(offsets) == 1 else offsets


def reshape(layer: Any, bottoms: Shapes) -> Shapes:
    """The bottom's values in other axes: 0 copies an axis, -1 is what remains; `axis` and num_axes say which go."""
    (bottom,), parameter = bottoms, layer.reshape_param
    start = parameter.axis if parameter.axis >= 0 else len(bottom) + parameter.axis + 1
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
        f"layer '{layer.name}': expected a shape for the {count(bottom)} values of {written(bottom)}, got "
        f"{list(parameter.shape.dim)} from axis {parameter.axis} on, num_axes {parameter.num_axes}"
    )


def flatten(layer: Any, bottoms: Shapes) -> Shapes:
    """The axes from `axis` to end_axis in one."""
    (bottom,) = bottoms
    start, end = (axis_of(layer, axis, bottom) for axis in (layer.flatten_param.axis, layer.flatten_param.end_axis))
    if end < start - 1:  # one before it is no mistake for Caffe: an axis of one more
        raise UserError(f"layer '{layer.name}': expected an end_axis not before axis {start}, got {end}")
    return ((*bottom[:start], count(bottom, start, end + 1), *bottom[end + 1 :]),)


def tile(layer: Any, bottoms: Shapes) -> Shapes:
    """The bottom, `tiles` times along an axis."""
    axis = axis_of(layer, layer.tile_param.axis, bottoms[0])
    if layer.tile_param.tiles < 1:
        raise UserError(f"layer '{layer.name}': expected tiles of 1 and more, got {layer.tile_param.tiles}")
    return ((*bottoms[0][:axis], bottoms[0][axis] * layer.tile_param.tiles, *bottoms[0][axis + 1 :]),)


def reduction(layer: Any, bottoms: Shapes) -> Shapes:
    """All axes from `axis` on become one value."""
    return (bottoms[0][: axis_of(layer, layer.reduction_param.axis, bottoms[0])],)


def arg_max(layer: Any, bottoms: Shapes) -> Shapes:
    """The top_k places (or values) along an axis; without an axis, of each image, with values in a second channel."""
    (bottom,), parameter = bottoms, layer.argmax_param
    has_axis = parameter.HasField("axis")
    axis = axis_of(layer, parameter.axis if has_axis else 0, bottom)
    most = bottom[axis] if has_axis else count(bottom, 1)
    if not 1 <= parameter.top_k <= most:
        raise UserError(f"layer '{layer.name}': expected a top_k from 1 to {most}, got {parameter.top_k}")
    if has_axis:
        return ((*bottom[:axis], parameter.top_k, *bottom[axis + 1 :]),)
    return ((bottom[0], 2 if parameter.out_max_val else 1, parameter.top_k, *(1,) * (len(bottom) - 3)),)


def softmax(layer: Any, bottoms: Shapes) -> Shapes:
    """As the bottom; the axis has to be one of its own."""
    axis_of(layer, layer.softmax_param.axis, bottoms[0])
    return bottoms


def batch_reindex(layer: Any, bottoms: Shapes) -> Shapes:
    """As many images as the second bottom has indices."""
    if len(bottoms[1]) != 1:
        raise UserError(f"layer '{layer.name}': expected a second bottom of one axis, got {written(bottoms[1])}")
    return ((bottoms[1][0], *bottoms[0][1:]),)
