"""BatchNorm, Scale and Bias of a trained net go into the weights before them: fewer layers, the same function.

Only in place, straight behind a Convolution or InnerProduct, in phase TEST; W' = f W, b' = f b + t.
"""

from typing import Any

import numpy as np

from evolve.base.errors import UserError
from evolve.network.weights import Weights

Net = Any  # caffe_pb2.NetParameter

_WEIGHTED = ("Convolution", "InnerProduct")
_AFFINE = ("BatchNorm", "Scale", "Bias")


def absorbed(net: Net, weights: Weights) -> Weights:
    """The weights (by layer) of `net` without its BatchNorm, Scale and Bias layers; each neuron has a bias then.

    `net` is one phase's. UserError naming a layer that is not straight behind a layer with synapses.
    """
    result = {name: list(blobs) for name, blobs in weights.items()}
    writer: dict[str, str] = {}
    for layer in net.layer:
        if layer.type in _AFFINE:
            _into(result, layer, writer)
            continue
        for top in layer.top:
            writer[top] = layer.name if layer.type in _WEIGHTED else ""
    return result


def _into(result: Weights, layer: Any, writer: dict[str, str]) -> None:
    before = writer.get(layer.bottom[0], "")
    if not before or len(layer.bottom) > 1 or list(layer.top) != list(layer.bottom) or layer.name not in result:
        raise UserError(
            f"layer '{layer.name}': expected {layer.type} in place, straight behind a layer with synapses; "
            "anything else cannot be folded"
        )
    factors, terms = _affine(layer, result.pop(layer.name))
    weights, *biases = result[before]
    bias = biases[0].astype(np.float64).reshape(-1) if biases else np.zeros(len(weights))
    scaled = weights.astype(np.float64) * factors.reshape(-1, *(1,) * (weights.ndim - 1))
    result[before] = [scaled.astype(np.float32), (bias * factors + terms).astype(np.float32)]


def _affine(layer: Any, blobs: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Factors and terms, float64 (channels,)."""
    numbers = [blob.astype(np.float64).reshape(-1) for blob in blobs]
    if layer.type == "Bias":
        return np.ones(len(numbers[0])), numbers[0]
    if layer.type == "Scale":
        return numbers[0], numbers[1] if len(numbers) > 1 else np.zeros(len(numbers[0]))
    # BatchNormLayer keeps sums: its third blob is what they are to be divided by; at 0 they count as 0, too.
    part = 1 / numbers[2][0] if numbers[2][0] else 0.0
    factors = 1 / np.sqrt(numbers[1] * part + layer.batch_norm_param.eps)
    return factors, -numbers[0] * part * factors
