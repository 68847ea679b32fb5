"""A layer's weights are worked on as rows, a kernel each, in blocks that stay in a core's cache."""

import numpy as np

from evolve.network.weighted import WeightedLayer

# A block is of about this many synapses: so the time per synapse does not grow with the network.
_BLOCK = 1 << 16


def as_rows(weights: np.ndarray, layer: WeightedLayer) -> np.ndarray:
    """A view of a layer's weights as (clusters, synapses of a cluster), a kernel a row, in the blob's order."""
    return weights.reshape(layer.kernels, layer.patch)


def blocks(rows: np.ndarray) -> list[slice]:
    """Slices that cut (clusters, synapses) into blocks of whole clusters."""
    step = max(1, _BLOCK // max(1, rows.shape[1]))
    return [slice(start, start + step) for start in range(0, len(rows), step)]


def row_sums(rows: np.ndarray) -> np.ndarray:
    """Sum over each row, (clusters,) float32. A column alone is its own sum, and NumPy reduces it slowly."""
    return rows[:, 0].copy() if rows.shape[1] == 1 else rows.sum(axis=1, dtype=np.float32)
