"""Which neurons and synapses exist: those on a way from the image to an output.

A neuron that no synapse leads to from the image, or from which none leads to an output, does not exist, and its other
synapses go with it. Ways run along the channels of the graph too: through shortcuts, Concat, pooling.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from evolve.base.errors import UserError
from evolve.network.graph import Graph
from evolve.network.weighted import WeightedLayer
from evolve.network.weights import Weights

Masks = list[np.ndarray]  # bool (channels,), a blob of the graph each
Linked = dict[str, np.ndarray]  # layer -> bool (rows, width): which kernels have a synapse


class NothingLeft(UserError):
    """An output that depends on the image no more: no network remains."""


@dataclass
class Existing:
    """What exists of a network; masks are bool."""

    neurons: dict[str, np.ndarray]  # weighted layer -> (outputs,)
    inputs: dict[str, np.ndarray]  # weighted layer -> (inputs,): those whose synapses exist, to neurons that exist
    kept: np.ndarray  # (groups,): channels that exist somewhere, or stay in any case
    fed: Masks  # channels that depend on the image


def alive(graph: Graph, weights: Weights) -> Existing:
    """What exists of a network with `weights`. NothingLeft if an output does not depend on the image."""
    linked = {layer.name: layer.linked(weights) for layer in graph.weighted}
    fed = _fed(graph, linked)
    for blob in graph.sinks:
        if len(fed[blob]) and not fed[blob].any():
            raise NothingLeft(f"blob '{graph.blobs[blob].name}': no way of synapses leads to it from the image")
    usable = {layer.name: _inputs(layer, fed) for layer in graph.weighted}
    needed = needs(graph, linked, usable)
    kept = graph.kept.copy()
    for blob, there in enumerate(zip(fed, needed, strict=True)):
        kept[graph.blobs[blob].channel_groups[there[0] & there[1]]] = True
    neurons = {layer.name: np.zeros(layer.outputs, bool) for layer in graph.weighted}
    inputs = {layer.name: np.zeros(layer.inputs, bool) for layer in graph.weighted}
    for layer in graph.weighted:
        for use in layer.uses:
            groups = graph.blobs[use.top].channel_groups
            neurons[layer.name] |= (fed[use.top] & needed[use.top]) | graph.outputs[groups]
            there = fed[use.bottom] & kept[graph.blobs[use.bottom].channel_groups]
            inputs[layer.name] |= np.any(there.reshape(-1, use.step), axis=1)
    return Existing(neurons, inputs, kept, fed)


def _fed(graph: Graph, linked: Linked) -> Masks:
    """Which channels depend on the image, blob by blob, in the order of the layers."""
    fed = [np.zeros(len(blob.channel_groups), bool) for blob in graph.blobs]
    for node in graph.nodes:
        if node.whole or node.source:
            for top in node.tops:
                fed[top][:] = True
        elif node.weighted and node.use:
            use = node.use
            inputs = np.any(fed[use.bottom].reshape(-1, use.step), axis=1)
            fed[use.top] |= node.weighted.to_outputs(linked[node.weighted.name], inputs)
        elif node.maps:
            for each in node.maps:
                fed[node.tops[each.top]][each.targets[fed[node.bottoms[each.bottom]][each.sources]]] = True
        else:  # scores and losses
            for top in node.tops:
                fed[top][:] = any(bool(fed[bottom].any()) for bottom in node.bottoms)
    return fed


def _inputs(layer: WeightedLayer, fed: Masks) -> np.ndarray:
    """bool (inputs,): those that depend on the image, wherever the layer is used."""
    each = [np.any(fed[use.bottom].reshape(-1, use.step), axis=1) for use in layer.uses]
    return np.logical_or.reduce(each)


def needs(graph: Graph, linked: Linked, usable: dict[str, np.ndarray], whole: Iterable[int] = ()) -> Masks:
    """Which channels the outputs depend on, those of the blobs `whole` in any case.

    A layer takes nothing from inputs that are not `usable`, bool (inputs,).
    """
    needed = [graph.outputs[blob.channel_groups] for blob in graph.blobs]
    for blob in whole:
        needed[blob][:] = True
    for node in reversed(graph.nodes):
        if node.weighted and node.use:
            use = node.use
            inputs = node.weighted.to_inputs(linked[node.weighted.name], needed[use.top]) & usable[node.weighted.name]
            needed[use.bottom] |= np.repeat(inputs, use.step)
        for each in node.maps:
            sources = each.sources[needed[node.tops[each.top]][each.targets]]
            needed[node.bottoms[each.bottom]][sources] = True
    return needed
