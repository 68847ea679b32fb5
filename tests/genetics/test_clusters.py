"""Equations (4) and (5) against plain loops: a layer's clusters and synapses, and synapses alone."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from plain_loops import SIXTY_FOURTHS, cluster_probabilities, synapse_probabilities

from evolve.genetics import rows as rows_of_layers
from evolve.genetics import synapses
from evolve.genetics.clusters import encode_layer

SIZES = st.tuples(st.integers(1, 7), st.integers(1, 25))
LAYERS = SIZES.flatmap(lambda shape: arrays(np.float32, shape, elements=SIXTY_FOURTHS))
ANY_FLOATS = SIZES.flatmap(lambda shape: arrays(np.float32, shape, elements=st.floats(-(2**60), 2**60, width=32)))
# Dyadic, so that "as strong as tau times the strongest" is no matter of rounding.
TRUNCATIONS = st.sampled_from([0, 1 / 16, 1 / 8, 0.25, 0.5, 1])


@given(rows=LAYERS, truncation=TRUNCATIONS)
def test_both_equations(rows: np.ndarray, truncation: float) -> None:
    encoding = encode_layer(rows, truncation)
    loops = rows.tolist()
    assert encoding.cluster.dtype == encoding.synapse.dtype == np.float32
    np.testing.assert_allclose(encoding.cluster, cluster_probabilities(loops, truncation), rtol=1e-5)
    np.testing.assert_allclose(encoding.synapse, synapse_probabilities(loops), rtol=1e-5)


@given(rows=ANY_FLOATS)
def test_both_equations_over_all_magnitudes(rows: np.ndarray) -> None:
    encoding = encode_layer(rows, truncation=0)
    loops = rows.tolist()
    np.testing.assert_allclose(encoding.cluster, cluster_probabilities(loops, 0), rtol=1e-5)
    np.testing.assert_allclose(encoding.synapse, synapse_probabilities(loops), rtol=1e-5)


@given(rows=LAYERS, truncation=TRUNCATIONS)
def test_absent_is_0_and_present_from_1_over_e_to_1(rows: np.ndarray, truncation: float) -> None:
    encoding = encode_layer(rows, truncation)
    assert np.array_equal(encoding.synapse != 0, rows != 0)
    assert np.array_equal(encoding.cluster != 0, (rows != 0).any(axis=1))
    for probability in (encoding.synapse, encoding.cluster):
        present = probability[probability != 0]
        assert (present >= 1 / math.e - 1e-7).all() and (present <= 1).all()
        # Z and z are the largest of the layer: where there is any synapse, something has probability 1.
        assert not present.size or present.max() == 1


def test_scale_does_not_matter_so_z_is_per_layer() -> None:
    rows = np.random.default_rng(0).normal(size=(20, 9)).astype(np.float32)
    weak, strong = encode_layer(rows, 0.25), encode_layer(rows * 1024, 0.25)
    assert np.array_equal(weak.cluster, strong.cluster) and np.array_equal(weak.synapse, strong.synapse)


def test_by_hand() -> None:
    rows = np.array([[4, 0, -1], [2, 2, 0.5], [0, 0, 0]], np.float32)
    encoding = encode_layer(rows, truncation=0.25)
    # 0.5 is weaker than a quarter of 4; the first row sums to 5, the second to 4.
    np.testing.assert_allclose(encoding.cluster, [1, math.exp(-1 / 5), 0], rtol=1e-6)
    np.testing.assert_allclose(encoding.synapse[0], [1, 0, math.exp(-3 / 4)], rtol=1e-6)
    np.testing.assert_allclose(encoding.synapse[1], [math.exp(-0.5), math.exp(-0.5), math.exp(-0.875)], rtol=1e-6)
    assert encoding.synapse[2].tolist() == [0, 0, 0]


@pytest.mark.parametrize("strength", [1e-30, 0.5, 3.0])
def test_a_layer_of_one_strength_is_certain(strength: float) -> None:
    rows = np.full((4, 6), strength, np.float32) * np.where(np.arange(6) % 2, 1, -1)
    encoding = encode_layer(rows.astype(np.float32), truncation=1)
    assert (encoding.cluster == 1).all() and (encoding.synapse == 1).all()


@pytest.mark.parametrize("shape", [(4, 6), (3, 1), (0, 5)])
def test_a_layer_without_synapses(shape: tuple[int, int]) -> None:
    encoding = encode_layer(np.zeros(shape, np.float32), 0.1)
    assert encoding.cluster.shape == shape[:1] and not encoding.cluster.any()
    assert encoding.synapse.shape == shape and not encoding.synapse.any()


def test_all_truncated() -> None:
    encoding = encode_layer(np.array([[1, 2], [0, 0], [0, 1]], np.float32), truncation=2)
    np.testing.assert_allclose(encoding.cluster, [1 / math.e, 0, 1 / math.e], rtol=1e-6)


@given(rows=LAYERS)
def test_synapses_alone_have_the_same_probabilities(rows: np.ndarray) -> None:
    assert np.array_equal(synapses.encode_layer(rows), encode_layer(rows, truncation=0.5).synapse)


@pytest.mark.parametrize("shape", [(4, 6), (3, 1), (0, 5)])
def test_synapses_alone_of_a_layer_without_any(shape: tuple[int, int]) -> None:
    probability = synapses.encode_layer(np.zeros(shape, np.float32))
    assert probability.shape == shape and not probability.any()


@given(rows=LAYERS, truncation=TRUNCATIONS, block=st.integers(1, 30))
def test_blocks_change_nothing(rows: np.ndarray, truncation: float, block: int) -> None:
    whole, alone = encode_layer(rows, truncation), synapses.encode_layer(rows)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(rows_of_layers, "_BLOCK", block)
        cut, cut_alone = encode_layer(rows, truncation), synapses.encode_layer(rows)
    assert np.array_equal(whole.cluster, cut.cluster) and np.array_equal(whole.synapse, cut.synapse)
    assert np.array_equal(alone, cut_alone)
