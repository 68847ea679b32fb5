"""What training let go of: weights to and from neurons that nothing feeds any more, or that feed nothing.

A ReLU that answers none of the images has no gradient, and none have the weights into it and out of it: weight decay is
all that is left of theirs. Adam makes each gradient, however small, a step of about the learning rate, so such weights
are gone within some hundred iterations. They were not lost to a precision; their neuron had died before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from evolve.network import constants, layers, reach, resize
from evolve.network.graph import Graph
from evolve.network.weights import Weights

LEAST = 2.0**-25  # half of half precision's smallest number: nothing that is smaller can be told from 0 there


@dataclass
class Withered:
    """How many neurons died in training, and how many weights of each layer (0 left out) went with them."""

    neurons: int = 0
    weights: dict[str, int] = field(default_factory=dict)

    def __add__(self, other: "Withered") -> "Withered":
        layers = {**self.weights, **other.weights}
        both = {name: self.weights.get(name, 0) + other.weights.get(name, 0) for name in layers}
        return Withered(self.neurons + other.neurons, both)


def take_off(graph: Graph, weights: Weights) -> Withered:
    """Sets the weights of dead neurons that are below LEAST to zero in `weights`, whose arrays stay, and counts both.

    Dead is a neuron that the image or the outputs are connected with by such weights alone. A larger weight stays.
    NothingLeft if that is true of an output.
    """
    strong = {
        layer.name: [np.where(np.abs(weights[layer.name][0]) < LEAST, np.float32(0), weights[layer.name][0])]
        for layer in graph.weighted
    }
    before, after = reach.alive(graph, weights), reach.alive(graph, strong)
    found = Withered()
    for layer in graph.weighted:
        blob = weights[layer.name][0]
        weak = np.where(np.abs(blob) < LEAST, blob, np.float32(0))
        alive = weak.copy()
        layer.clear(alive, after.neurons[layer.name], after.inputs[layer.name])
        dead = weak != alive
        found.neurons += int((before.neurons[layer.name] & ~after.neurons[layer.name]).sum())
        if dead.any():
            found.weights[layer.name] = int(dead.sum())
            for name in layer.names:
                weights[name] = [np.where(dead, np.float32(0), blob), *weights[name][1:]]
    return found


def rectified(graph: Graph) -> list[str]:
    """Layers whose neurons nobody reads but by a ReLU: what is never above 0 for them is nothing to anybody."""
    return [
        layer.name
        for layer in graph.weighted
        if not layer.sharers and all(_only_rectified(graph, use.top) for use in layer.uses)
    ]


def silence(graph: Graph, weights: Weights, silent: Mapping[str, Sequence[int]]) -> Withered:
    """Takes off the `silent` neurons, numbers by layer, and all that leads out of them alone; counts both.

    Those stay of whose zeros a layer behind the ReLU makes something. Nothing where an output would be cut off.
    `weights` has other arrays then.
    """
    without = {name: [blob.copy() for blob in blobs] for name, blobs in weights.items()}
    raised = constants.raised(graph, weights)
    there = {layer.name: np.ones(layer.outputs, bool) for layer in graph.weighted}
    for layer in graph.weighted:
        neurons = list(silent.get(layer.name, []))
        there[layer.name][neurons] = raised[graph.outputs_of(layer)[neurons]]
    before = reach.alive(graph, weights)
    resize.clear(graph, without, there, {layer.name: np.ones(layer.inputs, bool) for layer in graph.weighted})
    try:
        after = reach.alive(graph, without)
    except reach.NothingLeft:
        return Withered()
    resize.silence(graph, without, after)
    found = Withered()
    for layer in graph.weighted:
        lost = np.count_nonzero(weights[layer.name][0]) - np.count_nonzero(without[layer.name][0])
        found.neurons += int((before.neurons[layer.name] & ~after.neurons[layer.name]).sum())
        if lost:
            found.weights[layer.name] = int(lost)
    weights.update(without)
    return found


def _only_rectified(graph: Graph, blob: int) -> bool:
    readers = [node.layer for node in graph.nodes if blob in node.bottoms]
    return bool(readers) and all(
        layers.kind(layer) == "ReLU" and layer.relu_param.negative_slope == 0 for layer in readers
    )
