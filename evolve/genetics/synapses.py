"""Synapses are inherited each on its own, without clusters: encoding SYNAPSE, as in [Darwin16]."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evolve.genetics.encoding import PAPERS, Factors, SelectionPressure, finite, mean, selected
from evolve.genetics.rows import as_rows, blocks, row_sums
from evolve.network.graph import Graph
from evolve.network.weights import Weights


@dataclass(frozen=True)
class Synapses:
    """A network's encoding by its synapses alone; F_c takes none of them away."""

    layers: dict[str, np.ndarray]  # layer -> float32 (kernels, synapses of a kernel): P(synapse | w), equation (5)

    @property
    def synapses(self) -> int:
        return sum(int(np.count_nonzero(layer)) for layer in self.layers.values())

    def factors(self, factor: float, synapse_to_cluster: float) -> Factors:
        return Factors(factor, factor)

    def expected(self, factors: Factors) -> float:
        total = 0.0
        for layer in self.layers.values():
            for block in blocks(layer):
                each = row_sums(np.minimum(layer[block] * np.float32(factors.synapse), np.float32(1)))
                total += float(each.sum(dtype=np.float64))
        return total

    def draw(self, factors: Factors, random: np.random.Generator) -> Iterator[tuple[str, np.ndarray]]:
        """[Darwin16], equation (2): a synapse exists if it was drawn, with F_s P(synapse)."""
        for name, layer in self.layers.items():
            drawn = np.empty(layer.shape, bool)
            for block in blocks(layer):
                synapse = layer[block]
                # A number for each kernel is left out, as if it were a cluster that always comes: with the same seed
                # the same offspring as ever.
                random.random(len(synapse), np.float32)
                drawn[block] = random.random(synapse.shape, np.float32) < synapse * np.float32(factors.synapse)
            yield name, drawn

    def mean(self, others: Sequence["Synapses"]) -> "Synapses":
        return Synapses({name: mean([other.layers[name] for other in others]) for name in self.layers})

    def spared(self, layers: Mapping[str, float]) -> "Synapses":
        return Synapses({name: layer * np.float32(layers.get(name, 1)) for name, layer in self.layers.items()})


def encode(graph: Graph, weights: Weights, pressure: SelectionPressure = PAPERS) -> Synapses:
    """Encodes a parent."""
    rows = {layer.name: as_rows(weights[layer.name][0], layer) for layer in graph.weighted}
    return Synapses({name: encode_layer(each, pressure) for name, each in rows.items()})


def encode_layer(rows: np.ndarray, pressure: SelectionPressure = PAPERS) -> np.ndarray:
    """P(synapse | w) of one layer's weights (kernels, synapses), float32, z taken from the layer itself."""
    z = strongest(rows)
    probability = np.zeros(rows.shape, np.float32)
    for block in blocks(rows) if z else []:
        probability[block] = synapse_probability(np.abs(rows[block]), z, pressure.synapse)
    return probability


def strongest(rows: np.ndarray) -> float:
    """z: the largest strength of a layer; 0 where it has no synapse. ValueError as `encoding.finite`."""
    # NumPy's maximum, which a NaN is; Python's depends on where it stands.
    return finite(np.max([np.abs(rows[block]).max() for block in blocks(rows)], initial=0))


def synapse_probability(strength: np.ndarray, z: float, pressure: float) -> np.ndarray:
    """Equation (5): exp(|w| / z - 1), to the power of the pressure, and 0 where there is no synapse."""
    probability = selected(strength / np.float32(z), pressure)
    probability[strength == 0] = 0
    return probability
