"""The environmental factors: equation (3)'s mean against plain loops, and F solved for it."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from of_layers import encoded
from plain_loops import SMALL_LAYERS, cluster_probabilities, expected, synapse_probabilities

from evolve.base.errors import UserError
from evolve.genetics.clusters import encode_layer
from evolve.genetics.encoding import Factors
from evolve.genetics.environment import root, solve

FACTORS = st.floats(0, 4)
RATIOS = [0.25, 0.5, 1.0, 2.0, 4.0]


def layers(seed: int = 0) -> list[np.ndarray]:
    """Three layers of random weights, a third of them absent, kernels of 25, 9 and 1."""
    random = np.random.default_rng(seed)
    shapes = [(20, 25), (60, 9), (300, 1)]
    return [(random.normal(size=s) * (random.random(s) < 2 / 3)).astype(np.float32) for s in shapes]


def loops(weights: list[np.ndarray], truncation: float, factors: Factors, clustered: bool = True) -> float:
    total = 0.0
    for rows in weights:
        layer = encode_layer(rows, truncation)
        cluster = layer.cluster.tolist() if clustered else [math.inf] * len(rows)
        total += expected(cluster, layer.synapse.tolist(), factors.cluster, factors.synapse)
    return total


@given(weights=st.lists(SMALL_LAYERS, min_size=1, max_size=3), cluster=FACTORS, synapse=FACTORS)
def test_the_mean_of_equation_3(weights: list[np.ndarray], cluster: float, synapse: float) -> None:
    by_hand = 0.0
    for rows in weights:
        numbers = rows.tolist()
        by_hand += expected(cluster_probabilities(numbers, 0.125), synapse_probabilities(numbers), cluster, synapse)
    assert encoded(weights, 0.125).expected(Factors(cluster, synapse)) == pytest.approx(by_hand, rel=1e-5)


@given(weights=SMALL_LAYERS, cluster=st.floats(0.01, 4), synapse=FACTORS)
def test_the_synapse_encoding_multiplies_by_one_factor_only(
    weights: np.ndarray, cluster: float, synapse: float
) -> None:
    """[Darwin16], equation (2): F(E) P(S | W), whatever F_c is."""
    by_hand = sum(min(1.0, synapse * p) for row in synapse_probabilities(weights.tolist()) for p in row)
    assert encoded([weights], clustered=False).expected(Factors(cluster, synapse)) == pytest.approx(by_hand, rel=1e-5)


@pytest.mark.parametrize("clustered", [True, False])
def test_no_environment_leaves_what_the_parent_has_to_its_probabilities(clustered: bool) -> None:
    rows = np.ones((10, 5), np.float32)
    assert encoded([rows], 0.1, clustered).expected(Factors(1, 1)) == 50
    assert encoded([rows], 0.1, clustered).expected(Factors(0, 0)) == 0


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("part", [0.001, 0.05, 0.2, 0.4, 0.6, 0.67, 0.8, 0.95, 0.9999, 1.0])
def test_solve_hits_the_target(part: float, ratio: float) -> None:
    encoding = encoded(layers())
    target = part * encoding.synapses
    factors = solve(encoding, target, ratio)
    assert loops(layers(), 0.1, factors) == pytest.approx(target, rel=1e-3)
    assert factors.synapse == pytest.approx(ratio * factors.cluster, rel=1e-12)


@given(
    weights=st.lists(SMALL_LAYERS, min_size=1, max_size=3),
    part=st.floats(0.001, 1),
    ratio=st.sampled_from(RATIOS),
    clustered=st.booleans(),
)
def test_solve_hits_any_target_of_any_layers(
    weights: list[np.ndarray], part: float, ratio: float, clustered: bool
) -> None:
    encoding = encoded(weights, 0.125, clustered)
    most = sum(np.count_nonzero(rows) for rows in weights)
    assume(most)
    factors = solve(encoding, part * most, ratio)
    assert loops(weights, 0.125, factors, clustered) == pytest.approx(part * most, rel=1e-3)


@pytest.mark.parametrize("ratio", RATIOS)
def test_more_synapses_need_larger_factors(ratio: float) -> None:
    encoding = encoded(layers(1))
    most = encoding.synapses
    factors = [solve(encoding, part * most, ratio) for part in np.linspace(0.05, 0.95, 19)]
    for less, more in itertools.pairwise(factors):
        assert less.cluster < more.cluster and less.synapse < more.synapse


@pytest.mark.parametrize(("target", "written"), [(7, "7"), (0, "0"), (-3, "-3"), (6.6, "7"), (float("nan"), "nan")])
def test_impossible_targets(target: float, written: str) -> None:
    rows = np.array([[1, 2, 0, 4], [0, 1, 1, 1]], np.float32)
    with pytest.raises(UserError) as error:
        solve(encoded([rows]), target)
    assert str(error.value) == f"environment: expected offspring of {written} synapses, but the parent has 6"


@pytest.mark.parametrize("at_high", [-30.0, 0.0])
def test_high_is_the_root_of_what_is_not_above_zero_there_either(at_high: float) -> None:
    """Beyond `high` nothing changes: what the parent cannot give, no environment can ask for."""
    assert root(lambda factor: min(factor, 3.0) * 10 - 30 + at_high, 0.0, 3.0, tolerance=0.5) == 3.0
