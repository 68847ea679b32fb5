"""Channels that do not exist are removed, everywhere at once: smaller blobs, a smaller prototxt, the same function.

What a neuron without synapses still made of its bias is taken away *before* the offspring is trained (`silence`), so
that what is removed contributed nothing. The image's channels and the network's outputs stay.
"""

import numpy as np

from evolve.network.kernels import checked
from evolve.network.reach import Existing
from evolve.network.topology import Graph
from evolve.network.weights import Weights


def check(graph: Graph, weights: Weights, source: str) -> None:
    """UserError unless `weights` (from `source`) has every layer's blobs, in its shapes."""
    for stage in graph.stages:
        shapes = [stage.kernel_shape, (stage.outputs,)][: 1 + stage.has_bias]
        for name in [stage.name, *stage.sharers]:
            checked(name, shapes, weights, source, synapses=True)
    for node in graph.nodes:
        if node.parameters:
            shapes = [parameter.shape for parameter in node.parameters]
            checked(node.layer.name, shapes, weights, source, synapses=False)


def silence(graph: Graph, weights: Weights, exists: Existing) -> None:
    """Sets everything of what does not exist to zero, in place, shapes unchanged.

    The weights and the bias of a neuron; and the shift (BatchNorm's mean, the bias of Scale and Bias) of a channel
    that no way leads to, so that it is as silent where it stays.
    """
    clear(graph, weights, exists.neurons, exists.inputs)
    silent: dict[str, np.ndarray] = {}
    for node in graph.nodes:
        if node.layer.type in ("BatchNorm", "Bias", "Scale") and node.parameters:
            without = ~exists.fed[node.tops[0]]
            silent[node.layer.name] = silent.get(node.layer.name, without) & without
    for node in graph.nodes:
        without = silent.pop(node.layer.name, np.zeros(0, bool))
        shift = 0 if node.layer.type == "BatchNorm" else len(node.parameters) - 1
        is_shift = node.layer.type != "Scale" or node.layer.scale_param.bias_term
        if without.any() and is_shift and node.parameters[shift].axis is not None:
            node.parameters[shift].channels(weights[node.layer.name][shift])[without] = 0


def clear(
    graph: Graph, weights: Weights, neurons: dict[str, np.ndarray], inputs: dict[str, np.ndarray]
) -> None:
    """Sets the synapses and biases of neurons, and the synapses of inputs, that are not there to zero, in place."""
    for stage in graph.stages:
        blobs = weights[stage.name]
        stage.clear(blobs[0], neurons[stage.name], inputs[stage.name])
        if len(blobs) > 1:
            blobs[1].reshape(-1)[~neurons[stage.name]] = 0
        for name in stage.sharers:
            weights[name] = blobs


def shrunk(graph: Graph, weights: Weights, kept: np.ndarray) -> Weights:
    """`weights` of the channels `kept`, bool (classes,), in smaller blobs, layers in the same order."""
    smaller: Weights = {}
    for stage in graph.stages:
        use = stage.uses[0]
        outputs = kept[graph.blobs[use.top].classes]
        inputs = kept[graph.blobs[use.bottom].classes[:: use.step]]
        matrix, *biases = weights[stage.name]
        smaller[stage.name] = [
            stage.part(matrix, outputs, inputs), *(bias.reshape(-1)[outputs] for bias in biases)
        ]  # fmt: skip
        smaller |= {name: smaller[stage.name] for name in stage.sharers}
    for node in graph.nodes:
        if node.parameters and node.layer.name not in smaller:
            there = kept[graph.blobs[node.tops[0]].classes]
            blobs = weights[node.layer.name]
            smaller[node.layer.name] = [p.part(b, there) for p, b in zip(node.parameters, blobs, strict=True)]
    return {name: smaller.get(name, blobs) for name, blobs in weights.items()}


def widths(graph: Graph, kept: np.ndarray) -> dict[str, int]:
    """How many neurons a stage's layers have of the channels `kept`: layer -> outputs."""
    result = {}
    for stage in graph.stages:
        for name in [stage.name, *stage.sharers]:
            result[name] = int(kept[graph.blobs[stage.uses[0].top].classes].sum())
    return result
