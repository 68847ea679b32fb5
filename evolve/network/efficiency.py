"""How much network there is: synapses, kernels, neurons, multiply-accumulates, layer by layer.

A synapse is a weight that is not zero, or the bias of a neuron that exists ([Cluster16]'s Table 1 counts both:
143,978 / 125.09 = 1151). A kernel exists if one of its synapses does.
"""

from dataclasses import asdict, dataclass

import numpy as np

from evolve.network.shrink import alive, existing
from evolve.network.topology import Stage
from evolve.network.weights import Weights


@dataclass(frozen=True)
class LayerCount:
    """What exists of one layer."""

    name: str
    synapses: int  # biases included
    biases: int
    kernels: int
    neurons: int
    macs: int  # of the layer as it is stored, zeros multiplied too

    def as_dict(self) -> dict[str, int | str]:
        """The same as a plain dict, for metrics.json."""
        return asdict(self)


def count(stages: list[Stage], weights: Weights, exists: list[np.ndarray] | None = None) -> list[LayerCount]:
    """One LayerCount a stage; `exists` as `shrink.alive` gives it, if known already.

    Raises NothingLeft (a UserError) if no way leads from input to output.
    """
    exists = exists or alive(stages, weights)
    counts = []
    for k, stage in enumerate(stages):
        per_kernel = existing(_synapses_per_kernel(stage, weights), exists[k], exists[k - 1] if k else None)
        neurons = int(np.count_nonzero(exists[k]))
        biases = neurons if stage.has_bias else 0
        counts.append(
            LayerCount(
                name=stage.name,
                synapses=int(per_kernel.sum()) + biases,
                biases=biases,
                kernels=int(np.count_nonzero(per_kernel)),
                neurons=neurons,
                macs=stage.macs,
            )
        )
    return counts


def _synapses_per_kernel(stage: Stage, weights: Weights) -> np.ndarray:
    present = (weights[stage.name][0] != 0).reshape(stage.outputs, stage.inputs, stage.patch)
    # NumPy is slow at reducing an axis of one.
    return present[:, :, 0] if stage.patch == 1 else present.sum(axis=2, dtype=np.int32)


def total(counts: list[LayerCount], what: str) -> int:
    """The sum over the layers of one of LayerCount's figures."""
    return sum(getattr(each, what) for each in counts)


def cluster_efficiencies(ancestor: list[LayerCount], now: list[LayerCount]) -> list[float]:
    """Kernels of the ancestor / kernels now, a layer each ([Cluster16], Table 2)."""
    return [first.kernels / last.kernels for first, last in zip(ancestor, now, strict=True)]


def mean_cluster_efficiency(efficiencies: list[float]) -> float:
    """E of Tables 2 and 3: the plain mean over the layers without the last classifier, as the papers list them."""
    listed = efficiencies[:-1] or efficiencies
    return sum(listed) / len(listed)
