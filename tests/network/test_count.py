"""Counting any network: against loops, against Caffe's own blobs, and against published figures."""

import itertools
from pathlib import Path
from typing import Any

import famous_nets
import graphs
import numpy as np
import pytest
import shapes_child
from chains import net_of, on_a_way, parsed, random_chain, random_weights
from hypothesis import assume, given
from hypothesis import strategies as st

from evolve.base.errors import UserError
from evolve.network import resize, shapes, topology
from evolve.network.count import Count, cluster_efficiencies, mean_cluster_efficiency, of_graph, of_net, total
from evolve.network.reach import alive
from evolve.network.weights import Weights


def counted(net: Any, weights: Weights | None = None) -> list[Count]:
    return of_net(shapes.infer(net), weights, "w.caffemodel")


# Published figures


def test_bvlc_alexnet() -> None:
    counts = counted(famous_nets.alexnet())
    assert total(counts, "parameters") == 60_965_224
    assert (total(counts, "weights"), total(counts, "biases")) == (60_954_656, 10_568)
    assert total(counts, "synapses") == total(counts, "parameters")
    by_name = {each.name: each for each in counts}
    assert by_name["conv2"].weights == 256 * 48 * 25  # two groups, each sees half of the 96 maps
    assert by_name["fc6"].clusters == 4096 * 256  # a kernel is the 6 x 6 patch of one unit on one map
    assert by_name["fc6"].weights == 36 * by_name["fc6"].clusters


