"""The grid of eight bits: whole numbers from -127 to 127, times a scale that each neuron has of its own.

A scale is the neuron's strongest synapse / 127, rounded up to 11 significant bits. So each number of the grid is exact
in 32 bits, the strongest of them / 127 is the scale again, and a second rounding changes nothing: a caffemodel on the
grid says its scales itself.
"""

from typing import Any

import numpy as np

LEVELS = 127
_SIGNIFICANT = 11
LARGEST = 2.0**127  # of a synapse: 127 times its scale is still a number
_SMALLEST = 2.0**-100  # of a scale, whose numbers are all normal


def rounded(blob: np.ndarray, layer: Any = None) -> tuple[np.ndarray, np.ndarray]:
    """A blob of synapses on the grid, float32 in its own shape, and the scales, float32 (neurons,).

    `layer` is the LayerParameter, whose type says where neurons lie; None stands for a Convolution. To nearest, ties to
    even. A neuron without synapses has scale 0. What is beyond LARGEST is held there.
    """
    split, across = by_neuron(np.clip(blob, -LARGEST, LARGEST), layer)
    scales = _scales(np.abs(split).max(axis=across, keepdims=True, initial=0))
    steps = np.rint(np.divide(split, scales, out=np.zeros_like(split, np.float64), where=scales > 0))
    return (steps * scales).astype(np.float32).reshape(blob.shape), scales.astype(np.float32).ravel()


def by_neuron(blob: np.ndarray, layer: Any = None) -> tuple[np.ndarray, tuple[int, ...]]:
    """The blob in a shape in which a neuron's synapses lie along the axes that are returned with it."""
    if layer is not None and layer.type == "Deconvolution":
        # Inputs first; a group's inputs see that group's outputs.
        group = layer.convolution_param.group
        return blob.reshape(group, blob.shape[0] // group, blob.shape[1], -1), (1, 3)
    if layer is not None and layer.type == "InnerProduct" and layer.inner_product_param.transpose:
        return blob, (0,)
    return blob.reshape(len(blob), -1), (1,)


def _scales(strongest: np.ndarray) -> np.ndarray:
    """float64; 0 where there is no synapse."""
    significand, exponent = np.frexp(strongest.astype(np.float64) / LEVELS)
    scales = np.ldexp(np.ceil(np.ldexp(significand, _SIGNIFICANT)), exponent - _SIGNIFICANT)
    return np.where(strongest > 0, np.maximum(scales, _SMALLEST), 0.0)
