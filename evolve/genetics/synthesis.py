"""Synthesis draws an offspring: what its encoding and the environment leave of a parent's synapses, equation (3)."""

import numpy as np

from evolve.base.counted import counted
from evolve.base.errors import UserError
from evolve.genetics.encoding import Encoding, Factors
from evolve.genetics.environment import LARGEST_OFFSPRING
from evolve.network.count import of_graph, total
from evolve.network.graph import Graph
from evolve.network.reach import Existing, NothingLeft, alive
from evolve.network.resize import silence
from evolve.network.weights import Weights

_ATTEMPTS = 100


def synthesize(
    graph: Graph,
    parent: Weights,
    encoding: Encoding,
    factors: Factors,
    seed: tuple[int, ...],
    limit: float | None = None,
) -> tuple[Weights, Existing]:
    """An offspring's weights in the parent's shapes, zero where a synapse is absent, and what exists of it.

    A draw with more than `limit` synapses (without one, 80 % of the parent's), or with no way from input to output, is
    drawn again. The same `seed` gives the same offspring. UserError after 100 draws in vain.
    """
    if limit is None:
        limit = LARGEST_OFFSPRING * total(of_graph(graph, parent), "synapses")
    reason = ""
    for attempt in range(_ATTEMPTS):
        random = np.random.default_rng([*seed, attempt])
        try:
            offspring, exists = _attempt(graph, parent, encoding, factors, random)
        except NothingLeft as error:
            reason = str(error)
            continue
        synapses = total(of_graph(graph, offspring), "synapses")
        if synapses <= limit:
            return offspring, exists
        reason = f"{counted(synapses, 'synapse')}, more than the {limit:,.0f} allowed"
    raise UserError(
        f"no viable offspring in {_ATTEMPTS} draws (the last: {reason}); this lineage has come to its end: "
        "give it a milder environment, or fewer generations"
    )


def trial(
    graph: Graph,
    parent: Weights,
    encoding: Encoding,
    factors: Factors,
    seed: tuple[int, ...],
    draws: int,
) -> list[int]:
    """Numbers of synapses, biases included, of `draws` offspring; those without a way to the outputs left out."""
    kept = []
    for number in range(draws):
        # One word more than synthesize seeds with: trials and births share no random numbers.
        random = np.random.default_rng([*seed, number, draws])
        try:
            offspring, exists = _attempt(graph, parent, encoding, factors, random)
        except NothingLeft:
            continue
        kept.append(total(of_graph(graph, offspring), "synapses"))
    return kept


def _attempt(
    graph: Graph,
    parent: Weights,
    encoding: Encoding,
    factors: Factors,
    random: np.random.Generator,
) -> tuple[Weights, Existing]:
    offspring = {name: [blob.copy() for blob in blobs] for name, blobs in _without_synapses(graph, parent).items()}
    for name, present in encoding.draw(factors, random):
        weights, *biases = parent[name]
        offspring[name] = [present.reshape(weights.shape) * weights, *(bias.copy() for bias in biases)]
    exists = alive(graph, offspring)
    silence(graph, offspring, exists)
    return offspring, exists


def _without_synapses(graph: Graph, parent: Weights) -> Weights:
    """What a draw does not decide on: the blobs of layers such as BatchNorm."""
    drawn = {name for layer in graph.weighted for name in (layer.name, *layer.sharers)}
    return {name: blobs for name, blobs in parent.items() if name not in drawn}
