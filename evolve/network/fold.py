"""What is constant, or scales and shifts alone, goes into the weights and biases of another layer: the same function.

`fold_batchnorm` makes BatchNorm, Scale and Bias part of the layer before them. `fold_constants` has what nothing needs
go from any pruned network: a channel goes if every layer that multiplies it either has no synapse from it to a neuron
that is needed, or can take its constant value into a bias.
"""

import numpy as np

from evolve.base.errors import UserError
from evolve.network import constants, layers, reach, resize
from evolve.network.axes import Layer, Net
from evolve.network.graph import Graph
from evolve.network.layers.layer_type import Affine
from evolve.network.weighted import WeightedLayer
from evolve.network.weights import Weights


def fold_batchnorm(net: Net, weights: Weights) -> Weights:
    """The weights (by layer) of `net` without its BatchNorm, Scale and Bias layers; each neuron has a bias then.

    `net` is one phase's, TEST; with one factor f and one term t a neuron, W' = f W and b' = f b + t. UserError naming
    a layer that is not straight behind a layer with synapses.
    """
    result = {name: list(blobs) for name, blobs in weights.items()}
    writer: dict[str, str] = {}
    for layer in net.layer:
        known = layers.of(layer)
        if known and known.affine:
            _into(result, layer, known.affine, writer)
            continue
        for top in layer.top:
            writer[top] = layer.name if _scalable(layer) else ""
    return result


def _into(result: Weights, layer: Layer, affine: Affine, writer: dict[str, str]) -> None:
    before = writer.get(layer.bottom[0], "")
    if not before or len(layer.bottom) > 1 or list(layer.top) != list(layer.bottom) or layer.name not in result:
        raise UserError(
            f"layer '{layer.name}': expected {layer.type} in place, straight behind a layer with synapses; "
            "anything else cannot be folded"
        )
    factors, terms = affine(layer, result.pop(layer.name))
    weights, *biases = result[before]
    bias = biases[0].astype(np.float64).reshape(-1) if biases else np.zeros(len(weights))
    scaled = weights.astype(np.float64) * factors.reshape(-1, *(1,) * (weights.ndim - 1))
    result[before] = [scaled.astype(np.float32), (bias * factors + terms).astype(np.float32)]


def _scalable(layer: Layer) -> bool:
    """Whether its weights' first axis is its neurons."""
    known = layers.of(layer)
    has_synapses = known is not None and known.connects is not None
    return has_synapses and layer.type != "Deconvolution" and not layer.inner_product_param.transpose


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
