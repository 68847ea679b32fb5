"""The draw: its frequencies, heredity, the 80 % limit, and what happens when nothing viable comes."""

import math
from collections.abc import Iterator

import numpy as np
import pytest
from of_layers import encoded
from plain_loops import chain, stage

from evolve.base.errors import UserError
from evolve.genetics import clusters, synapses
from evolve.genetics.clusters import Clusters
from evolve.genetics.encoding import Encoding, Factors
from evolve.genetics.environment import solve
from evolve.genetics.synthesis import synthesize
from evolve.network.graph import Graph
from evolve.network.weighted import WeightedLayer
from evolve.network.weights import Weights

END = "this lineage has come to its end: give it a milder environment, or fewer generations"
GRAPH = chain(stage("conv1", 6, 2, 9), stage("conv2", 8, 6, 9), stage("ip1", 12, 8, 4), stage("ip2", 5, 12, 1, False))
STAGES = GRAPH.weighted


def random_weights(stages: list[WeightedLayer], seed: int, density: float = 1.0) -> Weights:
    random = np.random.default_rng(seed)
    weights: Weights = {}
    for each in stages:
        shape = (each.outputs, each.inputs, each.patch)
        kernels = random.normal(size=shape) * (random.random(shape) < density)
        weights[each.name] = [kernels.astype(np.float32)]
        if each.has_bias:
            weights[each.name].append(random.normal(size=each.outputs).astype(np.float32))
    return weights


def encoding_of(graph: Graph, weights: Weights, clustered: bool = True) -> Encoding:
    return clusters.encode(graph, weights, 0.1) if clustered else synapses.encode(graph, weights)


def count(stages: list[WeightedLayer], weights: Weights) -> int:
    """Weights that are not 0 and biases of neurons that exist, in a network from which the others are gone."""
    total = 0
    for k, each in enumerate(stages):
        kernels = weights[each.name][0]
        total += sum(value != 0 for value in kernels.ravel().tolist())
        if each.has_bias:
            last = k == len(stages) - 1
            total += sum(last or bool(kernels[neuron].any()) for neuron in range(each.outputs))
    return total


# The draw

REPEATS = 20_000


def repeated_draws(rows: np.ndarray, factors: Factors, clustered: bool = True) -> np.ndarray:
    """bool (repeats, clusters, synapses): one draw of a layer that holds `rows` so many times."""
    ((_, drawn),) = encoded([np.tile(rows, (REPEATS, 1))], 0.1, clustered).draw(factors, np.random.default_rng(7))
    return drawn.reshape(REPEATS, *rows.shape)


def bound(comparisons: int) -> float:
    """Hoeffding: that any of so many frequencies is further off than this has a probability below 1e-9."""
    return math.sqrt(math.log(2 * comparisons / 1e-9) / (2 * REPEATS))


@pytest.mark.parametrize("factors", [Factors(1, 1), Factors(0.6, 1.4), Factors(1.7, 0.5), Factors(9, 9), Factors(0, 1)])
@pytest.mark.parametrize("clustered", [True, False])
def test_frequencies_are_the_probabilities(factors: Factors, clustered: bool) -> None:
    rows = np.random.default_rng(3).normal(size=(5, 4)).astype(np.float32)
    rows[0, 1:3] = rows[4] = 0
    layer = clusters.encode_layer(rows, 0.1)
    frequency = repeated_draws(rows, factors, clustered).mean(axis=0)
    for c in range(5):
        for i in range(4):
            of_cluster = min(1.0, factors.cluster * float(layer.cluster[c])) if clustered else 1.0
            probability = of_cluster * min(1.0, factors.synapse * float(layer.synapse[c, i]))
            assert abs(frequency[c, i] - probability) < bound(20)
            assert probability not in (0, 1) or frequency[c, i] == probability


