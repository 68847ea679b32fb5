"""A cluster is a group of synapses that an offspring gets together or not at all: encoding CLUSTER.

The papers' cluster is the kernel: one output map x one input map of a convolution. In the layer after the last
pooling it is the patch of the map that a unit looks at, and in a fully connected layer above that one synapse.
For whole neurons as clusters see `filters`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evolve.genetics.encoding import PAPERS, Factors, SelectionPressure, mean, selected
from evolve.genetics.rows import as_rows, blocks, row_sums
from evolve.genetics.synapses import strongest, synapse_probability
from evolve.network.graph import Graph
from evolve.network.weights import Weights


@dataclass(frozen=True)
class LayerEncoding:
    """A layer's part of the encoding; both arrays float32."""

    cluster: np.ndarray  # (clusters,): P(cluster | W), equation (4)
    synapse: np.ndarray  # (clusters, synapses of a cluster): P(synapse | w), equation (5)


@dataclass(frozen=True)
class Clusters:
    """A network's encoding by clusters and the synapses in them."""

    layers: dict[str, LayerEncoding]  # layer -> its part

    @property
    def synapses(self) -> int:
        return sum(int(np.count_nonzero(layer.synapse)) for layer in self.layers.values())

    def factors(self, factor: float, synapse_to_cluster: float) -> Factors:
        return Factors(factor, factor * synapse_to_cluster)

    def expected(self, factors: Factors) -> float:
        total = 0.0
        for layer in self.layers.values():
            for block in blocks(layer.synapse):
                of_cluster = row_sums(np.minimum(layer.synapse[block] * np.float32(factors.synapse), np.float32(1)))
                of_layer = np.minimum(layer.cluster[block] * np.float32(factors.cluster), np.float32(1))
                # Not np.dot: its BLAS threads spin, and their number would decide on the last bits of F.
                total += float(np.multiply(of_layer, of_cluster, dtype=np.float64).sum())
        return total

    def draw(self, factors: Factors, random: np.random.Generator) -> Iterator[tuple[str, np.ndarray]]:
        """Equation (3): a synapse is there if its cluster was drawn, F_c P(cluster), and it was too, F_s P(synapse)."""
        for name, layer in self.layers.items():
            drawn = np.empty(layer.synapse.shape, bool)
            for block in blocks(layer.synapse):
                cluster, synapse = layer.cluster[block], layer.synapse[block]
                # random() is below 1, so a probability of 1 and above always exists, and one of 0 never does.
                exists = random.random(cluster.shape, np.float32) < cluster * np.float32(factors.cluster)
                drawn[block] = random.random(synapse.shape, np.float32) < synapse * np.float32(factors.synapse)
                drawn[block] &= exists[:, np.newaxis]
            yield name, drawn

    def mean(self, others: Sequence["Clusters"]) -> "Clusters":
        each = {name: [other.layers[name] for other in others] for name in self.layers}
        return Clusters({
            name: LayerEncoding(mean([p.cluster for p in layers]), mean([p.synapse for p in layers]))
            for name, layers in each.items()
        })  # fmt: skip

    def spared(self, layers: Mapping[str, float]) -> "Clusters":
        times = {name: np.float32(layers.get(name, 1)) for name in self.layers}
        return Clusters({
            name: LayerEncoding(layer.cluster * times[name], layer.synapse * times[name])
            for name, layer in self.layers.items()
        })  # fmt: skip


def encode(graph: Graph, weights: Weights, truncation: float, pressure: SelectionPressure = PAPERS) -> Clusters:
    """Encodes a parent; `truncation` is tau: what is weaker than tau times its layer's strongest counts no strength."""
    rows = {layer.name: as_rows(weights[layer.name][0], layer) for layer in graph.weighted}
    return Clusters({name: encode_layer(each, truncation, pressure) for name, each in rows.items()})


def encode_layer(rows: np.ndarray, truncation: float, pressure: SelectionPressure = PAPERS) -> LayerEncoding:
    """Encodes one layer's weights (clusters, synapses), its normalisers Z and z taken from the layer itself.

    z is the layer's largest strength and Z its strongest cluster's sum, so that the largest P is 1.
    """
    z = strongest(rows)
    if z == 0:
        return LayerEncoding(np.zeros(len(rows), np.float32), np.zeros(rows.shape, np.float32))
    sums = np.empty(len(rows), np.float32)
    synapse = np.empty(rows.shape, np.float32)
    for block in blocks(rows):
        strength = np.abs(rows[block])
        synapse[block] = synapse_probability(strength, z, pressure.synapse)
        sums[block] = row_sums(np.where(strength >= truncation * z, strength, np.float32(0)))
    return LayerEncoding(_cluster_probability(sums, synapse, pressure.cluster), synapse)


def _cluster_probability(sums: np.ndarray, synapse: np.ndarray, pressure: float) -> np.ndarray:
    """Equation (4): exp(sum of the truncated strengths / Z - 1), to the power of the pressure.

    0 where the parent has no such cluster.
    """
    largest = sums.max()
    # Every synapse truncated, tau > 1: no cluster is stronger than another.
    probability = selected(sums / (largest if largest > 0 else np.float32(1)), pressure)
    for block in blocks(synapse):
        probability[block][row_sums(synapse[block]) == 0] = 0
    return probability
