"""How much there is of each layer of any net: parameters, synapses, clusters, multiply-accumulates, bytes.

A parameter is a number that a solver learns: a weight, a bias, or another one, as a Scale's or PReLU's. BatchNorm's
running statistics are none, but are stored. A synapse is a weight that is not zero, or the bias of a neuron with
such a weight; a cluster is a kernel with a synapse (README, [Cluster16]).
"""

from dataclasses import dataclass

import numpy as np

from evolve.network import axes
from evolve.network.axes import Shape
from evolve.network.geometry import blob_shapes, geometry, macs
from evolve.network.kernels import blobs_of, kernels
from evolve.network.shape_rules import RULES
from evolve.network.shapes import Step
from evolve.network.weights import Weights

_BYTES = 4  # of a value in 32 bits, as Caffe stores it


@dataclass(frozen=True)
class Count:
    """What there is of one layer. What it shares with a layer before it (`param { name }`) is counted there."""

    name: str
    type: str
    top: Shape  # of its first top; () for a layer without one
    weights: int  # that connect channels
    biases: int
    others: int  # learned too: Scale, Bias, PReLU, Embed, Parameter
    statistics: int  # BatchNorm's: mean, variance and their divisor
    synapses: int  # among weights and biases
    clusters: int
    macs: int  # for one image, of the layer as it is stored, zeros multiplied too

    @property
    def parameters(self) -> int:
        """All that is learned."""
        return self.weights + self.biases + self.others

    @property
    def bytes(self) -> int:
        """Of its blobs in a caffemodel, in 32 bits."""
        return _BYTES * (self.parameters + self.statistics)


def count(steps: list[Step], weights: Weights | None = None, source: str = "weights") -> list[Count]:
    """One Count a layer of `shapes.infer`'s steps; without `weights` as if none were zero.

    UserError, naming `source`, where `weights` are not those of the net.
    """
    shared: set[str] = set()
    return [_count(step, _own(step, shared), weights, source) for step in steps]


def total(counts: list[Count], what: str) -> int:
    """The sum over the layers of one of Count's figures."""
    return sum(getattr(each, what) for each in counts)


def _own(step: Step, shared: set[str]) -> list[bool]:
    """For each blob whether it is the layer's own; names of shared ones are noted in `shared`."""
    own = []
    for k in range(len(blob_shapes(step))):
        name = step.layer.param[k].name if k < len(step.layer.param) else ""
        own.append(not name or name not in shared)
        shared.add(name)
    return own


def _count(step: Step, own: list[bool], weights: Weights | None, source: str) -> Count:
    sizes = [axes.count(shape) if mine else 0 for shape, mine in zip(blob_shapes(step), own, strict=True)]
    kind = "weights" if geometry(step) else "statistics" if step.layer.type == "BatchNorm" else "others"
    parts = {"weights": 0, "others": 0, "statistics": 0, kind: sum(sizes)}
    biases = sum(sizes[1:]) if kind == "weights" else 0
    parts["weights"] -= biases
    synapses, clusters = _dense(step, parts["weights"] + biases, own)
    if weights is not None and step.layer.type in RULES:
        blobs = blobs_of(step, weights, source)
        if kind == "weights":
            synapses, clusters = _present(step, blobs[0], own)
    elif weights is not None:
        # What an unknown type keeps is known from its blobs alone.
        parts["others"] = sum(blob.size for blob in weights.get(step.layer.name, []))
    return Count(
        name=step.layer.name,
        type=step.layer.type,
        top=step.tops[0] if step.tops else (),
        biases=biases,
        synapses=synapses,
        clusters=clusters,
        macs=macs(step),
        **parts,
    )


def _dense(step: Step, synapses: int, own: list[bool]) -> tuple[int, int]:
    connected = geometry(step)
    return (synapses, connected.kernels * own[0]) if connected else (0, 0)


def _present(step: Step, blob: np.ndarray, own: list[bool]) -> tuple[int, int]:
    """Synapses and clusters of a layer whose weights are `blob`."""
    per_kernel = kernels(step, blob != 0).sum(axis=2, dtype=np.int32)
    neurons = int(np.count_nonzero(per_kernel.any(axis=1)))
    has_own_bias = len(own) > 1 and own[1]
    synapses = int(per_kernel.sum(dtype=np.int64)) * own[0] + neurons * has_own_bias
    return synapses, int(np.count_nonzero(per_kernel)) * own[0]
