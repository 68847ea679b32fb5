"""Shrinking: which neurons exist, that nothing else goes, and that the function stays what it was."""

import itertools
from typing import Any

import numpy as np
import pytest
from chains import forward, net_of, on_a_way, random_chain, random_weights
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from evolve.errors import UserError
from evolve.network import shrink, topology
from evolve.network.shrink import NothingLeft, alive, connections, resize, shrunk, silence
from evolve.network.topology import Stage
from evolve.network.weights import Weights

SEEDS = st.integers(0, 2**32 - 1)
DENSITIES = st.sampled_from([0.02, 0.05, 0.1, 0.2, 0.4, 0.8])


def dense(*widths: int, patch: int = 1) -> list[Stage]:
    """Fully connected stages of so many neurons; `widths` begins with the image's channels."""
    return [
        Stage(f"ip{k}", "InnerProduct", f"ip{k}", outputs, inputs, patch, has_bias=True, positions=1)
        for k, (inputs, outputs) in enumerate(itertools.pairwise(widths), start=1)
    ]


def masked(stages: list[Stage], random: np.random.Generator, density: float) -> Weights:
    weights: Weights = {}
    for stage in stages:
        shape = (stage.outputs, stage.inputs * stage.patch)
        kernels = random.normal(size=shape) * (random.random(shape) < density)
        weights[stage.name] = [kernels.astype(np.float32), np.ones(stage.outputs, np.float32)]
    return weights


# Which neurons exist


@given(
    widths=st.lists(st.integers(1, 6), min_size=2, max_size=6),
    patch=st.integers(1, 3),
    seed=SEEDS,
    density=DENSITIES,
)
@settings(deadline=None, max_examples=300)
def test_neurons_exist_on_a_way_from_input_to_output(widths: list[int], patch: int, seed: int, density: float) -> None:
    stages = dense(*widths, patch=patch)
    weights = masked(stages, np.random.default_rng(seed), density)
    ways = on_a_way(stages, weights)
    if not any(ways[-1]):
        with pytest.raises(NothingLeft):
            alive(stages, weights)
    else:
        assert [neurons.tolist() for neurons in alive(stages, weights)] == ways


def test_one_dead_end_takes_its_chain_with_it() -> None:
    """2 -> 1 -> 2 -> 1: neuron 1 of ip3 has no way out, so what only feeds it goes too, and back to the image."""
    stages = dense(2, 2, 2, 2, 1)
    straight = np.eye(2, dtype=np.float32)
    weights = {f"ip{k}": [straight.copy(), np.ones(2, np.float32)] for k in (1, 2, 3)}
    weights["ip4"] = [np.array([[1, 0]], np.float32), np.ones(1, np.float32)]
    assert [neurons.tolist() for neurons in alive(stages, weights)] == [[True, False]] * 3 + [[True]]


def test_a_bias_alone_keeps_no_neuron() -> None:
    stages = dense(1, 2, 1)
    weights = masked(stages, np.random.default_rng(0), density=1)
    weights["ip1"][0][1] = 0
    assert weights["ip1"][1][1] == 1
    assert alive(stages, weights)[0].tolist() == [True, False]


def test_connections_are_synapses_anywhere_in_the_kernel() -> None:
    stage = dense(2, 3, patch=2)[0]
    weights: Weights = {"ip1": [np.array([[0, 0, 0, 1], [-2, 0, 0, 0], [0, 0, 0, 0]], np.float32)]}
    assert connections(stage, weights).tolist() == [[False, True], [True, False], [False, False]]


@pytest.mark.parametrize("empty", ["ip1", "ip2", "ip3"])
def test_nothing_left(empty: str) -> None:
    stages = dense(2, 3, 4, 2)
    weights = masked(stages, np.random.default_rng(0), density=1)
    weights[empty][0][:] = 0
    with pytest.raises(NothingLeft) as error:
        alive(stages, weights)
    assert str(error.value) == "layer 'ip1': none of its neurons has both incoming and outgoing synapses"


