"""2:4: of four neighbouring inputs of a neuron two have a synapse at most; NVIDIA's tensor cores skip the others.

Those of Ampere and later do. Neighbours are channels at one place of the kernel; of an InnerProduct the numbers that it
reads, in their order. TensorRT takes a layer for such where all of its groups are and its inputs come in fours
(Developer Guide, Sparsity: weights [K, C, R, S], C % 4 == 0). A last group of fewer counts as if zeros filled it up.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from evolve.network.graph import Graph
from evolve.network.shapes import Step
from evolve.network.weighted import WeightedLayer
from evolve.network.weights import Weights

_FOUR, _TWO = 4, 2


@dataclass(frozen=True)
class Groups:
    """The groups of four of one layer."""

    layer: str
    groups: int
    kept: int  # of these, with two synapses at most
    synapses: int  # without biases
    beyond: int  # of these, third and fourth ones of their group
    whole: bool  # its inputs come in fours

    @property
    def holds(self) -> bool:
        """Whether tensor cores may skip half of it."""
        return self.whole and self.kept == self.groups


def of_layer(layer: WeightedLayer, blob: np.ndarray) -> Groups | None:
    """The groups of a layer with these weights; None of a Deconvolution, for which there is no 2:4."""
    if layer.transposed:
        return None
    four = _grouped(layer, blob)
    counts = np.count_nonzero(four, axis=2)
    beyond = int(np.maximum(counts - _TWO, 0).sum())
    kept = int(np.count_nonzero(counts <= _TWO))
    return Groups(layer.name, counts.size, kept, int(counts.sum()), beyond, _inputs(layer) % _FOUR == 0)


def of_graph(graph: Graph, weights: Weights) -> list[Groups]:
    """Of each layer of a graph that can have it."""
    found = (of_layer(layer, weights[layer.name][0]) for layer in graph.weighted)
    return [each for each in found if each]


def of_steps(steps: list[Step], weights: Weights, source: str = "weights") -> dict[str, Groups]:
    """By layer, of a net's that can have it. UserError, naming `source`, where `weights` are not those of the net."""
    each = ((step.weighted, step.blobs(weights, source)[0]) for step in steps if step.weighted)
    return {layer.name: groups for layer, blob in each if (groups := of_layer(layer, blob))}


def imposed(layers: Iterable[WeightedLayer], weights: Weights, part: float) -> tuple[Weights, int]:
    """`weights` with 2:4 in those `layers` of which it takes no more than `part` of the synapses; how many went in all.

    Only where inputs come in fours: no other layer gains by it. Of a group the two strongest stay, of equals the first.
    """
    result, gone = dict(weights), 0
    for layer in layers:
        blob, *others = weights[layer.name]
        groups = of_layer(layer, blob)
        if groups and groups.whole and 0 < groups.beyond <= part * groups.synapses:
            result |= dict.fromkeys(layer.names, [_two_of_four(layer, blob), *others])
            gone += groups.beyond
    return result, gone


def _two_of_four(layer: WeightedLayer, blob: np.ndarray) -> np.ndarray:
    four = _grouped(layer, blob)
    weakest = np.argsort(-np.abs(four), axis=2, kind="stable")[:, :, _TWO:]
    np.put_along_axis(four, weakest, 0, axis=2)
    rows = four.reshape(len(four), -1, four.shape[3])[:, : _inputs(layer)]
    if layer.transpose:
        return np.ascontiguousarray(rows.reshape(layer.outputs, -1).T).reshape(blob.shape)
    return rows.reshape(blob.shape)


def _inputs(layer: WeightedLayer) -> int:
    """How many neighbours there are: of an InnerProduct all numbers that it reads."""
    return layer.width * (layer.patch if layer.type == "InnerProduct" else 1)


def _grouped(layer: WeightedLayer, blob: np.ndarray) -> np.ndarray:
    """A copy (neurons, groups, 4, places of the kernel), zeros behind the last input."""
    rows = layer.matrix(blob).reshape(layer.rows, _inputs(layer), -1)
    padded = np.pad(rows, ((0, 0), (0, -rows.shape[1] % _FOUR), (0, 0)))
    return padded.reshape(len(rows), -1, _FOUR, rows.shape[2])
