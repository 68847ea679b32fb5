"""Channels that do not exist are removed, everywhere at once: smaller blobs, a smaller prototxt, the same function.

What a neuron without synapses still made of its bias is taken away *before* the offspring is trained (`silence`), so
that what is removed contributed nothing. The image's channels and the network's outputs stay, and so does what Caffe
needs to set the network up (`complete`). `expanded` is the inverse: networks that were shrunk from the same one can be
laid side by side.
"""

from collections.abc import Callable
from copy import deepcopy

import numpy as np

from evolve.network.axes import Layer, Net
from evolve.network.graph import Graph, Node
from evolve.network.layers import LearnedBlob, Resizing
from evolve.network.reach import Existing
from evolve.network.weighted import WeightedLayer
from evolve.network.weights import Weights, checked

_FILLERS = {"weight_filler": 0, "filler": 0, "bias_filler": 1}  # and the number of the blob that each fills


def check(graph: Graph, weights: Weights, source: str) -> None:
    """UserError unless `weights` (from `source`) has every layer's blobs, in its shapes."""
    weighted = {name for layer in graph.weighted for name in layer.names}
    for name, shapes in graph.blob_shapes().items():
        checked(name, shapes, weights, source, synapses=name in weighted)


def silence(graph: Graph, weights: Weights, exists: Existing) -> None:
    """Sets everything of what does not exist to zero, in place, shapes unchanged.

    The weights and the bias of a neuron; and the shift (BatchNorm's mean, the bias of Scale and Bias) of a channel
    that no way leads to, so that it is as silent where it stays.
    """
    clear(graph, weights, exists.neurons, exists.inputs)
    values = silent(graph, exists)
    for node in graph.nodes:
        for number, blob in enumerate(node.learned):
            if blob.shift:
                weights[node.layer.name][number].reshape(-1)[values[node.layer.name][number].reshape(-1)] = 0


def silent(graph: Graph, exists: Existing) -> dict[str, list[np.ndarray]]:
    """What layers without synapses have learned of channels that no way leads to: bool, in the shapes of their blobs.

    By layer. Nothing of a blob that holds for all channels; of one that layers share what is silent in all of them.
    """
    nodes = [node for node in graph.nodes if node.learned]
    channels: dict[tuple[str, int], np.ndarray] = {}
    for node in nodes:
        without = ~exists.fed[node.tops[0]]
        for number, blob in enumerate(node.learned):
            if blob.axis is not None:
                channels[_own(node, number)] = channels.get(_own(node, number), without) & without
    nothing = np.zeros(0, bool)
    return {
        node.layer.name: [blob.of(channels.get(_own(node, k), nothing)) for k, blob in enumerate(node.learned)]
        for node in nodes
    }


def _own(node: Node, number: int) -> tuple[str, int]:
    """What a learned blob is known by: the name that layers share it under, or its layer's and its number there."""
    shared = node.layer.param[number].name if number < len(node.layer.param) else ""
    return (shared, -1) if shared else (node.layer.name, number)


def clear(
    graph: Graph, weights: Weights, neurons: dict[str, np.ndarray], inputs: dict[str, np.ndarray]
) -> None:
    """Sets the synapses and biases of neurons, and the synapses of inputs, that are not there to zero, in place."""
    for layer in graph.weighted:
        blobs = weights[layer.name]
        layer.clear(blobs[0], neurons[layer.name], inputs[layer.name])
        if len(blobs) > 1:
            blobs[1].reshape(-1)[~neurons[layer.name]] = 0
        for name in layer.sharers:
            weights[name] = blobs


def shrunk(graph: Graph, weights: Weights, kept: np.ndarray) -> Weights:
    """`weights` of the channels `kept`, bool (groups,), in smaller blobs, layers in the same order."""
    return _of_others(graph, weights, kept, WeightedLayer.part, _part, LearnedBlob.part)


def expanded(graph: Graph, smaller: Weights, kept: np.ndarray) -> Weights:
    """`smaller`, as `shrunk` makes it of the channels `kept`, bool (groups,), in the shapes of `graph`.

    What the smaller one does not have is zero.
    """
    return _of_others(graph, smaller, kept, WeightedLayer.whole, _spread, LearnedBlob.whole)


