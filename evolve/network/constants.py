"""Channels whose value is the same at every place and for every image, found by walking a graph.

Float64 (channels,) a blob, NaN where the value depends on the image or on the place. What each type of layer makes of
them is its LayerType's to say; what layers with synapses do is here.
"""

from collections.abc import Iterator

import numpy as np

from evolve.network.graph import Graph, Node
from evolve.network.layers.constants import Constants, Values
from evolve.network.weighted import WeightedLayer
from evolve.network.weights import Weights


def values(graph: Graph, weights: Weights, linked: dict[str, np.ndarray]) -> Values:
    """The constant channels of every blob of `graph`; `linked` is WeightedLayer.linked of each."""
    known = [np.full(len(blob.channel_groups), np.nan) for blob in graph.blobs]
    with np.errstate(all="ignore"):
        for node in graph.nodes:
            if node.weighted and node.use:
                name = node.weighted.name
                read = known[node.use.bottom].reshape(-1, node.use.step)
                known[node.use.top] = _of_weighted(node.weighted, linked[name], weights[name], read)
            elif node.type and not node.whole:
                bottoms = [known[blob] for blob in node.bottoms]
                for top, found in _tops_of(node, graph, weights.get(node.layer.name, []), bottoms):
                    known[top] = found
            for top in node.tops:
                known[top][~np.isfinite(known[top])] = np.nan
    return known


def raised(graph: Graph, weights: Weights) -> np.ndarray:
    """bool (groups,): channels of whose zeros a layer without synapses makes another number, as a Scale's bias does."""
    found = np.zeros(graph.channel_groups, bool)
    with np.errstate(all="ignore"):
        for node in graph.nodes:
            if node.type and not node.weighted and not node.whole:
                zeros = [np.zeros(len(graph.blobs[blob].channel_groups)) for blob in node.bottoms]
                for top, value in _tops_of(node, graph, weights.get(node.layer.name, []), zeros):
                    found[graph.blobs[top].channel_groups[value != 0]] = True
    return found


def foldable(layer: WeightedLayer, known: Values) -> np.ndarray:
    """bool (inputs,): inputs of a layer that a bias can stand for, because they are constant at all its uses.

    Zeros always; another constant if every place of the top sees it the same: no padding, no Deconvolution.
    """
    first = layer.uses[0]
    constant = known[first.bottom].reshape(-1, first.step)
    same = np.all(np.isfinite(constant), axis=1)
    for use in layer.uses[1:]:
        value = known[use.bottom].reshape(-1, use.step)
        if use.step != first.step:  # maps that were flattened into more channels or fewer: place by place
            same &= np.all(_each(layer, value) == _each(layer, constant), axis=1)
        else:
            same &= np.all(value == constant, axis=1)
    if layer.padded or layer.transposed:
        same &= np.all(constant == 0, axis=1)
    return np.asarray(same)


def folded(layer: WeightedLayer, matrix: np.ndarray, value: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    """float64 (outputs,): what the constant `inputs`, bool (inputs,), add to each neuron, everywhere.

    `value` (inputs, step): that of the channels that make each input.
    """
    inputs = inputs & (value != 0).any(axis=1)
    if not inputs.any() or layer.transposed:
        return np.zeros(layer.outputs)
    each = _each(layer, np.where(inputs[:, np.newaxis], value, 0))
    added = np.zeros(layer.outputs)
    rows = layer.outputs // layer.group
    for number, part in enumerate(each.reshape(layer.group, layer.width, -1)):
        there = (part != 0).any(axis=1)
        kernels = layer.matrix(matrix)[number * rows : (number + 1) * rows, there]
        added[number * rows : (number + 1) * rows] = np.einsum("oip,ip->o", kernels, part[there], dtype=np.float64)
    return added


def _each(layer: WeightedLayer, value: np.ndarray) -> np.ndarray:
    """`value` (inputs, step) for each of a kernel's weights, (inputs, patch).

    A map that was flattened has channels of its own for each place, or for several; else all places share one.
    """
    return np.repeat(value, layer.patch // value.shape[1], axis=1)


def _of_weighted(layer: WeightedLayer, linked: np.ndarray, blobs: list[np.ndarray], value: np.ndarray) -> np.ndarray:
    unknown = ~np.isfinite(value).all(axis=1)
    varies = unknown | (value != 0).any(axis=1) if layer.padded or layer.transposed else unknown
    open_ = layer.to_outputs(linked, varies)
    result = blobs[1].reshape(-1).astype(np.float64) if layer.has_bias else np.zeros(layer.outputs)
    if not open_.all():
        result = result + folded(layer, blobs[0], value, ~varies)
    return np.where(open_, np.nan, result)


def _tops_of(node: Node, graph: Graph, blobs: list[np.ndarray], bottoms: Values) -> Iterator[tuple[int, np.ndarray]]:
    """Each top of a node without synapses, and what it makes of `bottoms` there."""
    assert node.type
    shapes, tops = (tuple(graph.blobs[blob].shape for blob in each) for each in (node.bottoms, node.tops))
    given = Constants(node.layer, bottoms, shapes, tops, node.maps, node.learned, blobs)
    for top, found in zip(node.tops, node.type.constant(given), strict=False):
        # A layer that adds or takes axes may have other channels than its function of values gives.
        if len(found) == len(graph.blobs[top].channel_groups):
            yield top, found.astype(np.float64)
