"""What training let go of: weights to and from neurons that nothing feeds any more, or that feed nothing.

A ReLU that answers none of the images has no gradient, and none have the weights into it and out of it: weight decay is
all that is left of theirs. Adam makes each gradient, however small, a step of about the learning rate, so such weights
are gone within some hundred iterations. They were not lost to a precision; their neuron had died before.
"""

from dataclasses import dataclass, field

import numpy as np

from evolve.network import reach
from evolve.network.graph import Graph
from evolve.network.weights import Weights

LEAST = 2.0**-25  # half of half precision's smallest number: nothing that is smaller can be told from 0 there


@dataclass
class Withered:
    """How many neurons died in training, and how many weights of each layer (0 left out) went with them."""

    neurons: int = 0
    weights: dict[str, int] = field(default_factory=dict)


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
