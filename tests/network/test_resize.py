"""Shrinking and its inverse: nothing goes but what does not exist, and the function stays what it was."""

from pathlib import Path
from typing import Any

import graphs
import numpy as np
import pytest
from caffe_child import Job, run
from chains import dense, forward, masked, net_of, on_a_way, random_chain, random_weights
from hypothesis import assume, given
from hypothesis import strategies as st

from evolve.base.errors import UserError
from evolve.network import resize, topology
from evolve.network.graph import Graph
from evolve.network.reach import Existing, NothingLeft, alive
from evolve.network.resize import expanded, resized, shrunk, silence
from evolve.network.weighted import WeightedLayer
from evolve.network.weights import Weights

SEEDS = st.integers(0, 2**32 - 1)
DENSITIES = st.sampled_from([0.02, 0.05, 0.1, 0.2, 0.4, 0.8])


# Silence, then shrink


def evolved(seed: int, density: float) -> tuple[Any, Graph, Weights, np.ndarray]:
    """A random net, its graph, its silenced weights and the channels kept; nets without a way are passed over."""
    random = np.random.default_rng(seed)
    net = random_chain(random)
    graph = topology.read([net])
    weights = random_weights(net, random, density)
    try:
        exists = alive(graph, weights)
    except NothingLeft:
        assume(False)
    silence(graph, weights, exists)
    return net, graph, weights, exists.kept


@given(seed=SEEDS, density=DENSITIES)
def test_the_shrunk_network_computes_the_same(seed: int, density: float) -> None:
    net, graph, weights, kept = evolved(seed, density)
    smaller = resized(net, graph, kept)
    image = np.random.default_rng(seed).normal(size=tuple(net.layer[0].input_param.shape[0].dim[1:]))
    before = forward(net, weights, image)
    after = forward(smaller, shrunk(graph, weights, kept), image)
    if smaller.layer[-1].type in ("InnerProduct", "Convolution"):
        assert before.shape == after.shape
    np.testing.assert_allclose(after, before, rtol=1e-9, atol=1e-12)


@given(seed=SEEDS, density=DENSITIES)
def test_shrinking_twice_removes_nothing_more(seed: int, density: float) -> None:
    net, graph, weights, kept = evolved(seed, density)
    small = shrunk(graph, weights, kept)
    small_graph = topology.read([resized(net, graph, kept)])
    resize.check(small_graph, small, "shrunk")
    assert alive(small_graph, small).kept.all()
    stages = graph.weighted
    for before, after in zip(stages, small_graph.weighted, strict=True):
        assert after.patch == before.patch
        assert after.macs * before.weights == before.macs * after.weights
    # The image's channels and the network's outputs stay, and no synapse is lost.
    assert small_graph.weighted[0].inputs == stages[0].inputs and small_graph.weighted[-1].outputs == stages[-1].outputs
    for stage in stages:
        assert np.count_nonzero(small[stage.name][0]) == np.count_nonzero(weights[stage.name][0])


@given(seed=SEEDS, density=DENSITIES)
def test_silence_leaves_nothing_of_what_does_not_exist_and_all_of_the_rest(seed: int, density: float) -> None:
    random = np.random.default_rng(seed)
    net = random_chain(random)
    graph, weights = topology.read([net]), random_weights(net, random, density)
    stages = graph.weighted
    ways = on_a_way(stages, weights)
    assume(any(ways[-1]))
    before = {name: [blob.copy() for blob in blobs] for name, blobs in weights.items()}
    silence(graph, weights, alive(graph, weights))
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


def test_a_shift_that_layers_share_is_silent_where_it_is_so_in_all_of_them() -> None:
    net = net_of("Convolution convolution_param { num_output: 3 kernel_size: 1 }")
    for name in ("a", "b"):
        net.layer.add(name=name, type="Convolution", bottom=["data"], top=[name])
        net.layer[-1].convolution_param.MergeFrom(net.layer[1].convolution_param)
        net.layer.add(name=f"{name}/scale", type="Scale", bottom=[name], top=[f"{name}/scale"])
        net.layer[-1].scale_param.bias_term = True
        net.layer[-1].param.add(name="factors")
        net.layer[-1].param.add(name="shifts")
        net.layer.add(name=f"{name}/out", type="InnerProduct", bottom=[f"{name}/scale"], top=[f"{name}/out"])
        net.layer[-1].inner_product_param.num_output = 1
    graph = topology.read([net])
    weights = random_weights(net, np.random.default_rng(0), density=1)
    for name in ("a", "b"):
        weights[f"{name}/scale"] = [np.ones(3, np.float32), np.array([2, 3, 4], np.float32)]
        weights[name][0][1:] = 0  # both lack neurons 1 and 2
    weights["b"][0][1] = 1
    exists = alive(graph, weights)
    silence(graph, weights, exists)
    for name in ("a", "b"):
        assert weights[f"{name}/scale"][1].tolist() == [2, 3, 0]
        assert [np.flatnonzero(blob).tolist() for blob in resize.silent(graph, exists)[f"{name}/scale"]] == [[2], [2]]


