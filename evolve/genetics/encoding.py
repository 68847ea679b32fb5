"""The genetic encoding: a parent's weights as the probability of each cluster and each synapse in its offspring.

[Cluster16] equations (4) and (5); [Darwin16] is the same without clusters. What the parent does not have has
probability zero: heredity.
"""

from dataclasses import dataclass

import numpy as np

from evolve.genetics.clusters import blocks, row_sums

# [Darwin16] knows no clusters, so no F_c takes one away: a probability that stays above 1 whatever F_c is.
CERTAIN = np.float32(1e18)


@dataclass(frozen=True)
class SelectionPressure:
    """Beta in exp(beta (strength - 1)): 1 is equations (4) and (5), more favours the strong. An extension of ours."""

    cluster: float = 1.0
    synapse: float = 1.0


PAPERS = SelectionPressure()


@dataclass(frozen=True)
class LayerEncoding:
    """A layer's part of the encoding; both arrays float32."""

    cluster: np.ndarray  # (clusters,): P(cluster | W), equation (4); CERTAIN for the SYNAPSE encoding
    synapse: np.ndarray  # (clusters, synapses of a cluster): P(synapse | w), equation (5)


def encode(
    rows: np.ndarray, truncation: float, clustered: bool = True, pressure: SelectionPressure = PAPERS
) -> LayerEncoding:
    """Encodes one layer's weights (clusters, synapses), its normalisers Z and z taken from the layer itself.

    `truncation` is tau: a synapse weaker than tau times the layer's strongest counts nothing for its cluster.
    z is the layer's largest strength and Z its strongest cluster's sum, so that the largest P is 1.
    """
    z = max((float(np.abs(rows[block]).max()) for block in blocks(rows)), default=0.0)
    if z == 0:
        return LayerEncoding(np.zeros(len(rows), np.float32), np.zeros(rows.shape, np.float32))
    sums = np.empty(len(rows), np.float32)
    synapse = np.empty(rows.shape, np.float32)
    for block in blocks(rows):
        strength = np.abs(rows[block])
        synapse[block] = _synapse_probability(strength, z, pressure.synapse)
        sums[block] = row_sums(np.where(strength >= truncation * z, strength, np.float32(0)))
    if not clustered:
        return LayerEncoding(np.full(len(rows), CERTAIN), synapse)
    return LayerEncoding(_cluster_probability(sums, synapse, pressure.cluster), synapse)


def selected(strength: np.ndarray, pressure: float) -> np.ndarray:
    """exp(pressure (strength - 1)) of strengths from 0 to 1, in their own precision."""
    return np.asarray(np.exp((strength - strength.dtype.type(1)) * strength.dtype.type(pressure)))


def _synapse_probability(strength: np.ndarray, z: float, pressure: float) -> np.ndarray:
    """Equation (5): exp(|w| / z - 1), to the power of the pressure, and 0 where there is no synapse."""
    probability = selected(strength / np.float32(z), pressure)
    probability[strength == 0] = 0
    return probability


def _cluster_probability(sums: np.ndarray, synapse: np.ndarray, pressure: float) -> np.ndarray:
    """Equation (4): exp(sum of the truncated strengths / Z - 1), likewise; 0 where the parent has no such cluster."""
    largest = sums.max()
    # Every synapse truncated, tau > 1: no cluster is stronger than another.
    probability = selected(sums / (largest if largest > 0 else np.float32(1)), pressure)
    for block in blocks(synapse):
        probability[block][row_sums(synapse[block]) == 0] = 0
    return probability