@pytest.mark.parametrize(
    ("height", "width", "gmacs"),
    [(384, 1248, 18.605), (640, 640, 15.902), (512, 1024, 20.354), (1024, 1536, 61.063)],
)
def test_googlenet_detectnet(height: int, width: int, gmacs: float) -> None:
    net = famous_nets.detectnet(height, width)
    counts = counted(net)
    assert (total(counts, "weights"), total(counts, "biases")) == (5_971_392, 7_285)
    assert total(counts, "parameters") == 5_978_677
    assert round(total(counts, "macs") / 1e9, 3) == gmacs
    tops = {step.layer.top[0]: step.tops[0] for step in shapes.infer(net)}
    assert tops["coverage"] == (1, 1, height // 16, width // 16)
    assert tops["bboxes"] == (1, 4, height // 16, width // 16)
    assert sum(layer.type == "Convolution" for layer in net.layer) == 59


def test_resnet_56() -> None:
    """855,786 is the form with two projections, each with BatchNorm and Scale, whose first convolution has a bias.

    Without that bias it is 855,770. BatchNorm's running statistics of_net in neither.
    """
    net = famous_nets.resnet56()
    counts = counted(net)
    assert total(counts, "parameters") == 855_786
    assert total(counts, "biases") == 16 + 10
    scales = 16 + 18 * 16 + 18 * 32 + 18 * 64 + 32 + 64
    assert total(counts, "others") == 2 * scales
    assert total(counts, "statistics") == 2 * scales + 57
    assert total(counts, "synapses") == total(counts, "weights") + total(counts, "biases")
    net.layer[1].convolution_param.bias_term = False
    assert total(counted(net), "parameters") == 855_770


def test_caffe_sets_the_published_networks_up_so(tmp_path: Path) -> None:
    nets = [famous_nets.alexnet(), famous_nets.detectnet(64, 96), famous_nets.resnet56()]
    for net, made in zip(nets, shapes_child.load(tmp_path, nets), strict=True):
        assert made is not None, net.name
        for step in shapes.infer(net):
            assert [made[0][top] for top in step.layer.top] == [list(shape) for shape in step.tops]
            assert made[1].get(step.layer.name, []) == [list(shape) for shape in step.blob_shapes]


# Small ones, counted by loops

LAYERS = [
    "Convolution convolution_param { num_output: 4 kernel_h: 2 kernel_w: 3 }",
    "Convolution convolution_param { num_output: 6 kernel_size: 3 group: 2 stride: 2 pad: 1 }",
    "Convolution convolution_param { num_output: 4 kernel_size: 1 group: 4 bias_term: false }",
    "Deconvolution convolution_param { num_output: 6 kernel_size: 2 stride: 2 }",
    "Deconvolution convolution_param { num_output: 6 kernel_size: 3 group: 2 bias_term: false }",
    "InnerProduct inner_product_param { num_output: 3 }",
    "InnerProduct inner_product_param { num_output: 3 transpose: true bias_term: false }",
    "InnerProduct inner_product_param { num_output: 3 axis: 2 }",
    "InnerProduct inner_product_param { num_output: 3 axis: -1 }",
]


def plain_kernels(step: shapes.Step, blob: np.ndarray) -> list[list[list[float]]]:
    """The weights of each output for each input of its group, place by place, out of Caffe's layout."""
    layer, bottom = step.layer, step.bottoms[0]
    if layer.type == "InnerProduct":
        axis = layer.inner_product_param.axis % 4
        inputs, patch = bottom[axis], int(np.prod(bottom[axis + 1 :]))
        matrix = blob.T if layer.inner_product_param.transpose else blob
        return [[[matrix[o, i * patch + p] for p in range(patch)] for i in range(inputs)] for o in range(len(matrix))]
    parameter = layer.convolution_param
    outputs, inputs = parameter.num_output, bottom[1]
    result = []
    for o in range(outputs):
        group = o // (outputs // parameter.group)
        seen = range(group * inputs // parameter.group, (group + 1) * inputs // parameter.group)
        if layer.type == "Deconvolution":
            result.append([list(blob[i, o % (outputs // parameter.group)].ravel()) for i in seen])
        else:
            result.append([list(blob[o, k].ravel()) for k, _ in enumerate(seen)])
    return result


def matrix_of(step: shapes.Step, blob: np.ndarray) -> list[list[list[float]]]:
    """The weighted layer's matrix, its outputs first."""
    layer = step.weighted
    assert layer
    matrix = layer.matrix(blob)
    if layer.transposed:
        by_group = matrix.reshape(layer.group, -1, layer.width, layer.patch).swapaxes(1, 2)
        matrix = by_group.reshape(layer.outputs, -1, layer.patch)
    return list(matrix.tolist())


@pytest.mark.parametrize(("layer", "density"), list(itertools.product(LAYERS, [0.0, 0.1, 0.5, 1.0])))
def test_counts_are_what_loops_count(layer: str, density: float) -> None:
    random = np.random.default_rng(3)
    net = net_of(layer, shape=(4, 5, 6))
    step = shapes.infer(net)[1]
    blobs = [random.uniform(1, 2, size=shape).astype(np.float32) for shape in step.blob_shapes]
    blobs[0] *= random.random(blobs[0].shape) < density
    dense, sparse = counted(net)[1], counted(net, {step.layer.name: blobs})[1]
    plain = plain_kernels(step, blobs[0])
    assert matrix_of(step, blobs[0]) == plain
    assert dense.weights == sparse.weights == sum(len(kernel) for output in plain for kernel in output)
    assert dense.clusters == sum(len(output) for output in plain)
    assert sparse.clusters == sum(any(kernel) for output in plain for kernel in output)
    neurons = sum(any(any(kernel) for kernel in output) for output in plain)
    synapses = sum(value != 0 for output in plain for kernel in output for value in kernel)
    has_bias = len(blobs) > 1
    assert sparse.synapses == synapses + neurons * has_bias
    assert dense.synapses == dense.weights + dense.biases and dense.biases == len(plain) * has_bias
    assert dense.bytes == sum(blob.nbytes for blob in blobs)


@pytest.mark.parametrize("layer", LAYERS)
def test_macs_are_the_products_that_make_an_output(layer: str) -> None:
    """For a Convolution or a unit every place of the top takes one kernel an input; each place of a
    Deconvolution's bottom gives one an output."""
    step = shapes.infer(net_of(layer, shape=(4, 5, 6)))[1]
    connected = step.weighted
    assert connected
    products = 0
    bottom, top = step.bottoms[0], step.tops[0]
    if step.layer.type == "InnerProduct":
        axis = step.layer.inner_product_param.axis % 4
        products = int(np.prod(top[1:])) * int(np.prod(bottom[axis:]))
    elif step.layer.type == "Convolution":
        for _ in range(int(np.prod(top[1:]))):
            products += bottom[1] // connected.group * connected.patch
    else:
        for _ in range(int(np.prod(bottom[1:]))):
            products += top[1] // connected.group * connected.patch
    assert counted(net_of(layer, shape=(4, 5, 6)))[1].macs == products


def test_what_connects_no_channels_is_counted_apart() -> None:
    net = net_of(
        "Convolution convolution_param { num_output: 4 kernel_size: 1 bias_term: false }",
        "BatchNorm",
        "Scale scale_param { bias_term: true }",
        "PReLU",
        "Bias",
        "Pooling pooling_param { kernel_size: 2 }",
    )
    _, conv, norm, scale, prelu, bias, pooling = counted(net)
    assert (conv.parameters, conv.synapses, conv.clusters) == (12, 12, 12)
    assert (norm.parameters, norm.statistics, norm.bytes, norm.macs) == (0, 9, 36, 0)
    assert (scale.others, prelu.others, bias.others) == (8, 4, 4)
    assert (scale.synapses, scale.macs, scale.bytes) == (0, 0, 32)
    assert (pooling.parameters, pooling.macs, pooling.top) == (0, 0, (1, 4, 7, 7))


def test_shared_parameters_count_once() -> None:
    net = net_of(
        'Convolution convolution_param { num_output: 3 kernel_size: 1 } param { name: "w" } param { name: "b" }',
        'Convolution convolution_param { num_output: 3 kernel_size: 1 } param { name: "w" }',
    )
    blobs = [np.ones((3, 3, 1, 1), np.float32), np.ones(3, np.float32)]
    for weights in (None, {"convolution1": blobs, "convolution2": blobs}):
        _, first, second = counted(net, weights)
        assert (first.weights, first.biases, first.synapses, first.clusters) == (9, 3, 12, 9)
        assert (second.weights, second.biases, second.synapses, second.clusters) == (0, 3, 3, 0)
        assert first.macs == second.macs == 9 * 64


UNITS = "InnerProduct inner_product_param { num_output: 2 }"


@pytest.mark.parametrize(
    ("blobs", "message"),
    [
        (
            [np.ones((2, 3)), np.ones(2)],
            "expected 2 x 192 = 384 and 2 = 2, got 2 x 3 = 6 and 2 = 2; the prototxt and the caffemodel belong to "
            "different networks",
        ),
        (
            [np.ones((2, 192)), np.ones(2), np.ones((2, 192))],
            "expected 2 blobs, got 3 [(2, 192), (2,), (2, 192)]; the further ones may be masks, as pruning forks of "
            "Caffe keep them: multiply each mask into its weights, and save the layer without",
        ),
    ],
)
def test_weights_of_another_network(blobs: list[np.ndarray], message: str) -> None:
    with pytest.raises(UserError) as error:
        counted(net_of(UNITS), {"innerproduct1": blobs})
    assert str(error.value) == f"w.caffemodel: layer 'innerproduct1': {message}"


def test_weights_without_a_layer() -> None:
    with pytest.raises(UserError) as error:
        counted(net_of(UNITS), {"ip": [np.ones((2, 192)), np.ones(2)]})
    assert str(error.value) == (
        "w.caffemodel: layer 'innerproduct1': expected its weights, got none; layers with weights there: ip; name "
        "the layer as the trained one is named"
    )


def test_blobs_of_four_axes_as_they_were_once() -> None:
    blobs = [np.ones((1, 1, 2, 192), np.float32), np.ones((1, 1, 1, 2), np.float32)]
    assert counted(net_of(UNITS), {"innerproduct1": blobs})[1].synapses == 386


def test_an_unknown_type_counts_by_its_blobs() -> None:
    net = parsed(
        'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 } } }'
        'layer { name: "mine" type: "Mine" bottom: "data" top: "mine" }'
    )
    counts = of_net(shapes.infer(net, keep_unknown=True), {"mine": [np.ones(5, np.float32)]})
    assert (counts[1].others, counts[1].top) == (5, (1, 3))


# In a graph


def exists(of: Count) -> tuple[str, int, int, int, int, int, int]:
    """What exists of a layer, as metrics.json has it."""
    return of.name, of.synapses, of.biases, of.kernels, of.neurons, of.macs, of.clusters


@given(seed=st.integers(0, 2**32 - 1), density=st.sampled_from([0.05, 0.1, 0.3, 0.7, 1.0]))
def test_of_a_graph_what_loops_count(seed: int, density: float) -> None:
    random = np.random.default_rng(seed)
    net = random_chain(random)
    graph, weights = topology.read([net]), random_weights(net, random, density)
    counts = of_graph(graph, weights)
    for layer, found in zip(graph.weighted, counts, strict=True):
        values = weights[layer.name][0].reshape(layer.outputs, layer.inputs, layer.patch).tolist()
        each = [[sum(value != 0 for value in kernel) for kernel in output] for output in values]
        neurons = sum(any(output) for output in each)
        kernels = sum(there > 0 for output in each for there in output)
        biases = neurons if layer.has_bias else 0
        synapses = sum(map(sum, each)) + biases
        assert exists(found) == (layer.name, synapses, biases, kernels, neurons, layer.macs, kernels)


@given(seed=st.integers(0, 2**32 - 1), density=st.sampled_from([0.05, 0.1, 0.3, 0.7, 1.0]))
def test_what_is_silenced_counts_only_on_a_way(seed: int, density: float) -> None:
    """Of an offspring, of which everything else is cleared, the count is that of ways from the image to an output."""
    random = np.random.default_rng(seed)
    net = random_chain(random)
    graph, weights = topology.read([net]), random_weights(net, random, density)
    ways = on_a_way(graph.weighted, weights)
    assume(any(ways[-1]))
    before = {name: blobs[0].copy() for name, blobs in weights.items()}
    resize.silence(graph, weights, alive(graph, weights))
    counts = of_graph(graph, weights)
    for k, layer in enumerate(graph.weighted):
        values = before[layer.name].reshape(layer.outputs, layer.inputs, layer.patch) != 0
        there = values[np.array(ways[k])][:, np.array(ways[k - 1]) if k else slice(None)]
        neurons = int(there.any(axis=(1, 2)).sum())
        assert counts[k].neurons == neurons
        assert counts[k].synapses == int(there.sum()) + neurons * layer.has_bias


@pytest.mark.parametrize("seed", range(40))
def test_both_counts_agree_on_a_pruned_net_that_is_not_shrunk(seed: int) -> None:
    random = np.random.default_rng(seed)
    net = graphs.random_net(random)
    graph = topology.read([net])
    weights = graphs.random_weights(net, random)
    in_graph, in_net = of_graph(graph, weights), counted(net, weights)
    for what in ("synapses", "biases", "kernels", "clusters", "macs", "weights", "bias_terms"):
        assert total(in_graph, what) == total(in_net, what), what
    by_name = {each.name: each for each in in_net}
    for layer, found in zip(graph.weighted, in_graph, strict=True):
        if not layer.sharers:
            assert exists(found) == exists(by_name[layer.name])


def test_a_flattened_map_is_one_input_of_a_unit() -> None:
    """As without the Flatten, which changes nothing in what InnerProduct computes."""
    units = "InnerProduct inner_product_param { num_output: 3 }"
    first, second = counted(net_of(units, shape=(4, 5, 6)))[1], counted(net_of("Flatten", units, shape=(4, 5, 6)))[2]
    assert (first.clusters, first.synapses, first.macs) == (12, 363, 360)
    assert (second.clusters, second.synapses, second.macs) == (12, 363, 360)


def test_a_neuron_without_a_synapse_has_no_bias_to_count() -> None:
    net = net_of("InnerProduct inner_product_param { num_output: 2 }", shape=(2, 1, 1))
    weights = {"innerproduct1": [np.array([[1, 0], [0, 0]], np.float32), np.ones(2, np.float32)]}
    for found in (counted(net, weights)[1], of_graph(topology.read([net]), weights)[0]):
        assert (found.synapses, found.biases, found.neurons, found.bias_terms) == (2, 1, 1, 2)


def test_total() -> None:
    counts = [Count("a", 10, 2, 3, 2, 100, 3), Count("b", 5, 1, 4, 1, 50, 2)]
    figures = ["synapses", "biases", "kernels", "neurons", "macs", "clusters"]
    assert [total(counts, what) for what in figures] == [15, 3, 7, 3, 150, 5]


def with_kernels(*kernels: int) -> list[Count]:
    return [Count(f"layer{k}", 0, 0, number, 0, 0, number) for k, number in enumerate(kernels)]


@pytest.mark.parametrize(
    ("ancestor", "now", "published", "mean"),
    [
        # [Cluster16], Table 2: MNIST, generation 13. 640 / 40 stands for the last classifier, which it leaves out.
        ((32, 1024, 2048, 4096, 640), (9, 79, 232, 304, 40), (3.6, 12.96, 8.83, 13.47), 9.71),
        # STL-10, generation 10
        ((96, 1024, 2048, 4096, 640), (29, 121, 373, 624, 1), (3.31, 8.46, 5.49, 6.56), 5.96),
    ],
)
def test_the_papers_table_2(
    ancestor: tuple[int, ...], now: tuple[int, ...], published: tuple[float, ...], mean: float
) -> None:
    efficiencies = cluster_efficiencies(with_kernels(*ancestor), with_kernels(*now))
    assert efficiencies[:-1] == pytest.approx(list(published), abs=0.05)
    assert [round(ratio, 2) for ratio in efficiencies[1:-1]] == list(published[1:])
    # The paper took its mean of rounded figures.
    assert mean_cluster_efficiency([*published, 99.0]) == pytest.approx(mean, abs=0.0051)
    assert mean_cluster_efficiency(efficiencies) == pytest.approx(mean, abs=0.011)


def test_the_mean_by_hand() -> None:
    assert mean_cluster_efficiency([2.0, 4.0, 100.0]) == 3.0
    assert mean_cluster_efficiency([7.0]) == 7.0
    # To the last bit what it is, whatever Python adds it up: 3.11's own sum of these is .9999999999999999.
    assert mean_cluster_efficiency([0.1] * 10 + [9.0]) == 0.1