def test_shapes_of_shrunk_blobs() -> None:
    net = net_of(
        "Convolution convolution_param { num_output: 3 kernel_h: 2 kernel_w: 1 }",
        "InnerProduct inner_product_param { num_output: 4 }",
        "InnerProduct inner_product_param { num_output: 2 bias_term: false }",
        shape=(2, 3, 2),
    )
    graph = topology.read([net])
    weights = random_weights(net, np.random.default_rng(0), density=1)
    kept = np.ones(graph.channel_groups, bool)
    kept[graph.blobs[graph.weighted[0].uses[0].top].channel_groups[1]] = False
    kept[graph.blobs[graph.weighted[1].uses[0].top].channel_groups[0]] = False
    small = shrunk(graph, weights, kept)
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
    graph = dense(2, 3, 1)
    weights = masked(graph, np.random.default_rng(1), density=1)
    kept = np.ones(graph.channel_groups, bool)
    kept[graph.blobs[graph.weighted[0].uses[0].top].channel_groups[1]] = False
    old = {name: [blob[(None,) * (4 - blob.ndim)] for blob in blobs] for name, blobs in weights.items()}
    resize.check(graph, old, "old")
    for name, blobs in shrunk(graph, weights, kept).items():
        for new, of_old in zip(blobs, shrunk(graph, old, kept)[name], strict=True):
            assert np.array_equal(new, of_old)
    weights["ip1"][0][1] = 0
    old["ip1"][0][0, 0, 1] = 0
    silence(graph, old, alive(graph, weights))
    assert not old["ip1"][0][0, 0, 1].any() and old["ip1"][1][0, 0, 0].tolist() == [1, 0, 1]


def test_resize_copies() -> None:
    net = net_of(
        "Convolution convolution_param { num_output: 3 kernel_size: 2 }",
        "ReLU",
        "InnerProduct inner_product_param { num_output: 4 }",
    )
    before = net.SerializeToString()
    graph = topology.read([net])
    kept = np.ones(graph.channel_groups, bool)
    for stage, gone in zip(graph.weighted, (1, 2), strict=True):
        kept[graph.outputs_of(stage)[:gone]] = False
    smaller = resized(net, graph, kept)
    assert net.SerializeToString() == before
    assert smaller.layer[1].convolution_param.num_output == 2 and smaller.layer[3].inner_product_param.num_output == 2
    assert resized(net, graph, np.ones(graph.channel_groups, bool)).SerializeToString() == before


@pytest.mark.parametrize(
    ("layer", "filler", "left"),
    [
        ("Convolution convolution_param { num_output: 4 kernel_size: 1", "weight_filler", 2),
        ("Deconvolution convolution_param { num_output: 4 kernel_size: 1", "weight_filler", 3),
        ("Deconvolution convolution_param { num_output: 4 kernel_size: 1", "bias_filler", 2),
        ("InnerProduct inner_product_param { num_output: 4", "weight_filler", 2),
        ("InnerProduct inner_product_param { num_output: 4", "bias_filler", 2),
        ("Scale scale_param { bias_term: true", "filler", 3),
        ("Scale scale_param { bias_term: true", "bias_filler", 3),
        ("PReLU prelu_param {", "filler", 3),
    ],
)
def test_a_sparse_filler_asks_for_no_more_than_is_left(layer: str, filler: str, left: int, tmp_path: Path) -> None:
    """Caffe's Gaussian filler aborts on more weights an output than its blob's first axis is long."""
    net = net_of(
        "Convolution convolution_param { num_output: 4 kernel_size: 1 }",
        f'{layer} {filler} {{ type: "gaussian" sparse: 4 }} }}',
        "InnerProduct inner_product_param { num_output: 2 }",
    )
    graph = topology.read([net])
    kept = np.ones(graph.channel_groups, bool)
    kept[graph.outputs_of(graph.weighted[0])[:1]] = False
    if len(graph.weighted) == 3:
        kept[graph.outputs_of(graph.weighted[1])[:2]] = False
    smaller = resized(net, graph, kept)
    assert f"sparse: {left}\n" in str(smaller.layer[2])
    run(tmp_path, [Job(smaller)])


