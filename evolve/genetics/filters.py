"""Whole neurons as clusters (FILTER), or blocks of neurons, neighbours or of like strength (FILTER_BLOCK).

A cluster is a channel with the filters of every layer that makes it, so that what Eltwise adds comes together or not
at all. All synapses of an inherited cluster that the parent had come too, so offspring are dense and small, and with
blocks of eight as wide as tensor cores and SIMD like it. The network's outputs are in no cluster: they stay.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from evolve.genetics.encoding import PAPERS, Factors, SelectionPressure, finite, mean, selected
from evolve.network.channels import ChannelGroups
from evolve.network.graph import Graph
from evolve.network.weighted import WeightedLayer
from evolve.network.weights import Weights

ALWAYS = -1

# More than the smallest probability of the papers, 1/e, has to be multiplied by to be 1.
_EVERY_SYNAPSE = math.e * 1.0001


@dataclass(frozen=True)
class Filters:
    """A network's encoding by filters: F_c decides on them, and F_s takes no synapse of an inherited one away."""

    probability: np.ndarray  # float32 (clusters,): P(cluster | W), equation (4)
    clusters: np.ndarray  # int (groups,): the cluster of each channel group; ALWAYS for the image and the outputs
    graph: Graph
    per_kernel: dict[str, np.ndarray]  # layer -> float32 (rows, width): synapses of each kernel

    @property
    def synapses(self) -> int:
        return sum(int(kernels.sum(dtype=np.float64)) for kernels in self.per_kernel.values())

    def factors(self, factor: float, synapse_to_cluster: float) -> Factors:
        return Factors(factor, _EVERY_SYNAPSE)

    def expected(self, factors: Factors) -> float:
        """What a lost channel takes from its readers is counted too."""
        each = np.append(np.minimum(self.probability * np.float32(factors.cluster), 1), 1)[self.clusters]
        total = 0.0
        for layer in self.graph.weighted:
            outputs = each[self.graph.outputs_of(layer)]
            inputs = each[self.graph.inputs_of(layer)]
            first, second = layer.present(outputs, inputs)
            kernels = self.per_kernel[layer.name].reshape(layer.group, -1, layer.width)
            # Not a matrix product: its BLAS threads would decide on the last bits of F.
            of_row = (kernels * second[:, np.newaxis]).sum(axis=2, dtype=np.float64).ravel()
            total += float((of_row * first).sum())
        return total

    def draw(self, factors: Factors, random: np.random.Generator) -> Iterator[tuple[str, np.ndarray]]:
        """All or nothing of a neuron, with F_c P(cluster) of the cluster that it is in."""
        drawn = random.random(len(self.probability), np.float32) < self.probability * np.float32(factors.cluster)
        there = np.append(drawn, True)[self.clusters]
        for layer in self.graph.weighted:
            present = np.ones(layer.kernel_shape, bool)
            layer.clear(present, there[self.graph.outputs_of(layer)], np.ones(layer.inputs, bool))
            yield layer.name, present

    def mean(self, others: Sequence["Filters"]) -> "Filters":
        """An inherited filter brings all the synapses that it has in what an offspring inherits."""
        return replace(self, probability=mean([other.probability for other in others]))

    def spared(self, layers: Mapping[str, float]) -> "Filters":
        """A cluster that several layers make is spared as the most spared of them is."""
        times = np.ones(len(self.probability), np.float32)
        for layer in self.graph.weighted:
            of_neuron = self.clusters[self.graph.outputs_of(layer)]
            mine = of_neuron[of_neuron != ALWAYS]
            times[mine] = np.maximum(times[mine], np.float32(layers.get(layer.name, 1)))
        return replace(self, probability=self.probability * times)


def encode(
    graph: Graph,
    weights: Weights,
    truncation: float,
    block: int,
    pressure: SelectionPressure = PAPERS,
    alike: Weights | None = None,
) -> Filters:
    """Encodes a parent by clusters of `block` filters; `truncation` is equation (4)'s tau.

    A filter's strength is the sum of its truncated synapses / the strongest filter's of its layer, so that layers
    can be compared; a cluster's is the mean over its filters, and Z the strongest of those that are coupled with it.
    A block's filters are neighbours, or, with the weights `alike`, filters of like strength in those.
    """
    order = _filter_strengths(graph, alike, truncation) if alike else None
    clusters, families = partition(graph, block, order)
    present = np.zeros(len(families), bool)
    per_kernel = {}
    for layer in graph.weighted:
        of_neuron = clusters[graph.outputs_of(layer)]
        per_kernel[layer.name] = layer.matrix(weights[layer.name][0] != 0).sum(axis=2, dtype=np.float32)
        there = layer.to_outputs(per_kernel[layer.name] > 0, np.ones(layer.inputs, bool))
        present[of_neuron[(of_neuron != ALWAYS) & there]] = True
    strength = _mean_strengths(graph, weights, truncation, clusters, len(families))
    largest = np.zeros(int(families.max(initial=-1)) + 1)
    np.maximum.at(largest, families, strength)
    z = np.where(largest > 0, largest, 1)[families]
    probability = np.where(present, selected(strength / z, pressure.cluster), 0).astype(np.float32)
    return Filters(probability, clusters, graph, per_kernel)


