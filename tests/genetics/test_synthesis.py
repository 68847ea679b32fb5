"""The draw: its frequencies, heredity, the 80 % limit, and what happens when nothing viable comes."""

import math

import numpy as np
import pytest
from plain_loops import chain, stage

from evolve.base.errors import UserError
from evolve.genetics import clusters
from evolve.genetics.encoding import LayerEncoding, encode
from evolve.genetics.environment import Factors, solve
from evolve.genetics.synthesis import draw, synthesize
from evolve.network.stages import Stage
from evolve.network.weights import Weights

END = "this lineage has come to its end: give it a milder environment, or fewer generations"
GRAPH = chain(stage("conv1", 6, 2, 9), stage("conv2", 8, 6, 9), stage("ip1", 12, 8, 4), stage("ip2", 5, 12, 1, False))
STAGES = GRAPH.stages


def random_weights(stages: list[Stage], seed: int, density: float = 1.0) -> Weights:
    random = np.random.default_rng(seed)
    weights: Weights = {}
    for each in stages:
        shape = (each.outputs, each.inputs, each.patch)
        kernels = random.normal(size=shape) * (random.random(shape) < density)
        weights[each.name] = [kernels.astype(np.float32)]
        if each.has_bias:
            weights[each.name].append(random.normal(size=each.outputs).astype(np.float32))
    return weights


def encodings_of(stages: list[Stage], weights: Weights, clustered: bool = True) -> list[LayerEncoding]:
    return [encode(clusters.as_rows(weights[each.name][0], each), 0.1, clustered) for each in stages]


def synapses(stages: list[Stage], weights: Weights) -> int:
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


def repeated_draws(encoding: LayerEncoding, factors: Factors) -> np.ndarray:
    """bool (repeats, clusters, synapses): one draw of a layer that holds `encoding` so many times."""
    many = LayerEncoding(np.tile(encoding.cluster, REPEATS), np.tile(encoding.synapse, (REPEATS, 1)))
    return draw(many, factors, np.random.default_rng(7)).reshape(REPEATS, *encoding.synapse.shape)


def bound(comparisons: int) -> float:
    """Hoeffding: that any of so many frequencies is further off than this has a probability below 1e-9."""
    return math.sqrt(math.log(2 * comparisons / 1e-9) / (2 * REPEATS))


@pytest.mark.parametrize("factors", [Factors(1, 1), Factors(0.6, 1.4), Factors(1.7, 0.5), Factors(9, 9), Factors(0, 1)])
@pytest.mark.parametrize("clustered", [True, False])
def test_frequencies_are_the_probabilities(factors: Factors, clustered: bool) -> None:
    rows = np.random.default_rng(3).normal(size=(5, 4)).astype(np.float32)
    rows[0, 1:3] = rows[4] = 0
    encoding = encode(rows, 0.1, clustered)
    frequency = repeated_draws(encoding, factors).mean(axis=0)
    for c in range(5):
        for i in range(4):
            of_cluster = min(1.0, factors.cluster * float(encoding.cluster[c]))
            probability = of_cluster * min(1.0, factors.synapse * float(encoding.synapse[c, i]))
            assert abs(frequency[c, i] - probability) < bound(20)
            assert probability not in (0, 1) or frequency[c, i] == probability


def test_synapses_of_a_cluster_come_together_or_not_at_all() -> None:
    encoding = encode(np.array([[1, 2, 3], [3, 2, 2]], np.float32), 0.1)
    factors = Factors(0.7, 1.1)
    drawn = repeated_draws(encoding, factors).reshape(REPEATS, 6)
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
        encodings = encodings_of(STAGES, parent, clustered)
        target = 0.6 * sum(np.count_nonzero(each.synapse) for each in encodings)
        offspring, exists = synthesize(GRAPH, parent, encodings, solve(encodings, target), (1, generation))
        for each in STAGES:
            for before, after in zip(parent[each.name], offspring[each.name], strict=True):
                assert before.shape == after.shape and after.dtype == np.float32
                assert np.array_equal(after[after != 0], before[after != 0])
            assert not offspring[each.name][0][~exists.neurons[each.name]].any()
        assert synapses(STAGES, offspring) < synapses(STAGES, parent)
        parent = offspring


