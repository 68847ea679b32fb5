"""The inverse of shrinking: a smaller network's weights in the shapes of the network that it is a part of.

What the smaller one does not have is zero. So networks that were shrunk from the same one can be laid side by side.
"""

import numpy as np

from evolve.network.topology import Graph
from evolve.network.weights import Weights


def expanded(graph: Graph, smaller: Weights, kept: np.ndarray) -> Weights:
    """`smaller`, as `shrink.shrunk` makes it of the channels `kept`, bool (classes,), in the shapes of `graph`."""
    whole: Weights = {}
    for stage in graph.stages:
        use = stage.uses[0]
        outputs = kept[graph.blobs[use.top].classes]
        inputs = kept[graph.blobs[use.bottom].classes[:: use.step]]
        matrix, *biases = smaller[stage.name]
        whole[stage.name] = [stage.whole(matrix, outputs, inputs), *(_spread(bias, outputs) for bias in biases)]
        whole |= {name: whole[stage.name] for name in stage.sharers}
    for node in graph.nodes:
        if node.parameters and node.layer.name not in whole:
            there = kept[graph.blobs[node.tops[0]].classes]
            blobs = smaller[node.layer.name]
            whole[node.layer.name] = [p.whole(b, there) for p, b in zip(node.parameters, blobs, strict=True)]
    return {name: whole.get(name, blobs) for name, blobs in smaller.items()}


def _spread(bias: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    blob = np.zeros(len(outputs), bias.dtype)
    blob[outputs] = bias.reshape(-1)
    return blob
