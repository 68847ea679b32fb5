"""The imposition of synaptic precision ([Half17]): trained weights are cast to 16 or 8 bits before they are DNA.

The cast weights are stored as 32-bit floats that so few bits can hold, so every Caffe reads them. Rounding is to
nearest, ties to even. What the cast costs is counted: a synapse flushed to zero is a synapse lost.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np

from evolve.network import grid, layers
from evolve.network.weights import Weights

_TYPES = {
    "HALF": np.dtype(np.float16),
    "BFLOAT16": np.dtype(ml_dtypes.bfloat16),
}
# Synapses on a grid of their neuron's (grid.py); biases and whatever else is learned as in HALF.
_GRID, _BESIDE_THE_GRID = "INT8", "HALF"


@dataclass(frozen=True)
class Range:
    """How one layer's weights and biases fit into a precision."""

    layer: str
    overflows: int  # beyond the largest finite number, held there
    subnormals: int  # kept, but with fewer bits
    flushed: int  # became zero: synapses lost
    # Of a layer's synapses in INT8: root mean square of what was rounded off / of what there was, and the scales.
    error: float | None = None
    smallest_scale: float | None = None
    largest_scale: float | None = None


def bits(precision: str) -> int:
    """How many bits a synapse has in a precision."""
    if precision == _GRID:
        return 8
    return 8 * _TYPES[precision].itemsize if precision in _TYPES else 32


def cast(weights: Weights, precision: str, net_layers: Iterable[Any] = ()) -> tuple[Weights, list[Range]]:
    """`weights` rounded to `precision` ("HALF", "BFLOAT16", "INT8", "FLOAT"), still float32, and the range report.

    `net_layers` are LayerParameters, where not all have synapses: BatchNorm's statistics stay as they are (sums over
    about 1,000 batches that 16 bits cannot hold), and no factor or slope that becomes zero is a synapse lost.
    """
    if precision == "FLOAT":
        return weights, [Range(layer, 0, 0, 0) for layer in weights]
    described = {layer.name: layer for layer in net_layers}
    rounded, ranges = dict(weights), []
    for name, blobs in weights.items():
        layer = described.get(name)
        if not has_statistics(layer):
            rounded[name] = [imposed(blob, place, precision, layer) for place, blob in enumerate(blobs)]
            ranges.append(_range(name, blobs, rounded[name], precision, layer))
    return rounded, ranges


def once(ranges: Iterable[Range], net_layers: Iterable[Any]) -> list[Range]:
    """Those of `ranges` that may be added up: of layers that share their parameters (param { name }) the first one's.

    `net_layers` are LayerParameters, of both phases or one.
    """
    owners, further = dict[str, str](), set[str]()
    for layer in net_layers:
        name = layer.param[0].name if layer.param else ""
        if name and owners.setdefault(name, layer.name) != layer.name:
            further.add(layer.name)
    return [each for each in ranges if each.layer not in further]


def imposed(blob: np.ndarray, place: int, precision: str, layer: Any = None) -> np.ndarray:
    """Blob number `place` of a layer rounded to `precision`, float32; `layer` None has synapses, as a Convolution."""
    if _on_grid(place, precision, layer):
        return grid.rounded(blob, layer)[0]
    return _rounded(blob, _TYPES[_BESIDE_THE_GRID if precision == _GRID else precision])


def has_statistics(layer: Any) -> bool:
    """Whether what a layer keeps is measured, so that no precision is imposed on it."""
    known = layers.known().get(layer.type) if layer is not None else None
    return known is not None and known.statistics


def _has_synapses(layer: Any) -> bool:
    known = layers.known().get(layer.type) if layer is not None else None
    return layer is None or known is not None and known.connects is not None


def _on_grid(place: int, precision: str, layer: Any) -> bool:
    return precision == _GRID and place == 0 and _has_synapses(layer)


def _rounded(blob: np.ndarray, kind: np.dtype) -> np.ndarray:
    # An infinite weight would make every output meaningless: what is too large stays at the largest number.
    largest = np.float32(ml_dtypes.finfo(kind).max)
    return np.clip(blob, -largest, largest).astype(kind).astype(np.float32)


def _range(name: str, before: list[np.ndarray], after: list[np.ndarray], precision: str, layer: Any) -> Range:
    limits = ml_dtypes.finfo(_TYPES[_BESIDE_THE_GRID if precision == _GRID else precision])
    smallest = float(limits.smallest_normal)
    overflows = subnormals = 0
    for place, (old, new) in enumerate(zip(before, after, strict=True)):
        on_grid = _on_grid(place, precision, layer)
        largest = grid.LARGEST if on_grid else float(limits.max)
        overflows += int(np.count_nonzero(np.abs(old) > largest))
        subnormals += 0 if on_grid else int(np.count_nonzero((new != 0) & (np.abs(new) < smallest)))
    # A bias belongs to its neuron and is no synapse of its own to lose.
    flushed = int(np.count_nonzero((before[0] != 0) & (after[0] == 0))) if _has_synapses(layer) else 0
    if not _on_grid(0, precision, layer):
        return Range(name, overflows, subnormals, flushed)
    scales = grid.rounded(after[0], layer)[1]
    there = scales[scales > 0] if scales.any() else np.zeros(1)
    error = _error(before[0], after[0])
    return Range(name, overflows, subnormals, flushed, error, float(there.min()), float(there.max()))


def _error(before: np.ndarray, after: np.ndarray) -> float:
    """Root mean square of the differences / of the values; of what is held at the largest number, 0."""
    held = np.clip(before.astype(np.float64), -grid.LARGEST, grid.LARGEST)
    size = float(np.abs(held).max(initial=0)) or 1.0
    power = float(np.square(held / size).sum()) or 1.0
    return round(float(np.sqrt(np.square((after - held) / size).sum() / power)), 6)
