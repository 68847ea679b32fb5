"""What every encoding keeps to, whichever it is: the mean of its draws, heredity, and the ends of the factors."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from plain_loops import chain, stage

from evolve.genetics import clusters, filters, synapses
from evolve.genetics.encoding import Encoding, Factors
from evolve.genetics.environment import highest
from evolve.network.weights import Weights

GRAPH = chain(stage("conv1", 6, 2, 9), stage("conv2", 8, 6, 9), stage("ip1", 5, 8))
ENCODINGS: dict[str, Callable[[Weights], Encoding]] = {
    "CLUSTER": lambda weights: clusters.encode(GRAPH, weights, 0.1),
    "SYNAPSE": lambda weights: synapses.encode(GRAPH, weights),
    "FILTER": lambda weights: filters.encode(GRAPH, weights, 0.1, 1),
    "FILTER_BLOCK": lambda weights: filters.encode(GRAPH, weights, 0.1, 4),
    "FILTER_BLOCK, ALIKE": lambda weights: filters.encode(GRAPH, weights, 0.1, 4, alike=weights),
}
every = pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS)


def parent(seed: int = 0) -> Weights:
    random = np.random.default_rng(seed)
    return {
        each.name: [(random.normal(size=each.kernel_shape) * (random.random(each.kernel_shape) < 0.7)).astype("f4")]
        for each in GRAPH.weighted
    }


def drawn(encoding: Encoding, factors: Factors, seed: int = 1) -> Weights:
    """The draw, and the synapses of it that the parent has; stages come in the order of the net."""
    weights = parent()
    found = list(encoding.draw(factors, np.random.default_rng(seed)))
    assert [name for name, _ in found] == [each.name for each in GRAPH.weighted]
    assert all(present.dtype == bool for _, present in found)
    return {name: [present.reshape(weights[name][0].shape) * weights[name][0]] for name, present in found}


def synapses_in(weights: Weights) -> int:
    return sum(int(np.count_nonzero(matrix)) for matrix, *_ in weights.values())


@every
def test_how_many_the_parent_has(encode: Callable[[Weights], Encoding]) -> None:
    assert encode(parent()).synapses == synapses_in(parent())


@every
@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_no_probability_is_made_of_what_is_no_number(encode: Callable[[Weights], Encoding], odd: float) -> None:
    weights = parent()
    weights["conv2"][0].flat[-1] = odd
    with pytest.raises(ValueError, match=f"^expected finite weights to encode, got {abs(odd)} among them$"):
        encode(weights)


@every
def test_beyond_the_highest_factor_all_come(encode: Callable[[Weights], Encoding]) -> None:
    encoding = encode(parent())
    for ratio in (0.5, 1.0, 2.0):
        factors = encoding.factors(highest(encoding, ratio), ratio)
        assert encoding.expected(factors) == pytest.approx(encoding.synapses, rel=1e-6)
        assert synapses_in(drawn(encoding, factors)) == encoding.synapses


@every
def test_with_none_hardly_any_comes(encode: Callable[[Weights], Encoding]) -> None:
    """Those of a net's outputs stay where filters are clusters, but nothing leads to them."""
    encoding = encode(parent())
    assert encoding.expected(encoding.factors(0, 1)) == 0 or encoding.factors(0, 1).synapse > 0
    kept = drawn(encoding, encoding.factors(0, 1))
    assert not kept["conv1"][0].any() and not kept["conv2"][0].any()


@every
def test_the_same_seed_is_the_same_draw(encode: Callable[[Weights], Encoding]) -> None:
    encoding = encode(parent())
    factors = encoding.factors(1.2, 1)
    first, again, *others = (drawn(encoding, factors, seed) for seed in (1, 1, *range(2, 30)))
    assert all(np.array_equal(first[name][0], again[name][0]) for name in first)
    assert any(not np.array_equal(first[name][0], other[name][0]) for name in first for other in others)


@pytest.mark.parametrize("name", ["CLUSTER", "SYNAPSE"])
def test_the_mean_of_many_draws_is_what_is_expected(name: str) -> None:
    """Of filters see test_filters: what is lost with a channel is not in the draw itself."""
    encoding = ENCODINGS[name](parent())
    factors = encoding.factors(1.3, 1.5)
    counts = [synapses_in(drawn(encoding, factors, seed)) for seed in range(400)]
    error = 5 * float(np.std(counts)) / math.sqrt(len(counts))
    assert abs(float(np.mean(counts)) - encoding.expected(factors)) < error


@every
def test_the_mean_of_one_parent_is_its_own(encode: Callable[[Weights], Encoding]) -> None:
    encoding = encode(parent())
    factors = encoding.factors(1.2, 1)
    alone = encoding.mean([encoding])
    assert alone.expected(factors) == encoding.expected(factors) and alone.synapses == encoding.synapses
    first, second = drawn(encoding, factors), drawn(alone, factors)
    assert all(np.array_equal(first[name][0], second[name][0]) for name in first)


@every
def test_a_spared_layer_has_its_probabilities_multiplied(encode: Callable[[Weights], Encoding]) -> None:
    """All of conv2 comes at an F at which much of it would go, and the other layers' draws stay what they were."""
    plain = encode(parent())
    factors = plain.factors(0.6, 1)
    spared = plain.spared({"conv2": 1000})
    assert not np.array_equal(drawn(plain, factors)["conv2"][0], parent()["conv2"][0])
    first, second = drawn(plain, factors), drawn(spared, factors)
    assert np.array_equal(second["conv2"][0], parent()["conv2"][0])
    assert np.array_equal(first["conv1"][0], second["conv1"][0]) and np.array_equal(first["ip1"][0], second["ip1"][0])
    assert spared.expected(factors) > plain.expected(factors) and spared.synapses == plain.synapses


@every
def test_sparing_twice_is_an_f_of_twice_as_much(encode: Callable[[Weights], Encoding]) -> None:
    plain = encode(parent())
    twice = plain.spared({each.name: 2 for each in GRAPH.weighted})
    once = plain.factors(0.5, 1)
    doubled = plain.factors(1.0, 1)
    first, second = drawn(twice, once), drawn(plain, doubled)
    assert all(np.array_equal(first[name][0], second[name][0]) for name in first)