@pytest.mark.parametrize("part", [0.7, 0.8, 0.81])
def test_never_above_80_percent(part: float) -> None:
    parent = random_weights(STAGES, seed=2)
    limit = 0.8 * synapses(STAGES, parent)
    encodings = encodings_of(STAGES, parent)
    factors = solve(encodings, part * sum(np.count_nonzero(each.synapse) for each in encodings))
    sizes = [synapses(STAGES, synthesize(GRAPH, parent, encodings, factors, (seed, 2))[0]) for seed in range(20)]
    assert max(sizes) <= limit
    # Not by drawing too little: what is expected within the limit is what comes.
    assert np.mean(sizes) == pytest.approx(min(part, 0.8) * synapses(STAGES, parent), rel=0.05)


def as_bytes(weights: Weights) -> bytes:
    return b"".join(blob.tobytes() for blobs in weights.values() for blob in blobs)


def test_one_seed_decides_everything() -> None:
    parent = random_weights(STAGES, seed=3)
    before = as_bytes(parent)
    encodings = encodings_of(STAGES, parent)
    made = [
        as_bytes(synthesize(GRAPH, parent, encodings, Factors(1, 1), seed)[0])
        for seed in [(1, 2), (1, 2), (1, 3), (2, 2)]
    ]
    assert made[0] == made[1] and len(set(made)) == 3
    assert as_bytes(parent) == before


def test_a_way_from_input_to_output_is_always_left() -> None:
    """Two neurons, each with one synapse in and one out, drawn with 1/2: seven draws of sixteen have a way."""
    graph = chain(stage("ip1", 2, 1, has_bias=False), stage("ip2", 1, 2, has_bias=False))
    parent: Weights = {"ip1": [np.ones((2, 1), np.float32)], "ip2": [np.ones((1, 2), np.float32)]}
    encodings = encodings_of(graph.stages, parent)
    for seed in range(200):
        offspring, exists = synthesize(graph, parent, encodings, Factors(1, 0.5), (seed,))
        first, second = offspring["ip1"][0].ravel().tolist(), offspring["ip2"][0].ravel().tolist()
        # Both ways would be 100 %; without drawing again, 200 lucky seeds have a probability below 1e-70.
        assert (first, second) in [([1, 0], [1, 0]), ([0, 1], [0, 1])]
        assert exists.neurons["ip1"].tolist() == [bool(value) for value in first]


def test_a_hundred_draws_without_a_way() -> None:
    parent = random_weights(STAGES, seed=4)
    with pytest.raises(UserError) as error:
        synthesize(GRAPH, parent, encodings_of(STAGES, parent), Factors(1e-6, 1e-6), (1,))
    assert str(error.value) == (
        "no viable offspring in 100 draws (the last: blob 'ip2': no way of synapses leads to it from the image); "
        f"{END}"
    )


def test_a_hundred_draws_too_large() -> None:
    parent = random_weights(STAGES, seed=5)
    with pytest.raises(UserError) as error:
        synthesize(GRAPH, parent, encodings_of(STAGES, parent), Factors(9, 9), (1,))
    whole = 6 * 2 * 9 + 6 + 8 * 6 * 9 + 8 + 12 * 8 * 4 + 12 + 5 * 12
    assert str(error.value) == (
        f"no viable offspring in 100 draws (the last: {whole} synapses, more than the 808 allowed); {END}"
    )


def test_the_hundredth_draw_counts_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ninety-nine draws without any synapse, then one as it should be."""
    draws = 0

    def _draw(encoding: LayerEncoding, factors: Factors, random: np.random.Generator) -> np.ndarray:
        nonlocal draws
        draws += 1
        return draw(encoding, factors if draws > 99 * len(STAGES) else Factors(0, 0), random)

    monkeypatch.setattr("evolve.genetics.synthesis.draw", _draw)
    parent = random_weights(STAGES, seed=6)
    offspring, _ = synthesize(GRAPH, parent, encodings_of(STAGES, parent), Factors(1, 1), (1,))
    assert draws == 100 * len(STAGES) and 0 < synapses(STAGES, offspring) <= 0.8 * synapses(STAGES, parent)
