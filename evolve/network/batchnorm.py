"""BatchNorm, Scale and Bias become part of the layer with synapses before them: the same function in phase TEST.

With one factor f and one term t a neuron, W' = f W and b' = f b + t; an absent synapse stays absent.
"""

from collections import Counter
from collections.abc import Collection
from copy import deepcopy
from dataclasses import dataclass

import numpy as np

from evolve.base.errors import UserError
from evolve.network import layers
from evolve.network.axes import Layer, Net
from evolve.network.layers.weighted import parameter_of
from evolve.network.weights import Weights


@dataclass(frozen=True)
class Folded:
    """A net without the layers that could be folded, its weights, and why others are `left`: layer -> words."""

    net: Net
    weights: Weights
    left: dict[str, str]


@dataclass
class _Writer:
    """The layer, in the folded net, that a blob comes from; `readers` counts who reads what it wrote."""

    layer: Layer
    readers: int


def fold(net: Net, weights: Weights, outputs: Collection[str] = (), largest: float = np.inf) -> Folded:
    """The folding of `net`, one phase's, TEST. A layer that is folded into has a bias then.

    Blobs keep their names: where a folded layer had a top of its own, the layer before it writes that. `outputs` are
    blobs that stay although other layers read them. A BatchNorm with a mean of more than `largest` deviations stays.
    """
    folded = deepcopy(net)
    del folded.layer[:]
    learned = {name: list(blobs) for name, blobs in weights.items()}
    names = Counter(parameter.name for layer in net.layer for parameter in layer.param)
    readers, writers, left = _readers(net), dict[str, _Writer](), dict[str, str]()
    for layer, counts in zip(net.layer, readers, strict=True):
        known = layers.of(layer)
        if known and known.affine:
            before = writers.get(layer.bottom[0])
            why = _why_not(layer, learned, before, names)
            if before and not why and layer.bottom[0] in outputs and layer.bottom[0] != layer.top[0]:
                why = f"what it reads, '{layer.bottom[0]}', is an output too"
            why = why or _why_not_exactly(layer, learned, largest)
            if before and not why:
                _into(learned, layer, before.layer)
                before.layer.top[0] = layer.top[0]
                writers[layer.top[0]] = _Writer(before.layer, counts[0])
                continue
            left[layer.name] = why
        kept = folded.layer.add()
        kept.CopyFrom(layer)
        writers |= {top: _Writer(kept, count) for top, count in zip(layer.top, counts, strict=True)}
    return Folded(folded, learned, left)


def fold_every(net: Net, weights: Weights) -> Weights:
    """The weights (by layer) of `net`, one phase's, TEST, without any BatchNorm, Scale and Bias.

    UserError naming the first layer that cannot be folded, and why.
    """
    folded = fold(net, weights)
    for name, why in folded.left.items():
        kind = next(layer.type for layer in net.layer if layer.name == name)
        raise UserError(
            f"layer '{name}': expected {kind} straight behind a layer with synapses; {why}, so that it cannot be folded"
        )
    return folded.weights


def unread(net: Net) -> list[str]:
    """The outputs of `net`, one phase's: the blobs that no layer reads."""
    return [
        top
        for layer, counts in zip(net.layer, _readers(net), strict=True)
        for top, count in zip(layer.top, counts, strict=True)
        if not count
    ]


def _readers(net: Net) -> list[list[int]]:
    """How many layers read each layer's tops as that one wrote them: a layer in place writes its blob anew."""
    counts = [[0] * len(layer.top) for layer in net.layer]
    latest: dict[str, tuple[int, int]] = {}
    for number, layer in enumerate(net.layer):
        for bottom in layer.bottom:
            if bottom in latest:
                writer, top = latest[bottom]
                counts[writer][top] += 1
        latest |= {top: (number, place) for place, top in enumerate(layer.top)}
    return counts


def _why_not(layer: Layer, learned: Weights, before: _Writer | None, names: Counter[str]) -> str:
    """Why a layer cannot be folded into the one before it, in words; "" if it can."""
    if len(layer.bottom) > 1:
        return "its factors are another layer's output"
    if layer.name not in learned:
        return "it has no weights"
    if layer.batch_norm_param.HasField("use_global_stats") and not layer.batch_norm_param.use_global_stats:
        return "it takes each batch's own statistics (use_global_stats: false)"
    if not before or not before.layer.bottom:
        return "it reads the input"
    neurons = _neurons(before.layer)
    if not neurons or before.layer.name not in learned:
        return f"before it is '{before.layer.name}' ({before.layer.type})"
    if before.readers > 1:
        return f"'{before.layer.name}' before it is read by others too"
    if any(parameter.name and names[parameter.name] > 1 for parameter in before.layer.param):
        return f"'{before.layer.name}' before it shares its parameters"
    parameter = layer.bias_param if layer.type == "Bias" else layer.scale_param
    if parameter.axis != 1 or learned[layer.name][0].shape != (neurons,):
        return f"it has other factors than one a neuron of '{before.layer.name}'"
    return ""


def _why_not_exactly(layer: Layer, learned: Weights, largest: float) -> str:
    known = layers.of(layer)
    if layer.type != "BatchNorm" or largest == np.inf or not known or not known.affine:
        return ""
    blobs = learned[layer.name]
    _, terms = known.affine(layer, blobs)  # -mean / deviation
    # A neuron that was the same for every training image is exact, however large.
    found = float(np.abs(terms[blobs[1].reshape(-1) > 0]).max(initial=0))
    if found <= largest:
        return ""
    return f"its mean is {found:,.0f} times the deviation, too large for 32 bits to compute the same when folded"


def _neurons(layer: Layer) -> int:
    """How many neurons a layer with synapses has, whose tops have them on axis 1; 0 for any other."""
    parameter, known = parameter_of(layer), layers.of(layer)
    plain = len(layer.bottom) == len(layer.top) == 1 and parameter.axis == 1
    plain &= not layer.inner_product_param.transpose
    return int(parameter.num_output) if known and known.connects and plain else 0


def _into(learned: Weights, layer: Layer, before: Layer) -> None:
    known = layers.of(layer)
    assert known and known.affine
    factors, terms = known.affine(layer, learned.pop(layer.name))
    weights, *biases = learned[before.name]
    bias = biases[0].astype(np.float64).reshape(-1) if biases else np.zeros(len(factors))
    scaled = weights.astype(np.float64) * _spread(factors, before, weights)
    learned[before.name] = [scaled.astype(np.float32), (bias * factors + terms).astype(np.float32)]
    parameter_of(before).ClearField("bias_term")  # true, as Caffe has it


def _spread(factors: np.ndarray, layer: Layer, weights: np.ndarray) -> np.ndarray:
    """One factor for each weight: `factors` (neurons,) where the layer's blob has its neurons."""
    if layer.type != "Deconvolution":
        return factors.reshape(-1, *(1,) * (weights.ndim - 1))
    # (inputs, neurons of a group, ...): the inputs of a group have its neurons' factors.
    groups = layer.convolution_param.group
    spread = np.repeat(factors.reshape(groups, -1), len(weights) // groups, axis=0)
    return spread.reshape(*spread.shape, *(1,) * (weights.ndim - 2))
