"""Shrinking any pruned network: what nothing needs goes, and what is constant goes into the next layer's biases.

Unlike an offspring's birth this changes nothing in the function. A channel goes if every layer that multiplies it
either has no synapse from it to a neuron that is needed, or can take its constant value into a bias.
"""

import numpy as np

from evolve.network import constants, reach, shrink
from evolve.network.stages import Stage
from evolve.network.topology import Graph, mixes
from evolve.network.weights import Weights


def fold(graph: Graph, weights: Weights) -> np.ndarray:
    """Folds constants into biases and clears what is not needed, in `weights`; returns the channels that are left.

    bool (classes,). A stage without biases gets some where it needs them: its `has_bias` says so then.
    """
    linked = {stage.name: stage.linked(weights) for stage in graph.stages}
    known = constants.values(graph, weights, linked)
    foldable = {stage.name: constants.foldable(graph, stage, known) for stage in graph.stages}
    needed = _needed(graph, linked, {name: ~there for name, there in foldable.items()})
    kept = graph.kept.copy()
    for blob, there in enumerate(needed):
        kept[graph.blobs[blob].classes[there]] = True
    neurons, inputs = {}, {}
    for stage in graph.stages:
        neurons[stage.name] = np.logical_or.reduce([needed[use.top] for use in stage.uses])
        used = stage.to_inputs(linked[stage.name], neurons[stage.name])
        inputs[stage.name] = used & ~foldable[stage.name]
        gone = used & foldable[stage.name]
        _add(stage, weights, constants.folded(stage, stage.uses[0], weights[stage.name][0], known, gone))
    shrink.clear(graph, weights, neurons, inputs)
    return kept


def _needed(graph: Graph, linked: reach.Linked, usable: dict[str, np.ndarray]) -> reach.Masks:
    """As reach.needs; what LRN mixes is needed as it is."""
    whole = [blob for node in graph.nodes if mixes(node.layer) for blob in node.bottoms]
    pinned = [blob for blob in whole if graph.kept[graph.blobs[blob].classes].all()]
    return reach.needs(graph, linked, usable, pinned)


def _add(stage: Stage, weights: Weights, added: np.ndarray) -> None:
    if not added.any():
        return
    blobs = weights[stage.name]
    if not stage.has_bias:
        blobs.append(np.zeros(stage.outputs, np.float32))
        stage.has_bias = True
    blobs[1] += added.reshape(blobs[1].shape).astype(np.float32)
