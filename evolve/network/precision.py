"""The imposition of synaptic precision ([Half17]): trained weights are cast to 16 bits before they are DNA.

The cast weights are stored as 32-bit floats that 16 bits can hold, so every Caffe reads them. Rounding is to
nearest, ties to even. What the cast costs is counted: a synapse flushed to zero is a synapse lost.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import ml_dtypes
import numpy as np

from evolve.network import layers
from evolve.network.weights import Weights

_TYPES = {
    "HALF": np.dtype(np.float16),
    "BFLOAT16": np.dtype(ml_dtypes.bfloat16),
}


@dataclass(frozen=True)
class Range:
    """How one layer's weights and biases fit into 16 bits."""

    layer: str
    overflows: int  # beyond the largest finite number, held there
    subnormals: int  # kept, but with fewer bits
    flushed: int  # became zero: synapses lost

    def as_dict(self) -> dict[str, int | str]:
        """The same as a plain dict, for metrics.json."""
        return asdict(self)


def cast(weights: Weights, precision: str, types: Mapping[str, str] | None = None) -> tuple[Weights, list[Range]]:
    """`weights` rounded to `precision` ("HALF", "BFLOAT16", "FLOAT"), still float32, and the range report.

    `types` are the layers' types, where not all have synapses: BatchNorm's statistics stay as they are (sums over
    about 1,000 batches that 16 bits cannot hold), and no factor or slope that becomes zero is a synapse lost.
    """
    types = types or {}
    known = layers.known()
    of_layer = {layer: known.get(types[layer]) for layer in weights if layer in types}
    statistics = {layer for layer, kind in of_layer.items() if kind and kind.statistics}
    if precision == "FLOAT":
        return weights, [Range(layer, 0, 0, 0) for layer in weights]
    number = _TYPES[precision]
    rounded = {
        layer: blobs if layer in statistics else [_rounded(blob, number) for blob in blobs]
        for layer, blobs in weights.items()
    }
    ranges = []
    for layer in weights:
        if layer not in statistics:
            found = of_layer.get(layer)
            has_synapses = layer not in types or bool(found and found.connects)
            ranges.append(_range(layer, weights[layer], rounded[layer], number, has_synapses))
    return rounded, ranges


def _rounded(blob: np.ndarray, kind: np.dtype) -> np.ndarray:
    # An infinite weight would make every output meaningless: what is too large stays at the largest number.
    largest = np.float32(ml_dtypes.finfo(kind).max)
    return np.clip(blob, -largest, largest).astype(kind).astype(np.float32)


def _range(
    layer: str, before: list[np.ndarray], after: list[np.ndarray], kind: np.dtype, has_synapses: bool
) -> Range:
    limits = ml_dtypes.finfo(kind)
    largest, smallest = float(limits.max), float(limits.smallest_normal)
    pairs = list(zip(before, after, strict=True))
    return Range(
        layer=layer,
        overflows=sum(int(np.count_nonzero(np.abs(old) > largest)) for old, _ in pairs),
        subnormals=sum(int(np.count_nonzero((new != 0) & (np.abs(new) < smallest))) for _, new in pairs),
        # A bias belongs to its neuron and is no synapse of its own to lose.
        flushed=int(np.count_nonzero((before[0] != 0) & (after[0] == 0))) if has_synapses else 0,
    )