def test_nothing_left_of_a_single_layer() -> None:
    stages = dense(2, 3)
    weights = masked(stages, np.random.default_rng(0), density=0)
    with pytest.raises(NothingLeft) as error:
        alive(stages, weights)
    assert str(error.value) == "layer 'ip1': no synapse reaches the outputs"


# Silence, then shrink


def evolved(seed: int, density: float) -> tuple[Any, list[Stage], Weights, list[np.ndarray]]:
    """A random net, its stages, its silenced weights and which neurons exist; nets without a way are passed over."""
    random = np.random.default_rng(seed)
    net = random_chain(random)
    stages = topology.chain(net)
    weights = random_weights(net, random, density)
    try:
        exists = alive(stages, weights)
    except NothingLeft:
        assume(False)
    silence(stages, weights, exists)
    return net, stages, weights, exists


@given(seed=SEEDS, density=DENSITIES)
@settings(deadline=None, max_examples=150)
def test_the_shrunk_network_computes_the_same(seed: int, density: float) -> None:
    net, stages, weights, exists = evolved(seed, density)
    smaller = resize(net, {s.name: int(e.sum()) for s, e in zip(stages, exists, strict=True)})
    image = np.random.default_rng(seed).normal(size=tuple(net.layer[0].input_param.shape[0].dim[1:]))
    before = forward(net, weights, image)
    after = forward(smaller, shrunk(stages, weights, exists), image)
    if smaller.layer[-1].type in ("InnerProduct", "Convolution"):
        assert before.shape == after.shape
    np.testing.assert_allclose(after, before, rtol=1e-9, atol=1e-12)


@given(seed=SEEDS, density=DENSITIES)
@settings(deadline=None, max_examples=100)
def test_shrinking_twice_removes_nothing_more(seed: int, density: float) -> None:
    net, stages, weights, exists = evolved(seed, density)
    small = shrunk(stages, weights, exists)
    small_stages = topology.chain(resize(net, {s.name: int(e.sum()) for s, e in zip(stages, exists, strict=True)}))
    shrink.check(small_stages, small, "shrunk")
    assert all(neurons.all() for neurons in alive(small_stages, small))
    for before, after in zip(stages, small_stages, strict=True):
        assert after.patch == before.patch and after.positions == before.positions
    # The image's channels and the network's outputs stay, and no synapse is lost.
    assert small_stages[0].inputs == stages[0].inputs and small_stages[-1].outputs == stages[-1].outputs
    for stage in stages:
        assert np.count_nonzero(small[stage.name][0]) == np.count_nonzero(weights[stage.name][0])


@given(seed=SEEDS, density=DENSITIES)
@settings(deadline=None, max_examples=100)
def test_silence_leaves_nothing_of_what_does_not_exist_and_all_of_the_rest(seed: int, density: float) -> None:
    random = np.random.default_rng(seed)
    net = random_chain(random)
    stages, weights = topology.chain(net), random_weights(net, random, density)
    ways = on_a_way(stages, weights)
    assume(any(ways[-1]))
    before = {name: [blob.copy() for blob in blobs] for name, blobs in weights.items()}
    silence(stages, weights, alive(stages, weights))
    for k, stage in enumerate(stages):
        shape = (stage.outputs, stage.inputs, stage.patch)
        old, new = (each[stage.name][0].reshape(shape) for each in (before, weights))
        for output in range(stage.outputs):
            for source in range(stage.inputs):
                there = ways[k][output] and (k == 0 or ways[k - 1][source])
                assert new[output, source].tolist() == (old if there else 0 * old)[output, source].tolist()
            if stage.has_bias:
                bias = before[stage.name][1][output] if ways[k][output] else 0
                assert weights[stage.name][1][output] == bias


