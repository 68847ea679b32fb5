"""How much there is of each layer: parameters, synapses, clusters, multiply-accumulates, bytes.

A parameter is a number that a solver learns: a weight, a bias, or another one, as a Scale's or PReLU's. BatchNorm's
running statistics are none, but are stored. A synapse is a weight that connects channels and is not zero, or the bias
of a neuron with such a weight ([Cluster16]'s Table 1 counts both: 143,978 / 125.09 = 1151). What BatchNorm, Scale,
Bias and PReLU learn are no synapses: it leads from no neuron to another. A kernel exists if one of its synapses does;
it is the papers' cluster.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from evolve.network import axes, layers
from evolve.network.axes import Shape
from evolve.network.channels import ChannelMap, channels
from evolve.network.graph import Graph
from evolve.network.layers import UnknownLayer
from evolve.network.shapes import Step
from evolve.network.weighted import WeightedLayer
from evolve.network.weights import Weights

_BYTES = 4  # of a value in 32 bits, as Caffe stores it


@dataclass(frozen=True)
class Count:
    """What there is of one layer. What it shares with a layer before it (`param { name }`) is counted there."""

    name: str
    synapses: int = 0  # biases of neurons with a synapse included
    biases: int = 0  # those
    kernels: int = 0  # with a synapse
    neurons: int = 0  # with a synapse
    macs: int = 0  # for one image, of the layer as it is stored, zeros multiplied too
    clusters: int = 0  # kernels, or what cluster_shape makes of them: filters, blocks of filters
    type: str = ""
    outputs: int = 0  # neurons that are stored
    top: Shape = ()  # of its first top; () for a layer without one
    weights: int = 0  # stored ones that connect channels
    bias_terms: int = 0  # stored ones
    others: int = 0  # learned too: Scale, Bias, PReLU, Embed, Parameter
    statistics: int = 0  # BatchNorm's: mean, variance and their divisor

    @property
    def parameters(self) -> int:
        """All that is learned."""
        return self.weights + self.bias_terms + self.others

    @property
    def bytes(self) -> int:
        """Of its blobs in a caffemodel, in 32 bits."""
        return _BYTES * (self.parameters + self.statistics)


def of_graph(graph: Graph, weights: Weights, filters: Mapping[str, np.ndarray] | None = None) -> list[Count]:
    """One Count a weighted layer, of which those that share their parameters are one.

    `filters` says of each neuron of a layer which cluster it is part of, where clusters are no kernels.
    """
    return [_weighted(layer, weights[layer.name][0], filters[layer.name] if filters else None)
            for layer in graph.weighted]  # fmt: skip


def of_net(steps: list[Step], weights: Weights | None = None, source: str = "weights") -> list[Count]:
    """One Count a layer of `shapes.infer`'s steps; without `weights` as if none were zero.

    UserError, naming `source`, where `weights` are not those of the net.
    """
    shared: set[str] = set()
    counts = []
    for step, read in zip(steps, _channels_read(steps), strict=True):
        own = _own(step, shared)
        if step.weighted:
            counts.append(_of_weighted(step, step.weighted.behind(read), own, weights, source))
        else:
            counts.append(_of_others(step, own, weights, source))
    return counts


def total(counts: list[Count], what: str) -> int:
    """The sum over the layers of one of Count's figures."""
    return sum(getattr(each, what) for each in counts)


def cluster_efficiencies(ancestor: list[Count], now: list[Count]) -> list[float]:
    """Clusters of the ancestor / clusters now, a layer each ([Cluster16], Table 2).

    A layer beside a shortcut may have lost all of them; it is counted as if one were left.
    """
    return [first.clusters / max(1, last.clusters) for first, last in zip(ancestor, now, strict=True)]


def mean_cluster_efficiency(efficiencies: list[float]) -> float:
    """E of Tables 2 and 3: the plain mean over the layers without the last classifier, as the papers list them."""
    listed = efficiencies[:-1] or efficiencies
    # Python's own sum has other last bits from 3.12 on, and lineage.csv would.
    return math.fsum(listed) / len(listed)


