"""Which neurons and synapses exist: those on a way from the image to an output.

A neuron that no synapse leads to from the image, or from which none leads to an output, does not exist, and its other
synapses go with it. Ways run along the channels of the graph too: through shortcuts, Concat, pooling.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from evolve.base.errors import UserError
from evolve.network.stages import Stage
from evolve.network.topology import Graph
from evolve.network.weights import Weights

Masks = list[np.ndarray]  # bool (channels,), a blob of the graph each
Linked = dict[str, np.ndarray]  # stage -> bool (rows, width): which kernels have a synapse


class NothingLeft(UserError):
    """An output that depends on the image no more: no network remains."""


@dataclass
class Existing:
    """What exists of a network; masks are bool."""

    neurons: dict[str, np.ndarray]  # stage -> (outputs,)
    inputs: dict[str, np.ndarray]  # stage -> (inputs,): those whose synapses exist, to neurons that exist
    kept: np.ndarray  # (classes,): channels that exist somewhere, or stay in any case
    fed: Masks  # channels that depend on the image


def alive(graph: Graph, weights: Weights) -> Existing:
    """What exists of a network with `weights`. NothingLeft if an output does not depend on the image."""
    linked = {stage.name: stage.linked(weights) for stage in graph.stages}
    fed = _fed(graph, linked)
    for blob in graph.sinks:
        if len(fed[blob]) and not fed[blob].any():
            raise NothingLeft(f"blob '{graph.blobs[blob].name}': no way of synapses leads to it from the image")
    usable = {stage.name: _inputs(stage, fed) for stage in graph.stages}
    needed = needs(graph, linked, usable)
    kept = graph.kept.copy()
    for blob, there in enumerate(zip(fed, needed, strict=True)):
        kept[graph.blobs[blob].classes[there[0] & there[1]]] = True
    neurons = {stage.name: np.zeros(stage.outputs, bool) for stage in graph.stages}
    inputs = {stage.name: np.zeros(stage.inputs, bool) for stage in graph.stages}
    for stage in graph.stages:
        for use in stage.uses:
            classes = graph.blobs[use.top].classes
            neurons[stage.name] |= (fed[use.top] & needed[use.top]) | graph.outputs[classes]
            there = fed[use.bottom] & kept[graph.blobs[use.bottom].classes]
            inputs[stage.name] |= np.any(there.reshape(-1, use.step), axis=1)
    return Existing(neurons, inputs, kept, fed)


def _fed(graph: Graph, linked: Linked) -> Masks:
    """Which channels depend on the image, blob by blob, in the order of the layers."""
    fed = [np.zeros(len(blob.classes), bool) for blob in graph.blobs]
    for node in graph.nodes:
        if node.whole or node.layer.type == "Input":
            for top in node.tops:
                fed[top][:] = True
        elif node.stage and node.use:
            use = node.use
            inputs = np.any(fed[use.bottom].reshape(-1, use.step), axis=1)
            fed[use.top] |= node.stage.to_outputs(linked[node.stage.name], inputs)
        elif node.links:
            for link in node.links:
                fed[node.tops[link.top]][link.targets[fed[node.bottoms[link.bottom]][link.sources]]] = True
        else:  # scores and losses
            for top in node.tops:
                fed[top][:] = any(bool(fed[bottom].any()) for bottom in node.bottoms)
    return fed


def _inputs(stage: Stage, fed: Masks) -> np.ndarray:
    """bool (inputs,): those that depend on the image, wherever the stage is used."""
    each = [np.any(fed[use.bottom].reshape(-1, use.step), axis=1) for use in stage.uses]
    return np.logical_or.reduce(each)


def needs(graph: Graph, linked: Linked, usable: dict[str, np.ndarray], whole: Iterable[int] = ()) -> Masks:
    """Which channels the outputs depend on, those of the blobs `whole` in any case.

    A stage takes nothing from inputs that are not `usable`, bool (inputs,).
    """
    needed = [graph.outputs[blob.classes] for blob in graph.blobs]
    for blob in whole:
        needed[blob][:] = True
    for node in reversed(graph.nodes):
        if node.stage and node.use:
            use = node.use
            inputs = node.stage.to_inputs(linked[node.stage.name], needed[use.top]) & usable[node.stage.name]
            needed[use.bottom] |= np.repeat(inputs, use.step)
        for link in node.links:
            sources = link.sources[needed[node.tops[link.top]][link.targets]]
            needed[node.bottoms[link.bottom]][sources] = True
    return needed
