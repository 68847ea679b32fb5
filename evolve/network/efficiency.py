"""How much network there is: synapses, clusters, kernels, neurons, multiply-accumulates, layer by layer.

A synapse is a weight of a Convolution, Deconvolution or InnerProduct that is not zero, or the bias of a neuron that
exists ([Cluster16]'s Table 1 counts both: 143,978 / 125.09 = 1151). What BatchNorm, Scale, Bias and PReLU learn are
no synapses: it leads from no neuron to another. A kernel exists if one of its synapses does.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from evolve.network.reach import Existing, alive
from evolve.network.stages import Stage
from evolve.network.topology import Graph
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
    clusters: int  # kernels, or what cluster_shape makes of them: filters, blocks of filters

    def as_dict(self) -> dict[str, int | str]:
        """The same as a plain dict, for metrics.json."""
        return asdict(self)


def count(
    graph: Graph, weights: Weights, exists: Existing | None = None, filters: Mapping[str, np.ndarray] | None = None
) -> list[LayerCount]:
    """One LayerCount a stage; `exists` as `reach.alive` gives it, if known already.

    `filters` says of each neuron of a stage which cluster it is part of, where clusters are no kernels.
    Raises NothingLeft (a UserError) if no way leads from the image to an output.
    """
    exists = exists or alive(graph, weights)
    counts = []
    for stage in graph.stages:
        neurons = exists.neurons[stage.name]
        per_kernel = _synapses_per_kernel(stage, weights, neurons, exists.inputs[stage.name])
        kernels = int(np.count_nonzero(per_kernel))
        biases = int(np.count_nonzero(neurons)) if stage.has_bias else 0
        counts.append(
            LayerCount(
                name=stage.name,
                synapses=int(per_kernel.sum()) + biases,
                biases=biases,
                kernels=kernels,
                neurons=int(np.count_nonzero(neurons)),
                macs=stage.macs,
                clusters=len(np.unique(filters[stage.name][neurons])) if filters else kernels,
            )
        )
    return counts


def _synapses_per_kernel(stage: Stage, weights: Weights, neurons: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    present = stage.matrix(weights[stage.name][0] != 0)
    # NumPy is slow at reducing an axis of one.
    each = present[:, :, 0] if stage.patch == 1 else present.sum(axis=2, dtype=np.int32)
    return stage.of(each, neurons, inputs)


def total(counts: list[LayerCount], what: str) -> int:
    """The sum over the layers of one of LayerCount's figures."""
    return sum(getattr(each, what) for each in counts)


def cluster_efficiencies(ancestor: list[LayerCount], now: list[LayerCount]) -> list[float]:
    """Clusters of the ancestor / clusters now, a layer each ([Cluster16], Table 2).

    A layer beside a shortcut may have lost all of them; it is counted as if one were left.
    """
    return [first.clusters / max(1, last.clusters) for first, last in zip(ancestor, now, strict=True)]


def mean_cluster_efficiency(efficiencies: list[float]) -> float:
    """E of Tables 2 and 3: the plain mean over the layers without the last classifier, as the papers list them."""
    listed = efficiencies[:-1] or efficiencies
    return sum(listed) / len(listed)
