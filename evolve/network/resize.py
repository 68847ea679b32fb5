"""The prototxt of a network of which only some channels are left: num_output, group, slice_point, reshape's dims."""

from typing import Any

import numpy as np

from evolve.network import links
from evolve.network.axes import axis_of
from evolve.network.topology import Graph, Node

Net = Any  # caffe_pb2.NetParameter
Layer = Any  # caffe_pb2.LayerParameter


def resized(net: Net, graph: Graph, kept: np.ndarray) -> Net:
    """A copy of `net`, both phases in it or one, with the channels `kept`, bool (classes,), of `graph`."""
    smaller = type(net)()
    smaller.CopyFrom(net)
    nodes = {node.layer.name: node for node in graph.nodes if not node.whole}
    for layer in smaller.layer:
        node = nodes.get(layer.name)
        if node and node.layer.type == layer.type:
            _resize(layer, node, graph, kept)
    return smaller


def _resize(layer: Layer, node: Node, graph: Graph, kept: np.ndarray) -> None:
    if node.stage and node.use:
        outputs = kept[graph.blobs[node.use.top].classes]
        parameter = layer.inner_product_param if layer.type == "InnerProduct" else layer.convolution_param
        parameter.num_output = int(outputs.sum())
        if node.stage.has_bias and not parameter.bias_term:
            parameter.bias_term = True  # a constant went into it
        if node.stage.group > 1:
            parameter.group = int(outputs.reshape(node.stage.group, -1).any(axis=1).sum())
    elif layer.type == "Slice":
        _slice_points(layer, node, graph, kept)
    elif layer.type == "Reshape":
        _dimensions(layer, node, graph, kept)
    elif layer.type == "Crop":
        _offsets(layer, node, graph, kept)


def _count(blob: int, graph: Graph, kept: np.ndarray) -> int:
    return int(kept[graph.blobs[blob].classes].sum())


def _slice_points(layer: Layer, node: Node, graph: Graph, kept: np.ndarray) -> None:
    if links.slice_axis(layer, graph.blobs[node.bottoms[0]].shape) != 1:
        return
    counts = [_count(top, graph, kept) for top in node.tops]
    points = np.cumsum(counts)[:-1].tolist()
    # A Slice without points cuts into equal parts.
    if layer.slice_param.slice_point or len(set(counts)) > 1:
        layer.slice_param.slice_point[:] = points


def _dimensions(layer: Layer, node: Node, graph: Graph, kept: np.ndarray) -> None:
    parameter = layer.reshape_param
    bottom = graph.blobs[node.bottoms[0]].shape
    # An axis below 0 counts from behind the last one: -1 appends.
    first = parameter.axis if parameter.axis >= 0 else len(bottom) + 1 + parameter.axis
    place = 1 - first
    # 0 copies and -1 infers what the bottom has now.
    if 0 <= place < len(parameter.shape.dim) and parameter.shape.dim[place] > 0:
        parameter.shape.dim[place] = _count(node.tops[0], graph, kept)


def _offsets(layer: Layer, node: Node, graph: Graph, kept: np.ndarray) -> None:
    bottom = graph.blobs[node.bottoms[0]]
    first = axis_of(layer, layer.crop_param.axis, bottom.shape)
    if first > 1:
        return
    offsets = links.crop_offsets(layer, bottom.shape)
    offsets[1] = int(kept[bottom.classes[: offsets[1]]].sum())
    layer.crop_param.offset[:] = offsets[first:]
