"""The genetic encoding says of everything that a parent has how probable it is in its offspring.

[Cluster16] equations (4) and (5) give the probability of a cluster and of a synapse, and [Darwin16] that of a synapse
alone. What the parent does not have has probability zero: heredity.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np


@dataclass(frozen=True)
class Factors:
    """F_c(E) and F_s(E) of equation (3): what the environment multiplies probabilities by."""

    cluster: float
    synapse: float


@dataclass(frozen=True)
class SelectionPressure:
    """Beta in exp(beta (strength - 1)): 1 is equations (4) and (5), more favours the strong. An extension of ours."""

    cluster: float = 1.0
    synapse: float = 1.0


PAPERS = SelectionPressure()


class Encoding(Protocol):
    """The genetic encoding of a network's weights."""

    @property
    def synapses(self) -> int:
        """How many the parent has, biases aside."""

    def factors(self, factor: float, synapse_to_cluster: float) -> Factors:
        """The factors that one number stands for, where the environment is solved for: F_c, and F_s beside it."""

    def expected(self, factors: Factors) -> float:
        """Expected number of an offspring's synapses, biases aside: the mean of equation (3)'s distribution."""

    def draw(self, factors: Factors, random: np.random.Generator) -> Iterator[tuple[str, np.ndarray]]:
        """Draws an offspring: each layer's name, and bool in its weights' order, which of its synapses there are."""

    def mean(self, others: Sequence[Self]) -> Self:
        """Encodes several parents as one: `others` are theirs, this one is of the weights that an offspring inherits.

        A probability is the mean of the parents'.
        """

    def spared(self, layers: Mapping[str, float]) -> Self:
        """The encoding with every P of these layers' clusters and synapses multiplied, name -> by what (1 or more).

        An extension of ours. Like P times F, it may be above 1, which means 1.
        """


def finite(strongest: float) -> float:
    """The largest strength of a layer. ValueError where it is infinite or no number, which no probability is made of.

    `weights.require_finite` names the layer, for a caffemodel of whatever origin.
    """
    if not np.isfinite(strongest):
        raise ValueError(f"expected finite weights to encode, got {strongest} among them")
    return float(strongest)


def selected(strength: np.ndarray, pressure: float) -> np.ndarray:
    """exp(pressure (strength - 1)) of strengths from 0 to 1, in their own precision."""
    return np.asarray(np.exp((strength - strength.dtype.type(1)) * strength.dtype.type(pressure)))


def mean(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """The mean of the parents' probabilities, float32; what one of them lacks has probability 0 in its own."""
    return np.asarray(sum(arrays[1:], arrays[0]) / np.float32(len(arrays)))
