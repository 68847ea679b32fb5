"""Several parents mate: their offspring starts from weights of all of them, and from the mean of their encodings.

arXiv 1709.02043 synthesises an offspring from two parents' combined encodings; here each parent counts the same
(`Encoding.mean`), and what one of them lacks has probability 0 in its own, so that a synapse of all parents is likelier
than one of a single one. All parents are in the shapes of one network, zero where they lack something.
"""

from collections.abc import Sequence

import numpy as np

from evolve.network.graph import Graph, Node
from evolve.network.weighted import WeightedLayer
from evolve.network.weights import Weights


def inherited(graph: Graph, parents: Sequence[Weights], kept: Sequence[np.ndarray]) -> Weights:
    """Every weight of the first of `parents`, the fittest, that has it.

    `kept` is bool (groups,), a parent each: the channels that it has, whose Scale and statistics are taken so.
    """
    result = dict(parents[0])
    for layer in graph.weighted:
        mixed = [_first([p[layer.name][0] for p in parents], [p[layer.name][0] != 0 for p in parents])]
        if layer.has_bias:
            mixed.append(_first([p[layer.name][1] for p in parents], [_neurons(layer, p) for p in parents]))
        result |= {name: mixed for name in (layer.name, *layer.sharers)}
    for node in graph.nodes:
        if node.learned:
            there = [each[graph.blobs[node.tops[0]].channel_groups] for each in kept]
            result[node.layer.name] = _per_channel(node, [p[node.layer.name] for p in parents], there)
    return result


def _first(values: Sequence[np.ndarray], there: Sequence[np.ndarray]) -> np.ndarray:
    """Element by element the first value that is there; the first of all where none is."""
    result = values[0].copy()
    missing = ~there[0]
    for value, has in zip(values[1:], there[1:], strict=True):
        result[missing & has] = value[missing & has]
        missing &= ~has
    return result


def _neurons(layer: WeightedLayer, parent: Weights) -> np.ndarray:
    """bool (outputs,): neurons with a synapse, whose biases are theirs."""
    return layer.to_outputs(layer.linked(parent), np.ones(layer.inputs, bool))


def _per_channel(node: Node, blobs: Sequence[list[np.ndarray]], there: Sequence[np.ndarray]) -> list[np.ndarray]:
    result = []
    for number, parameter in enumerate(node.learned):
        values = [_comparable(node, each, number) for each in blobs]
        if parameter.axis is None:
            result.append(values[0])
            continue
        channels = _first([parameter.channels(value) for value in values], there)
        result.append(np.ascontiguousarray(np.moveaxis(channels, 0, parameter.axis)))
    return result


def _comparable(node: Node, blobs: list[np.ndarray], number: int) -> np.ndarray:
    """A blob; of BatchNorm, which stores sums and what to divide them by, the statistics themselves, divisor 1."""
    if node.layer.type != "BatchNorm":
        return blobs[number]
    divisor = blobs[2].reshape(-1)[0] or np.float32(1)
    return blobs[number] / divisor