def _weighted(layer: WeightedLayer, blob: np.ndarray, filters: np.ndarray | None = None) -> Count:
    """What exists of a layer whose weights are `blob`, and what is stored."""
    present = layer.matrix(blob != 0)
    # NumPy is slow at reducing an axis of one.
    per_kernel = present[:, :, 0] if layer.patch == 1 else present.sum(axis=2, dtype=np.int32)
    neurons = layer.to_outputs(per_kernel != 0, np.ones(layer.inputs, bool))
    kernels, there = int(np.count_nonzero(per_kernel)), int(np.count_nonzero(neurons))
    biases = there if layer.has_bias else 0
    return Count(
        name=layer.name,
        synapses=int(per_kernel.sum(dtype=np.int64)) + biases,
        biases=biases,
        kernels=kernels,
        neurons=there,
        macs=layer.macs,
        clusters=kernels if filters is None else len(np.unique(filters[neurons])),
        type=layer.type,
        outputs=layer.outputs,
        weights=layer.weights,
        bias_terms=layer.outputs if layer.has_bias else 0,
    )


def _of_weighted(
    step: Step, layer: WeightedLayer, own: list[bool], weights: Weights | None, source: str
) -> Count:
    if weights is None:
        biases = layer.outputs if layer.has_bias else 0
        found = Count(
            layer.name, layer.weights + biases, biases, layer.kernels, layer.outputs, layer.macs, layer.kernels,
            outputs=layer.outputs, weights=layer.weights, bias_terms=biases,
        )  # fmt: skip
    else:
        found = _weighted(layer, step.blobs(weights, source)[0])
    found = replace(found, type=layers.kind(step.layer), top=step.tops[0])
    if not own[0]:
        found = replace(found, synapses=found.biases, kernels=0, clusters=0, weights=0)
    if len(own) > 1 and not own[1]:
        found = replace(found, synapses=found.synapses - found.biases, biases=0, bias_terms=0)
    return found


def _of_others(step: Step, own: list[bool], weights: Weights | None, source: str) -> Count:
    size = sum(axes.count(shape) for shape, mine in zip(step.blob_shapes, own, strict=True) if mine)
    found = Count(step.layer.name, type=layers.kind(step.layer), top=step.tops[0] if step.tops else ())
    if weights is not None and step.type:
        step.blobs(weights, source)
    elif weights is not None:
        # What an unknown type keeps is known from its blobs alone.
        size = sum(blob.size for blob in weights.get(step.layer.name, []))
    is_statistic = step.type is not None and step.type.statistics
    return replace(found, statistics=size) if is_statistic else replace(found, others=size)


def _own(step: Step, shared: set[str]) -> list[bool]:
    """For each blob whether it is the layer's own; names of shared ones are noted in `shared`."""
    own = []
    for k in range(len(step.blob_shapes)):
        name = step.layer.param[k].name if k < len(step.layer.param) else ""
        own.append(not name or name not in shared)
        shared.add(name)
    return own


def _channels_read(steps: list[Step]) -> list[np.ndarray]:
    """For each layer the channels of its first bottom, int, numbered so that those of one source are alike.

    So a map that Flatten laid out is one input of the units behind it, as it is in a graph.
    """
    numbers: dict[str, np.ndarray] = {}
    read, fresh = [], 0
    for step in steps:
        bottoms = [numbers[name] for name in step.layer.bottom]
        read.append(bottoms[0] if bottoms else np.zeros(0, int))
        tops = []
        for shape in step.tops:
            tops.append(fresh + np.arange(channels(shape)))
            fresh += channels(shape)
        for each in reversed(_maps(step)):
            tops[each.top][each.targets] = bottoms[each.bottom][each.sources]
        numbers |= dict(zip(step.layer.top, tops, strict=True))
    return read


def _maps(step: Step) -> list[ChannelMap]:
    try:
        return step.type.follow(step.layer, step.bottoms, step.tops) or [] if step.type else []
    except UnknownLayer:
        return []
