"""A blob's shape and its axes, counted from the front or, below 0, from the back."""

from math import prod
from typing import Any

from evolve.base.counted import counted
from evolve.base.errors import UserError

Shape = tuple[int, ...]  # as Caffe has it: the batch first
ImageShape = tuple[int, int, int]  # channels, height, width
Shapes = tuple[Shape, ...]  # of a layer's bottoms, or of its tops
# Caffe's messages are those of the Caffe that is installed, known only once they are loaded.
Layer = Any  # caffe_pb2.LayerParameter, or a message in it
Net = Any  # caffe_pb2.NetParameter


def axis_of(layer: Layer, axis: int, shape: Shape) -> int:
    """`axis` counted from the front (Blob::CanonicalAxisIndex). UserError where `shape` has no such axis."""
    if not -len(shape) <= axis < len(shape):
        raise UserError(
            f"layer '{layer.name}': expected an axis from {-len(shape)} to {len(shape) - 1}, got {axis} for a bottom "
            f"of {written(shape)}"
        )
    return axis % len(shape)


def expect_axes(layer: Layer, shape: Shape, least: int, most: int) -> None:
    """UserError unless `shape` has from `least` to `most` axes."""
    if not least <= len(shape) <= most:
        wanted = ("" if least == most else f"{least} to ") + counted(most, "axis", "axes")
        raise UserError(f"layer '{layer.name}': expected a bottom of {wanted}, got {written(shape)}")


def count(shape: Shape, first: int = 0, end: int | None = None) -> int:
    """Values along the axes from `first` up to `end` (Blob::count)."""
    return prod(shape[first:end])


def written(shape: Shape) -> str:
    """A shape in words: ``1 x 3 x 8 x 8``."""
    return " x ".join(map(str, shape)) or "a scalar"