def test_synapses_of_a_cluster_come_together_or_not_at_all() -> None:
    rows = np.array([[1, 2, 3], [3, 2, 2]], np.float32)
    encoding = clusters.encode_layer(rows, 0.1)
    factors = Factors(0.7, 1.1)
    drawn = repeated_draws(rows, factors).reshape(REPEATS, 6)
    cluster = [min(1.0, 0.7 * float(p)) for p in encoding.cluster]
    synapse = [min(1.0, 1.1 * float(p)) for p in encoding.synapse.ravel()]
    for i in range(6):
        for j in range(i):
            # Two synapses of one cluster share its draw; of two clusters they share nothing.
            clusters_drawn = cluster[i // 3] if i // 3 == j // 3 else cluster[0] * cluster[1]
            both = (drawn[:, i] & drawn[:, j]).mean()
            assert abs(both - clusters_drawn * synapse[i] * synapse[j]) < bound(15)


# Synthesis


@pytest.mark.parametrize("clustered", [True, False])
def test_nothing_absent_returns(clustered: bool) -> None:
    parent = random_weights(STAGES, seed=1, density=0.9)
    for generation in range(2, 8):
        encoding = encoding_of(GRAPH, parent, clustered)
        target = 0.6 * encoding.synapses
        offspring, exists = synthesize(GRAPH, parent, encoding, solve(encoding, target), (1, generation))
        for each in STAGES:
            for before, after in zip(parent[each.name], offspring[each.name], strict=True):
                assert before.shape == after.shape and after.dtype == np.float32
                assert np.array_equal(after[after != 0], before[after != 0])
            assert not offspring[each.name][0][~exists.neurons[each.name]].any()
        assert count(STAGES, offspring) < count(STAGES, parent)
        parent = offspring


@pytest.mark.parametrize("part", [0.7, 0.8, 0.81])
def test_never_above_80_percent(part: float) -> None:
    parent = random_weights(STAGES, seed=2)
    limit = 0.8 * count(STAGES, parent)
    encoding = encoding_of(GRAPH, parent)
    factors = solve(encoding, part * encoding.synapses)
    sizes = [count(STAGES, synthesize(GRAPH, parent, encoding, factors, (seed, 2))[0]) for seed in range(20)]
    assert max(sizes) <= limit
    # Not by drawing too little: what is expected within the limit is what comes.
    assert np.mean(sizes) == pytest.approx(min(part, 0.8) * count(STAGES, parent), rel=0.05)


def as_bytes(weights: Weights) -> bytes:
    return b"".join(blob.tobytes() for blobs in weights.values() for blob in blobs)


def test_one_seed_decides_everything() -> None:
    parent = random_weights(STAGES, seed=3)
    before = as_bytes(parent)
    encoding = encoding_of(GRAPH, parent)
    made = [
        as_bytes(synthesize(GRAPH, parent, encoding, Factors(1, 1), seed)[0])
        for seed in [(1, 2), (1, 2), (1, 3), (2, 2)]
    ]
    assert made[0] == made[1] and len(set(made)) == 3
    assert as_bytes(parent) == before


def test_a_way_from_input_to_output_is_always_left() -> None:
    """Two neurons, each with one synapse in and one out, drawn with 1/2: seven draws of sixteen have a way."""
    graph = chain(stage("ip1", 2, 1, has_bias=False), stage("ip2", 1, 2, has_bias=False))
    parent: Weights = {"ip1": [np.ones((2, 1), np.float32)], "ip2": [np.ones((1, 2), np.float32)]}
    encoding = encoding_of(graph, parent)
    for seed in range(200):
        offspring, exists = synthesize(graph, parent, encoding, Factors(1, 0.5), (seed,))
        first, second = offspring["ip1"][0].ravel().tolist(), offspring["ip2"][0].ravel().tolist()
        # Both ways would be 100 %; without drawing again, 200 lucky seeds have a probability below 1e-70.
        assert (first, second) in [([1, 0], [1, 0]), ([0, 1], [0, 1])]
        assert exists.neurons["ip1"].tolist() == [bool(value) for value in first]


def test_a_hundred_draws_without_a_way() -> None:
    parent = random_weights(STAGES, seed=4)
    with pytest.raises(UserError) as error:
        synthesize(GRAPH, parent, encoding_of(GRAPH, parent), Factors(1e-6, 1e-6), (1,))
    assert str(error.value) == (
        "no viable offspring in 100 draws (the last: blob 'ip2': no way of synapses leads to it from the image); "
        f"{END}"
    )


def test_a_hundred_draws_too_large() -> None:
    parent = random_weights(STAGES, seed=5)
    with pytest.raises(UserError) as error:
        synthesize(GRAPH, parent, encoding_of(GRAPH, parent), Factors(9, 9), (1,))
    whole = 6 * 2 * 9 + 6 + 8 * 6 * 9 + 8 + 12 * 8 * 4 + 12 + 5 * 12
    assert str(error.value) == (
        f"no viable offspring in 100 draws (the last: {whole:,} synapses, more than the 808 allowed); {END}"
    )


def test_the_hundredth_draw_counts_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ninety-nine draws without any synapse, then one as it should be."""
    draws = 0
    draw = Clusters.draw

    def _draw(self: Clusters, factors: Factors, random: np.random.Generator) -> Iterator[tuple[str, np.ndarray]]:
        nonlocal draws
        draws += 1
        return draw(self, factors if draws > 99 else Factors(0, 0), random)

    monkeypatch.setattr(Clusters, "draw", _draw)
    parent = random_weights(STAGES, seed=6)
    offspring, _ = synthesize(GRAPH, parent, encoding_of(GRAPH, parent), Factors(1, 1), (1,))
    assert draws == 100 and 0 < count(STAGES, offspring) <= 0.8 * count(STAGES, parent)