# Weights that belong to another network


def refusal(graph: Graph, weights: Weights) -> str:
    with pytest.raises(UserError) as error:
        resize.check(graph, weights, "w.caffemodel")
    return str(error.value)


def test_a_layer_without_weights() -> None:
    graph = dense(2, 3, 1)
    weights = masked(graph, np.random.default_rng(0), 1)
    weights["fc2"] = weights.pop("ip2")
    assert refusal(graph, weights) == (
        "w.caffemodel: layer 'ip2': expected its weights, got none; layers with weights there: ip1, fc2; "
        "name the layer as the trained one is named"
    )


def test_weights_of_another_shape() -> None:
    graph = dense(2, 3, 1)
    weights = masked(graph, np.random.default_rng(0), 1)
    other = "the prototxt and the caffemodel belong to different networks"
    weights["ip1"][0] = weights["ip1"][0][:2]
    assert refusal(graph, weights) == (
        f"w.caffemodel: layer 'ip1': expected 3 x 2 x 1 x 1 = 6 and 3 = 3, got 2 x 2 = 4 and 3 = 3; {other}"
    )
    weights = masked(graph, np.random.default_rng(0), 1)
    del weights["ip2"][1]
    assert refusal(graph, weights) == (
        f"w.caffemodel: layer 'ip2': expected 1 x 3 x 1 x 1 = 3 and 1 = 1, got 1 x 3 = 3; {other}"
    )
    graph = dense(2, 3, bias="false")
    weights = {"ip1": [np.ones((3, 2), np.float32), np.ones(3, np.float32)]}
    assert refusal(graph, weights) == (
        "w.caffemodel: layer 'ip1': expected 1 blob, got 2 [(3, 2), (3,)]; the further ones may be masks, as pruning "
        "forks of Caffe keep them: multiply each mask into its weights, and save the layer without"
    )


# The inverse


def _alive(random: np.random.Generator) -> tuple[Graph, Weights, Existing]:
    """A random network from which something is left, what does not exist silent."""
    while True:
        net = graphs.random_net(random)
        try:
            graph = topology.read([net])
            weights = graphs.random_weights(net, random)
            exists = alive(graph, weights)
        except UserError:
            continue
        silence(graph, weights, exists)
        return graph, weights, exists


@pytest.mark.parametrize("seed", range(60))
def test_what_was_shrunk_comes_back_in_its_old_place(seed: int) -> None:
    graph, weights, exists = _alive(np.random.default_rng(seed))
    multiple = 4 if seed % 3 == 0 else 1
    kept = resize.complete(graph, exists.kept, multiple)
    smaller = shrunk(graph, weights, kept)
    back = expanded(graph, smaller, kept)
    assert list(back) == list(smaller)
    for stage in graph.weighted:
        # What does not exist was silent: nothing of a stage is lost.
        for name in (stage.name, *stage.sharers):
            for before, after in zip(weights[name], back[name], strict=True):
                assert np.array_equal(before.reshape(after.shape), after)
    again = shrunk(graph, back, kept)
    for name, blobs in smaller.items():
        assert all(np.array_equal(a, b) for a, b in zip(blobs, again[name], strict=True)), name


@pytest.mark.parametrize("kind", ["Convolution", "Deconvolution"])
def test_groups_by_hand(kind: str) -> None:
    """Two groups of two inputs and three outputs; of the first, input 1 and outputs 0 and 2 are left."""
    stage = WeightedLayer("grouped", kind, 6, 4, 1, False, group=2, window=(1, 1))
    outputs, inputs = np.array([1, 0, 1, 0, 0, 0], bool), np.array([0, 1, 0, 0], bool)
    shape = (1, 2, 1, 1) if kind == "Deconvolution" else (2, 1, 1, 1)
    whole = stage.whole(np.array([5.0, 7.0], np.float32).reshape(shape), outputs, inputs)
    expected = np.zeros(stage.kernel_shape, np.float32)
    if kind == "Deconvolution":
        expected[1, 0], expected[1, 2] = 5, 7
    else:
        expected[0, 1], expected[2, 1] = 5, 7
    assert np.array_equal(whole, expected)
