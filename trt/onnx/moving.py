"""Layers that move values and compute none: Concat, Slice, Crop, Reshape, Flatten, Tile, Embed and BatchReindex.

What DummyData gives beside an image is of none either.
"""

import numpy as np

from evolve.network.axes import axis_of
from evolve.network.layers import joining
from trt.onnx.convolution import reshaped
from trt.onnx.graph import Graph, Operation


def filled(graph: Graph, op: Operation, bottoms: list[str]) -> list[str]:
    """DummyDataLayer that draws nothing: one filler a top, or one for all, 0 where there is none."""
    values = [filler.value for filler in op.layer.dummy_data_param.data_filler] or [0]
    each = values if len(values) > 1 else values * len(op.tops)
    return [graph.constant("values", np.full(shape, value)) for shape, value in zip(op.top_shapes, each, strict=True)]


def concat(graph: Graph, op: Operation, bottoms: list[str]) -> str:
    """ConcatLayer."""
    if len(bottoms) == 1:
        return bottoms[0]
    return str(graph.add("Concat", *bottoms, axis=joining.joined_axis(op.layer, op.bottom)))


def slice_(graph: Graph, op: Operation, bottoms: list[str]) -> list[str]:
    """SliceLayer."""
    if len(op.tops) == 1:
        return bottoms
    axis = joining.joined_axis(op.layer, op.bottom)
    lengths = graph.integers("lengths", [shape[axis] for shape in op.top_shapes])
    return list(graph.add("Split", bottoms[0], lengths, tops=len(op.tops), axis=axis))


def crop(graph: Graph, op: Operation, bottoms: list[str]) -> str:
    """CropLayer: of its second bottom only the size counts, which is known."""
    axis = axis_of(op.layer, op.layer.crop_param.axis, op.bottom)
    starts = joining.crop_offsets(op.layer, len(op.bottom) - axis)
    ends = [start + length for start, length in zip(starts, op.top[axis:], strict=True)]
    places = (graph.integers("starts", starts), graph.integers("ends", ends))
    return str(graph.add("Slice", bottoms[0], *places, graph.integers("axes", range(axis, len(op.bottom)))))


def reshape(graph: Graph, op: Operation, bottoms: list[str]) -> str:
    """ReshapeLayer and FlattenLayer."""
    return bottoms[0] if op.bottom == op.top else reshaped(graph, bottoms[0], op.top)


def tile(graph: Graph, op: Operation, bottoms: list[str]) -> str:
    """TileLayer."""
    parameter = op.layer.tile_param
    times = [1] * len(op.bottom)
    times[axis_of(op.layer, parameter.axis, op.bottom)] = parameter.tiles
    return str(graph.add("Tile", bottoms[0], graph.integers("times", times)))


def embed(graph: Graph, op: Operation, bottoms: list[str]) -> str:
    """EmbedLayer: the rows that its bottom, whole numbers, names."""
    rows = graph.add("Cast", bottoms[0], to="int64", wide=True)
    top = graph.add("Gather", graph.constant("weights", op.blobs[0]), rows, axis=0)
    return str(graph.add("Add", top, graph.constant("bias", op.blobs[1])) if len(op.blobs) > 1 else top)


def batch_reindex(graph: Graph, op: Operation, bottoms: list[str]) -> str:
    """BatchReindexLayer: the images that its second bottom, whole numbers, names."""
    return str(graph.add("Gather", bottoms[0], graph.add("Cast", bottoms[1], to="int64", wide=True), axis=0))