def _of_others(
    graph: Graph,
    weights: Weights,
    kept: np.ndarray,
    of_matrix: Callable[[WeightedLayer, np.ndarray, np.ndarray, np.ndarray], np.ndarray],
    of_bias: Callable[[np.ndarray, np.ndarray], np.ndarray],
    of_learned: Callable[[LearnedBlob, np.ndarray, np.ndarray], np.ndarray],
) -> Weights:
    """`weights` with each blob as the function of its kind makes it; those of layers outside `graph` as they are."""
    made: Weights = {}
    for layer in graph.weighted:
        outputs, inputs = kept[graph.outputs_of(layer)], kept[graph.inputs_of(layer)]
        matrix, *biases = weights[layer.name]
        blobs = [of_matrix(layer, matrix, outputs, inputs), *(of_bias(bias, outputs) for bias in biases)]
        made |= {name: blobs for name in layer.names}
    for node in graph.nodes:
        if node.learned and node.layer.name not in made:
            there = kept[graph.blobs[node.tops[0]].channel_groups]
            blobs = weights[node.layer.name]
            made[node.layer.name] = [of_learned(p, b, there) for p, b in zip(node.learned, blobs, strict=True)]
    return {name: made.get(name, blobs) for name, blobs in weights.items()}


def _part(bias: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    return bias.reshape(-1)[outputs]


def _spread(bias: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    blob = np.zeros(len(outputs), bias.dtype)
    blob[outputs] = bias.reshape(-1)
    return blob


def resized(net: Net, graph: Graph, kept: np.ndarray) -> Net:
    """A copy of `net`, both phases in it or one, with the channels `kept`, bool (groups,), of `graph`."""
    smaller = deepcopy(net)
    nodes = {node.layer.name: node for node in graph.nodes if not node.whole}
    for layer in smaller.layer:
        node = nodes.get(layer.name)
        if node and node.layer.type == layer.type and node.type:
            left = _left(node, graph, kept)
            if node.type.resize:
                node.type.resize(layer, left)
            _limit_sparse(layer, _lengths(node, left))
    return smaller


def _left(node: Node, graph: Graph, kept: np.ndarray) -> Resizing:
    read, written = (
        [kept[graph.blobs[blob].channel_groups] for blob in blobs] for blobs in (node.bottoms, node.tops)
    )
    return Resizing(tuple(graph.blobs[blob].shape for blob in node.bottoms), read, written, node.weighted)


def _lengths(node: Node, left: Resizing) -> list[int]:
    """How long the first axis of each learned blob becomes."""
    if node.weighted:
        outputs = int(left.written[0].sum())
        return [int(left.read[0].sum()) if node.weighted.transposed else outputs, outputs]
    return [blob.shape[0] if blob.axis != 0 else int(left.written[0].sum()) for blob in node.learned if blob.shape]


def _limit_sparse(layer: Layer, lengths: list[int]) -> None:
    """A filler leaves at most as many weights as there are: Caffe aborts on a `sparse` beyond a blob's first axis."""
    parameters = [parameter for field, parameter in layer.ListFields() if field.name.endswith("_param")]
    for each, filler in [pair for parameter in parameters for pair in parameter.ListFields()]:
        number = _FILLERS.get(each.name, len(lengths))
        if number < len(lengths) and filler.sparse > lengths[number]:
            filler.sparse = lengths[number]


def complete(graph: Graph, kept: np.ndarray, multiple: int = 1) -> np.ndarray:
    """bool (groups,): the channels that remain, `kept` and those that must stay with them for Caffe's sake.

    A blob keeps its last channel; groups of a convolution stay equally wide, but may go as a whole. With `multiple`
    (of 8, what tensor cores and SIMD like), a layer whose number of neurons is a multiple of it keeps a multiple.
    """
    kept = kept.copy()
    before = -1
    while before != (now := int(kept.sum())):
        before = now
        for blob in graph.blobs:
            if len(blob.channel_groups) and not kept[blob.channel_groups].any():
                kept[blob.channel_groups[0]] = True
        for layer in graph.weighted:
            for use in layer.uses:
                outputs = graph.blobs[use.top].channel_groups
                if layer.group > 1:
                    _even_groups(layer, graph.blobs[use.bottom].channel_groups, outputs, kept)
                if multiple > 1 and layer.outputs % multiple == 0:
                    _fill(outputs, kept, int(-kept[outputs].sum() % multiple))
    return kept


def _even_groups(layer: WeightedLayer, inputs: np.ndarray, outputs: np.ndarray, kept: np.ndarray) -> None:
    sides = [channels.reshape(layer.group, -1) for channels in (inputs, outputs)]
    stays = np.logical_or.reduce([kept[side].any(axis=1) for side in sides])
    for side in sides:
        most = kept[side].sum(axis=1).max()
        for group in side[stays]:
            _fill(group, kept, int(most - kept[group].sum()))


def _fill(channels: np.ndarray, kept: np.ndarray, missing: int) -> None:
    """Keeps so many more of `channels`, the first ones."""
    if missing > 0:
        kept[channels[~kept[channels]][:missing]] = True
