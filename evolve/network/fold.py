"""What is constant goes into the biases of the layers that read it: the same function.

`fold_constants` has what nothing needs go from any pruned network: a channel goes if every layer that multiplies it
either has no synapse from it to a neuron that is needed, or can take its constant value into a bias.
"""

import numpy as np

from evolve.network import constants, reach, resize
from evolve.network.graph import Graph
from evolve.network.weighted import WeightedLayer
from evolve.network.weights import Weights


def fold_constants(graph: Graph, weights: Weights) -> np.ndarray:
    """Folds constants into biases and clears what is not needed, in `weights`; returns the channels that are left.

    bool (groups,). A layer without biases gets some where it needs them: its `has_bias` says so then.
    """
    linked = {layer.name: layer.linked(weights) for layer in graph.weighted}
    known = constants.values(graph, weights, linked)
    foldable = {layer.name: constants.foldable(layer, known) for layer in graph.weighted}
    needed = _needed(graph, linked, {name: ~there for name, there in foldable.items()})
    kept = graph.kept.copy()
    for blob, there in enumerate(needed):
        kept[graph.blobs[blob].channel_groups[there]] = True
    neurons, inputs = {}, {}
    for layer in graph.weighted:
        neurons[layer.name] = np.logical_or.reduce([needed[use.top] for use in layer.uses])
        used = layer.to_inputs(linked[layer.name], neurons[layer.name])
        inputs[layer.name] = used & ~foldable[layer.name]
        gone = used & foldable[layer.name]
        value = known[layer.uses[0].bottom].reshape(-1, layer.uses[0].step)
        _add(layer, weights, constants.folded(layer, weights[layer.name][0], value, gone))
    resize.clear(graph, weights, neurons, inputs)
    return kept


def _needed(graph: Graph, linked: reach.Linked, usable: dict[str, np.ndarray]) -> reach.Masks:
    """As reach.needs; what LRN mixes is needed as it is."""
    whole = [blob for node in graph.nodes if node.mixes for blob in node.bottoms]
    pinned = [blob for blob in whole if graph.kept[graph.blobs[blob].channel_groups].all()]
    return reach.needs(graph, linked, usable, pinned)


def _add(layer: WeightedLayer, weights: Weights, added: np.ndarray) -> None:
    if not added.any():
        return
    blobs = weights[layer.name]
    if not layer.has_bias:
        blobs.append(np.zeros(layer.outputs, np.float32))
        layer.has_bias = True
    blobs[1] += added.reshape(blobs[1].shape).astype(np.float32)
