"""Which neurons exist: those on a way of synapses from the image to an output."""


import numpy as np
import pytest
from chains import dense, masked, on_a_way
from hypothesis import given
from hypothesis import strategies as st

from evolve.network.graph import Graph
from evolve.network.reach import NothingLeft, alive
from evolve.network.weights import Weights

SEEDS = st.integers(0, 2**32 - 1)
DENSITIES = st.sampled_from([0.02, 0.05, 0.1, 0.2, 0.4, 0.8])


def neurons(graph: Graph, weights: Weights) -> list[list[bool]]:
    return [alive(graph, weights).neurons[stage.name].tolist() for stage in graph.weighted]


@given(
    widths=st.lists(st.integers(1, 6), min_size=2, max_size=6),
    patch=st.integers(1, 3),
    seed=SEEDS,
    density=DENSITIES,
)
def test_neurons_exist_on_a_way_from_input_to_output(widths: list[int], patch: int, seed: int, density: float) -> None:
    graph = dense(*widths, patch=patch)
    weights = masked(graph, np.random.default_rng(seed), density)
    ways = on_a_way(graph.weighted, weights)
    if not any(ways[-1]):
        with pytest.raises(NothingLeft):
            alive(graph, weights)
    else:
        assert neurons(graph, weights) == ways


def test_one_dead_end_takes_its_chain_with_it() -> None:
    """2 -> 1 -> 2 -> 1: neuron 1 of ip3 has no way out, so what only feeds it goes too, and back to the image."""
    graph = dense(2, 2, 2, 2, 1)
    straight = np.eye(2, dtype=np.float32)
    weights = {f"ip{k}": [straight.copy(), np.ones(2, np.float32)] for k in (1, 2, 3)}
    weights["ip4"] = [np.array([[1, 0]], np.float32), np.ones(1, np.float32)]
    assert neurons(graph, weights) == [[True, False]] * 3 + [[True]]


def test_a_bias_alone_keeps_no_neuron() -> None:
    graph = dense(1, 2, 1)
    weights = masked(graph, np.random.default_rng(0), density=1)
    weights["ip1"][0][1] = 0
    assert weights["ip1"][1][1] == 1
    assert neurons(graph, weights)[0] == [True, False]


def test_linked_are_synapses_anywhere_in_the_kernel() -> None:
    stage = dense(2, 3, patch=2).weighted[0]
    weights: Weights = {"ip1": [np.array([[0, 0, 0, 1], [-2, 0, 0, 0], [0, 0, 0, 0]], np.float32)]}
    assert stage.linked(weights).tolist() == [[False, True], [True, False], [False, False]]


@pytest.mark.parametrize("empty", ["ip1", "ip2", "ip3"])
def test_nothing_left(empty: str) -> None:
    graph = dense(2, 3, 4, 2)
    weights = masked(graph, np.random.default_rng(0), density=1)
    weights[empty][0][:] = 0
    with pytest.raises(NothingLeft) as error:
        alive(graph, weights)
    assert str(error.value) == "blob 'ip3': no way of synapses leads to it from the image"


def test_nothing_left_of_a_single_layer() -> None:
    graph = dense(2, 3)
    weights = masked(graph, np.random.default_rng(0), density=0)
    with pytest.raises(NothingLeft) as error:
        alive(graph, weights)
    assert str(error.value) == "blob 'ip1': no way of synapses leads to it from the image"