def partition(graph: Graph, block: int, order: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The cluster of each channel group, int (groups,), and the family of each cluster: layers that are coupled.

    A family is cut into blocks in the order of its channels, or by `order`, float (groups,), the largest first.
    """
    same = _drawn_together(graph)
    families: list[set[int]] = []
    for layer in graph.weighted:
        mine = set(same[graph.outputs_of(layer)].tolist())
        apart = [family for family in families if family.isdisjoint(mine)]
        joined = [family for family in families if not family.isdisjoint(mine)]
        families = [*apart, mine.union(*joined)]
    stays = set(same[graph.outputs].tolist())
    rank = np.zeros(graph.channel_groups)
    if order is not None:
        np.maximum.at(rank, same, order)
    clusters = np.full(graph.channel_groups, ALWAYS)
    of_cluster: list[int] = []
    # In the order of the net, whatever was joined.
    for number, family in enumerate(sorted(families, key=min)):
        members = np.array(sorted(family - stays, key=lambda channel: (-rank[channel], channel)), int)
        clusters[members] = len(of_cluster) + np.arange(len(members)) // block
        of_cluster += [number] * -(-len(members) // block)
    return clusters[same], np.array(of_cluster, int)


def _filter_strengths(graph: Graph, weights: Weights, truncation: float) -> np.ndarray:
    """float64 (groups,): the strength of each channel's filters alone; 0 of what is in no cluster."""
    clusters, families = partition(graph, 1)
    return np.append(_mean_strengths(graph, weights, truncation, clusters, len(families)), 0)[clusters]


def _mean_strengths(
    graph: Graph, weights: Weights, truncation: float, clusters: np.ndarray, number: int
) -> np.ndarray:
    """float64 (number,): the mean strength of the filters of each cluster."""
    sums, filters = np.zeros(number), np.zeros(number)
    for layer in graph.weighted:
        of_neuron = clusters[graph.outputs_of(layer)]
        counted = of_neuron != ALWAYS
        np.add.at(sums, of_neuron[counted], _strengths(layer, weights[layer.name][0], truncation)[counted])
        np.add.at(filters, of_neuron[counted], 1)
    return sums / np.maximum(filters, 1)


def _drawn_together(graph: Graph) -> np.ndarray:
    """int (groups,): one number for groups that are inherited together.

    A depthwise filter and the channel that it reads: neither of them can go alone.
    """
    joined = ChannelGroups()
    joined.new(graph.channel_groups)
    made = np.zeros(graph.channel_groups, bool)
    for layer in graph.weighted:
        outputs, inputs = graph.outputs_of(layer), graph.blobs[layer.uses[0].bottom].channel_groups
        made[outputs] = True
        if layer.group > 1 and layer.group == layer.inputs:
            inputs = np.repeat(inputs, layer.outputs // layer.group)
            joined.join(outputs[made[inputs]], inputs[made[inputs]])
    return joined.numbered()


def of_neurons(graph: Graph, block: int) -> dict[str, np.ndarray]:
    """Which cluster each neuron of a layer counts to, int (outputs,); those of outputs in blocks of their own."""
    clusters, _ = partition(graph, block)
    result = {}
    for layer in graph.weighted:
        mine = clusters[graph.outputs_of(layer)]
        result[layer.name] = np.where(mine == ALWAYS, ALWAYS - np.arange(len(mine)) // block, mine)
    return result


def _strengths(layer: WeightedLayer, blob: np.ndarray, truncation: float) -> np.ndarray:
    """float64 (outputs,): the sum of each neuron's truncated strengths / the layer's strongest neuron's."""
    strength = np.abs(layer.matrix(blob))
    largest = strength.dtype.type(finite(strength.max(initial=0)))  # a product in the weights' own precision
    strength[strength < truncation * largest] = 0
    each = strength.sum(axis=2, dtype=np.float64).reshape(layer.group, -1, layer.width)
    sums = each.sum(axis=1 if layer.transposed else 2).ravel()
    return sums / (sums.max(initial=0) or 1)