def test_shapes_of_shrunk_blobs() -> None:
    net = net_of(
        "Convolution convolution_param { num_output: 3 kernel_h: 2 kernel_w: 1 }",
        "InnerProduct inner_product_param { num_output: 4 }",
        "InnerProduct inner_product_param { num_output: 2 bias_term: false }",
        shape=(2, 3, 2),
    )
    stages = topology.chain(net)
    weights = random_weights(net, np.random.default_rng(0), density=1)
    exists = [np.array([True, False, True]), np.array([False, True, True, True]), np.array([True, True])]
    small = shrunk(stages, weights, exists)
    assert {name: [blob.shape for blob in blobs] for name, blobs in small.items()} == {
        "convolution1": [(2, 2, 2, 1), (2,)],
        "innerproduct2": [(3, 2 * 4), (3,)],
        "innerproduct3": [(2, 3)],
    }
    # The map of channel 1, columns 4 to 7, is gone; so is unit 0.
    kept = np.delete(np.delete(weights["innerproduct2"][0], range(4, 8), axis=1), 0, axis=0)
    assert np.array_equal(small["innerproduct2"][0], kept)
    assert np.array_equal(small["convolution1"][0], weights["convolution1"][0][[0, 2]])
    assert np.array_equal(small["innerproduct2"][1], weights["innerproduct2"][1][1:])


def test_blobs_of_2013_shrink_too() -> None:
    """V1 caffemodels give a fully connected layer as 1 x 1 x outputs x inputs, a bias as 1 x 1 x 1 x outputs."""
    stages = dense(2, 3, 1)
    weights = masked(stages, np.random.default_rng(1), density=1)
    exists = [np.array([True, False, True]), np.array([True])]
    old = {name: [blob[(None,) * (4 - blob.ndim)] for blob in blobs] for name, blobs in weights.items()}
    shrink.check(stages, old, "old")
    for name, blobs in shrunk(stages, weights, exists).items():
        for new, of_old in zip(blobs, shrunk(stages, old, exists)[name], strict=True):
            assert np.array_equal(new, of_old)
    silence(stages, old, exists)
    assert not old["ip1"][0][0, 0, 1].any() and old["ip1"][1][0, 0, 0].tolist() == [1, 0, 1]


def test_resize_copies() -> None:
    net = net_of(
        "Convolution convolution_param { num_output: 3 kernel_size: 2 }",
        "ReLU",
        "InnerProduct inner_product_param { num_output: 4 }",
    )
    before = net.SerializeToString()
    smaller = resize(net, {"convolution1": 2, "innerproduct3": 1})
    assert net.SerializeToString() == before
    assert smaller.layer[1].convolution_param.num_output == 2 and smaller.layer[3].inner_product_param.num_output == 1
    back = resize(smaller, {"convolution1": 3, "innerproduct3": 4})
    assert back.SerializeToString() == before


# Weights that belong to another network


def refusal(stages: list[Stage], weights: Weights) -> str:
    with pytest.raises(UserError) as error:
        shrink.check(stages, weights, "w.caffemodel")
    return str(error.value)


def test_a_layer_without_weights() -> None:
    stages = dense(2, 3, 1)
    weights = masked(stages, np.random.default_rng(0), 1)
    weights["fc2"] = weights.pop("ip2")
    assert refusal(stages, weights) == (
        "w.caffemodel: layer 'ip2': expected its weights, got none; layers with weights there: ip1, fc2; "
        "name the layer as the trained one is named"
    )


def test_weights_of_another_shape() -> None:
    stages = dense(2, 3, 1)
    weights = masked(stages, np.random.default_rng(0), 1)
    other = "the prototxt and the caffemodel belong to different networks"
    weights["ip1"][0] = weights["ip1"][0][:2]
    assert refusal(stages, weights) == (
        f"w.caffemodel: layer 'ip1': expected 3 x 2 x 1 = 6 weights and biases, got blobs [(2, 2), (3,)]; {other}"
    )
    weights = masked(stages, np.random.default_rng(0), 1)
    del weights["ip2"][1]
    assert refusal(stages, weights) == (
        f"w.caffemodel: layer 'ip2': expected 1 x 3 x 1 = 3 weights and biases, got blobs [(1, 3)]; {other}"
    )
    stages = [Stage("ip1", "InnerProduct", "ip1", 3, 2, 1, has_bias=False, positions=1)]
    weights = {"ip1": [np.ones((3, 2), np.float32), np.ones(3, np.float32)]}
    assert refusal(stages, weights) == (
        f"w.caffemodel: layer 'ip1': expected 3 x 2 x 1 = 6 weights, got blobs [(3, 2), (3,)]; {other}"
    )
