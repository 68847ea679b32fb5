"""Each rule of the graph on a network small enough to follow by hand."""

from typing import Any

import numpy as np
import pytest
from chains import parsed

from evolve.base.errors import UserError
from evolve.network import fold, reach, resize, topology
from evolve.network.graph import Graph
from evolve.network.weights import Weights

DATA = 'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 2 dim: 4 dim: 4 } } }\n'


def layer(kind: str, name: str, bottoms: str, words: str = "", tops: str = "") -> str:
    read = " ".join(f'bottom: "{each}"' for each in bottoms.split())
    written = " ".join(f'top: "{each}"' for each in (tops or name).split())
    return f'layer {{ name: "{name}" type: "{kind}" {read} {written} {words} }}\n'


def conv(name: str, bottom: str, outputs: int, words: str = "") -> str:
    return layer("Convolution", name, bottom, f"convolution_param {{ num_output: {outputs} kernel_size: 1 {words} }}")


def units(name: str, bottom: str, outputs: int, words: str = "") -> str:
    return layer("InnerProduct", name, bottom, f"inner_product_param {{ num_output: {outputs} {words} }}")


def graph_of(*layers: str, **named: Any) -> tuple[Any, Graph]:
    net = parsed(DATA + "".join(layers))
    return net, topology.read([net], **named)


def ones(graph: Graph) -> Weights:
    """Everything there is: 1."""
    weights: Weights = {}
    for stage in graph.weighted:
        biases = [np.ones(stage.outputs, np.float32)] if stage.has_bias else []
        weights[stage.name] = [np.ones(stage.kernel_shape, np.float32), *biases]
    for node in graph.nodes:
        if node.learned:
            weights[node.layer.name] = [np.ones(parameter.shape, np.float32) for parameter in node.learned]
    return weights


def classes(graph: Graph, blob: str) -> list[int]:
    """Of the last layer that wrote it."""
    return [each for each in graph.blobs if each.name == blob][-1].channel_groups.tolist()


def shrunk(net: Any, graph: Graph, weights: Weights, multiple: int = 1) -> tuple[Any, dict[str, Any]]:
    """As an offspring is: layers of the smaller net, by name."""
    exists = reach.alive(graph, weights)
    resize.silence(graph, weights, exists)
    kept = resize.complete(graph, exists.kept, multiple)
    small = resize.resized(net, graph, kept)
    again = topology.read([small])
    resize.check(again, resize.shrunk(graph, weights, kept), "shrunk")
    return small, {each.name: each for each in small.layer}


# One and the same channel


def test_eltwise_makes_channels_one() -> None:
    total = layer("Eltwise", "sum", "a b")
    net, graph = graph_of(conv("a", "data", 3), conv("b", "data", 3), total, units("out", "sum", 1))
    assert classes(graph, "a") == classes(graph, "b") == classes(graph, "sum")
    weights = ones(graph)
    weights["a"][0][1] = 0
    # Channel 1 lives on through b, so it is kept; without b's synapses too, it goes from both.
    _, layers = shrunk(net, graph, weights)
    assert layers["a"].convolution_param.num_output == layers["b"].convolution_param.num_output == 3
    assert weights["a"][1].tolist() == [1, 0, 1]
    weights["b"][0][1] = 0
    _, layers = shrunk(net, graph, weights)
    assert layers["a"].convolution_param.num_output == layers["b"].convolution_param.num_output == 2


def test_concat_and_slice_follow_channels() -> None:
    net, graph = graph_of(
        conv("a", "data", 2), conv("b", "data", 3), layer("Concat", "both", "a b"),
        layer("Slice", "cut", "both", "slice_param { slice_point: 1 slice_point: 3 }", "x y z"),
        units("out", "x", 1), units("more", "y", 1), units("last", "z", 1),
    )  # fmt: skip
    a, b = classes(graph, "a"), classes(graph, "b")
    assert classes(graph, "both") == a + b
    assert (classes(graph, "x"), classes(graph, "y"), classes(graph, "z")) == ([a[0]], [a[1], b[0]], [b[1], b[2]])
    weights = ones(graph)
    weights["a"][0][1] = 0
    _, layers = shrunk(net, graph, weights)
    assert list(layers["cut"].slice_param.slice_point) == [1, 2]
    assert layers["a"].convolution_param.num_output == 1 and layers["b"].convolution_param.num_output == 3


def test_an_even_slice_gets_points_when_it_is_even_no_more() -> None:
    cut = layer("Slice", "cut", "a", "", "x y")
    net, graph = graph_of(conv("a", "data", 4), cut, units("p", "x", 1), units("q", "y", 1))
    weights = ones(graph)
    weights["a"][0][3] = 0
    assert list(shrunk(net, graph, weights)[1]["cut"].slice_param.slice_point) == [2]
    weights["a"][0][0] = 0
    assert list(shrunk(net, graph, weights)[1]["cut"].slice_param.slice_point) == []


def test_flattened_maps_go_whole() -> None:
    flat = layer("Flatten", "flat", "a") + layer("ReLU", "flat2", "flat")
    net, graph = graph_of(conv("a", "data", 3), flat, units("out", "flat2", 1))
    first = classes(graph, "a")
    assert classes(graph, "flat2") == [each for each in first for _ in range(16)]
    stage = graph.weighted[1]
    assert (stage.inputs, stage.patch, stage.uses[0].step) == (3, 16, 16)
    weights = ones(graph)
    weights["out"][0][0, 16:32] = 0  # nothing reads channel 1
    kept = reach.alive(graph, weights).kept
    assert resize.shrunk(graph, weights, kept)["out"][0].shape == (1, 32)


def test_reshape_has_its_channels_edited() -> None:
    net, graph = graph_of(
        units("a", "data", 6), layer("Reshape", "r", "a", "reshape_param { shape { dim: 0 dim: 3 dim: 2 dim: 1 } }"),
        conv("b", "r", 1), units("out", "b", 1),
    )  # fmt: skip
    weights = ones(graph)
    weights["b"][0][0, 1] = 0
    small, layers = shrunk(net, graph, weights)
    assert list(layers["r"].reshape_param.shape.dim) == [0, 2, 2, 1] and layers["a"].inner_product_param.num_output == 4


def test_crop_of_channels_has_its_offset_edited() -> None:
    net, graph = graph_of(
        conv("a", "data", 5), conv("b", "data", 2, "stride: 2"),
        layer("Crop", "c", "a b", "crop_param { axis: 1 offset: 2 offset: 0 offset: 0 }"),
        units("out", "c", 1), units("more", "a", 1), units("last", "b", 1),
    )  # fmt: skip
    assert classes(graph, "c") == classes(graph, "a")[2:4] == classes(graph, "b")
    weights = ones(graph)
    weights["a"][0][0] = 0
    assert list(shrunk(net, graph, weights)[1]["c"].crop_param.offset) == [1, 0, 0]


def test_layers_that_share_their_parameters_are_one_stage() -> None:
    names = 'param { name: "w" } param { name: "b" }'
    net, graph = graph_of(
        conv("a", "data", 2), conv("b", "data", 2),
        layer("Convolution", "one", "a", f"{names} convolution_param {{ num_output: 3 kernel_size: 1 }}"),
        layer("Convolution", "two", "b", f"{names} convolution_param {{ num_output: 3 kernel_size: 1 }}"),
        units("out", "one", 1), units("more", "two", 1),
    )  # fmt: skip
    assert [stage.name for stage in graph.weighted] == ["a", "b", "one", "out", "more"]
    assert graph.weighted[2].sharers == ["two"]
    assert classes(graph, "a") == classes(graph, "b") and classes(graph, "one") == classes(graph, "two")


def test_sharing_weights_alone_is_refused() -> None:
    words = 'param { name: "w" } convolution_param { num_output: 3 kernel_size: 1 }'
    with pytest.raises(UserError) as error:
        graph_of(layer("Convolution", "one", "data", words), layer("Convolution", "two", "data", words))
    assert str(error.value) == (
        "layer 'two': shares some of its parameters with 'one', not all; share weights and biases of one layer, or none"
    )


@pytest.mark.parametrize(
    ("kind", "group", "said"),
    [("Deconvolution", 1, "Deconvolution of group 1"), ("Convolution", 2, "Convolution of group 2")],
)
def test_sharers_are_of_one_kind(kind: str, group: int, said: str) -> None:
    """Their parameters may have one shape."""
    words = 'param {{ name: "w" }} param {{ name: "b" }} convolution_param {{ num_output: 2 kernel_size: 1 group: {} }}'
    joined = layer("Concat", "both", "data data") if group == 2 else layer("ReLU", "both", "data")
    with pytest.raises(UserError) as error:
        graph_of(joined, layer("Convolution", "one", "data", words.format(1)),
                 layer(kind, "two", "both", words.format(group)))  # fmt: skip
    assert str(error.value) == (
        f"layer 'two': shares the parameters of 'one', but is a {said} and no Convolution of group 1; layers that "
        "share them are of one kind"
    )


# What stays


def test_depthwise_groups_go_with_their_channel() -> None:
    net, graph = graph_of(conv("a", "data", 4), conv("deep", "a", 4, "group: 4"), units("out", "deep", 1))
    weights = ones(graph)
    weights["a"][0][1] = 0
    weights["out"][0][0, 3 * 16 :] = 0
    parameter = shrunk(net, graph, weights)[1]["deep"].convolution_param
    assert (parameter.num_output, parameter.group) == (2, 2)


def test_groups_stay_equally_wide() -> None:
    net, graph = graph_of(conv("a", "data", 4), conv("g", "a", 6, "group: 2"), units("out", "g", 1))
    weights = ones(graph)
    weights["a"][0][0] = 0  # of the first group, which keeps two inputs because the second does
    weights["out"][0][0, 5 * 16 :] = 0  # of the second group, which keeps three neurons because the first does
    _, layers = shrunk(net, graph, weights)
    parameter = layers["g"].convolution_param
    assert (layers["a"].convolution_param.num_output, parameter.num_output, parameter.group) == (4, 6, 2)
    weights["a"][0][:2] = 0  # now all of the first group
    _, layers = shrunk(net, graph, weights)
    parameter = layers["g"].convolution_param
    assert (layers["a"].convolution_param.num_output, parameter.num_output, parameter.group) == (2, 2, 1)


def test_the_last_channel_of_a_branch_stays_silent() -> None:
    total = layer("Eltwise", "sum", "data b")
    net, graph = graph_of(conv("a", "data", 3), conv("b", "a", 2), total, units("out", "sum", 1))
    weights = ones(graph)
    weights["a"][0][:] = 0
    _, layers = shrunk(net, graph, weights)
    assert layers["a"].convolution_param.num_output == 1 and layers["b"].convolution_param.num_output == 2
    assert not weights["a"][1].any() and not weights["b"][0].any() and not weights["b"][1].any()


def test_multiples_stay_multiples() -> None:
    net, graph = graph_of(conv("a", "data", 8), conv("b", "a", 6), units("out", "b", 1))
    weights = ones(graph)
    weights["a"][0][:3] = weights["b"][0][:3] = 0
    _, layers = shrunk(net, graph, weights, multiple=4)
    # 6 is no multiple of 4 and needs not stay one.
    assert layers["a"].convolution_param.num_output == 8 and layers["b"].convolution_param.num_output == 3
    weights["a"][0][:4] = 0
    assert shrunk(net, graph, weights, multiple=4)[1]["a"].convolution_param.num_output == 4


def test_an_output_that_the_image_no_longer_reaches() -> None:
    _, graph = graph_of(conv("a", "data", 3), units("out", "a", 1), units("more", "data", 1))
    weights = ones(graph)
    weights["a"][0][:] = 0
    with pytest.raises(reach.NothingLeft) as error:
        reach.alive(graph, weights)
    assert str(error.value) == "blob 'out': no way of synapses leads to it from the image"


@pytest.mark.parametrize(
    ("region", "exact", "kept"),
    [("ACROSS_CHANNELS", True, 3), ("ACROSS_CHANNELS", False, 2), ("WITHIN_CHANNEL", True, 2)],
)
def test_lrn_across_channels_keeps_them(region: str, exact: bool, kept: int) -> None:
    lrn = layer("LRN", "norm", "a", f"lrn_param {{ norm_region: {region} }}")
    net, graph = graph_of(conv("a", "data", 3), lrn, units("out", "norm", 1), lrn="EXACT" if exact else "RETRAIN")
    weights = ones(graph)
    weights["a"][0][1] = 0
    assert shrunk(net, graph, weights)[1]["a"].convolution_param.num_output == kept


def test_what_touches_an_unknown_layer_stays() -> None:
    odd = layer("Python", "odd", "a", 'python_param { module: "m" layer: "L" }')
    with pytest.raises(UserError) as error:
        graph_of(conv("a", "data", 3), odd, units("out", "odd", 1))
    assert str(error.value) == "layer 'odd': type Python is not known here; keep_unknown leaves it whole"
    rest = units("out", "odd", 1) + units("more", "b", 1)
    net, graph = graph_of(conv("a", "data", 3), conv("b", "data", 3), odd, rest, keep_unknown=True)
    weights = ones(graph)
    weights["a"][0][1] = weights["b"][0][1] = 0
    exists = reach.alive(graph, weights)
    resize.silence(graph, weights, exists)
    small = resize.resized(net, graph, resize.complete(graph, exists.kept))
    layers = {each.name: each for each in small.layer}
    assert layers["a"].convolution_param.num_output == 3 and layers["b"].convolution_param.num_output == 2
    assert weights["a"][1].tolist() == [1, 1, 1]  # what the unknown layer makes of a bias is its own affair


@pytest.mark.parametrize(
    "squeeze", ["Reshape reshape_param { shape { dim: -1 } }", "Flatten flatten_param { axis: 0 }"]
)
def test_a_single_number_without_an_axis_is_an_output(squeeze: str) -> None:
    kind, _, words = squeeze.partition(" ")
    net, graph = graph_of(conv("a", "data", 3), units("b", "a", 1), layer(kind, "out", "b", words), units("c", "a", 2))
    assert graph.answers() == ["out", "c", "b"]
    weights = ones(graph)
    weights["a"][0][1], weights["c"][0][:] = 0, 0
    weights["c"][0][0, 0] = 1
    exists = reach.alive(graph, weights)
    assert exists.neurons["b"].tolist() == [True] and exists.neurons["a"].tolist() == [True, False, True]
    assert folded(net, graph, weights)[0]["a"].convolution_param.num_output == 2
    weights["b"][0][:] = 0
    with pytest.raises(reach.NothingLeft) as error:
        reach.alive(graph, weights)
    assert str(error.value) == "blob 'b': no way of synapses leads to it from the image"


def test_a_single_number_without_an_axis_is_a_factor() -> None:
    squeezed = layer("Reshape", "gate", "b", "reshape_param { shape { dim: -1 } }")
    scaled = layer("Scale", "scaled", "a gate", "scale_param { axis: 0 }")
    _, graph = graph_of(conv("a", "data", 3), units("b", "a", 1), squeezed, scaled, units("out", "scaled", 1))
    assert reach.alive(graph, ones(graph)).neurons["b"].tolist() == [True]


def test_losses_scores_and_labels_are_no_answers() -> None:
    label = layer("Input", "label", "", "input_param { shape { dim: 1 } }")
    judged = layer("Accuracy", "accuracy", "out label") + layer("SoftmaxWithLoss", "loss", "out label")
    _, graph = graph_of(label, units("out", "data", 2), judged)
    assert graph.answers() == ["out"]


def test_labels_may_get_and_lose_an_axis() -> None:
    label = layer("Input", "label", "", "input_param { shape { dim: 1 } }")
    column = layer("Reshape", "column", "label", "reshape_param { shape { dim: -1 dim: 1 } }")
    again = layer("Flatten", "again", "column", "flatten_param { axis: 0 }")
    losses = layer("EuclideanLoss", "loss", "out column") + layer("HingeLoss", "loss2", "out again")
    _, graph = graph_of(label, column, again, units("out", "data", 1), losses)
    assert reach.alive(graph, ones(graph)).neurons["out"].tolist() == [True]


# Constants


def folded(net: Any, graph: Graph, weights: Weights) -> tuple[dict[str, Any], Weights]:
    kept = resize.complete(graph, fold.fold_constants(graph, weights))
    return {each.name: each for each in resize.resized(net, graph, kept).layer}, resize.shrunk(graph, weights, kept)


def test_a_bias_alone_goes_into_the_next_layers_biases() -> None:
    relu = layer("ReLU", "relu", "a", "relu_param { negative_slope: 0.5 }")
    net, graph = graph_of(conv("a", "data", 2), relu, units("out", "relu", 2))
    weights = ones(graph)
    weights["a"][0][1], weights["a"][1][1] = 0, -4
    weights["out"][0][1] = 3
    layers, small = folded(net, graph, weights)
    assert layers["a"].convolution_param.num_output == 1
    # -4 becomes -2, at 16 places, times 1 and times 3.
    assert small["out"][1].tolist() == [1 - 2 * 16, 1 - 2 * 16 * 3]


def test_a_layer_without_biases_gets_them() -> None:
    net, graph = graph_of(conv("a", "data", 2), conv("b", "a", 2, "bias_term: false"), units("out", "b", 1))
    weights = ones(graph)
    weights["a"][0][1] = 0
    layers, small = folded(net, graph, weights)
    assert layers["b"].convolution_param.bias_term and small["b"][1].tolist() == [1, 1]


@pytest.mark.parametrize(("words", "kept"), [("kernel_size: 3 pad: 1", 2), ("kernel_size: 3 pad: 0", 1)])
def test_what_padding_cuts_off_is_not_constant(words: str, kept: int) -> None:
    second = layer("Convolution", "b", "a", f"convolution_param {{ num_output: 1 {words} }}")
    net, graph = graph_of(conv("a", "data", 2), second, units("out", "b", 1))
    weights = ones(graph)
    weights["a"][0][1] = 0
    assert folded(net, graph, weights)[0]["a"].convolution_param.num_output == kept
    weights = ones(graph)
    weights["a"][0][1] = weights["a"][1][1] = 0  # a constant zero is zero beyond the border too
    assert folded(net, graph, weights)[0]["a"].convolution_param.num_output == 1


@pytest.mark.parametrize(("pads", "kept"), [("00", 1), ("01", 2), ("10", 2)])
def test_what_the_padding_of_a_sharer_cuts_off_is_not_constant(pads: str, kept: int) -> None:
    words = 'param {{ name: "w" }} param {{ name: "b" }} convolution_param {{ num_output: 1 kernel_size: 3 pad: {} }}'
    sharing = [layer("Convolution", f"b{number}", "a", words.format(pad)) for number, pad in enumerate(pads)]
    net, graph = graph_of(conv("a", "data", 2), *sharing, units("out", "b0", 1), units("more", "b1", 1))
    weights = ones(graph)
    weights["b1"] = weights["b0"]
    weights["a"][0][1] = 0
    assert folded(net, graph, weights)[0]["a"].convolution_param.num_output == kept


@pytest.mark.parametrize(("first", "second"), [(8, 16), (16, 8), (2, 16), (8, 8)])
def test_constants_of_maps_that_were_flattened_otherwise(first: int, second: int) -> None:
    """A sharer of the parameters reads the same places in other channels."""
    names = 'param { name: "w" } param { name: "b" }'
    flat = "reshape_param {{ shape {{ dim: 0 dim: {} dim: -1 }} }}"
    net, graph = graph_of(
        conv("a", "data", 2), layer("Reshape", "f", "a", flat.format(first)),
        layer("Reshape", "g", "a", flat.format(second)),
        *(layer("InnerProduct", name, bottom, f"{names} inner_product_param {{ num_output: 1 }}")
          for name, bottom in (("b", "f"), ("c", "g"))),
    )  # fmt: skip
    weights = ones(graph)
    weights["c"] = weights["b"]
    weights["a"][0][1], weights["a"][1][1] = 0, 3
    layers, small = folded(net, graph, weights)
    assert layers["a"].convolution_param.num_output == 1
    assert small["b"][1].tolist() == small["c"][1].tolist() == [1 + 16 * 3]


@pytest.mark.parametrize(
    ("words", "value"),
    [
        (layer("BatchNorm", "f", "a", "batch_norm_param { eps: 0 }"), (3 - 1) / 1),
        (layer("Scale", "f", "a", "scale_param { bias_term: true }"), 3 * 1 + 1),
        (layer("Bias", "f", "a"), 4),
        (layer("Power", "f", "a", "power_param { power: 2 scale: 2 shift: 1 }"), 49),
        (layer("Exp", "f", "a", "exp_param { base: 2 }"), 8),
        (layer("Log", "f", "a", "log_param { base: 2 shift: 5 }"), 3),
        (layer("Sigmoid", "f", "a"), 1 / (1 + np.exp(-3))),
        (layer("TanH", "f", "a"), np.tanh(3)),
        (layer("ELU", "f", "a"), 3),
        (layer("BNLL", "f", "a"), np.log1p(np.exp(3))),
        (layer("Threshold", "f", "a", "threshold_param { threshold: 2 }"), 1),
        (layer("Eltwise", "f", "a a", "eltwise_param { coeff: 2 coeff: -1 }"), 3),
        (layer("Eltwise", "f", "a a", "eltwise_param { operation: PROD }"), 9),
        (layer("Pooling", "f", "a", "pooling_param { kernel_size: 2 }"), 3),
        (layer("Clip", "f", "a", "clip_param { min: -1 max: 2 }"), 2),
        (layer("Swish", "f", "a", "swish_param { beta: 2 }"), 3 / (1 + np.exp(-6))),
        (layer("SPP", "f", "a", "spp_param { pyramid_height: 1 }"), 3),
        # Each of these makes two channels of one.
        (layer("Tile", "f", "a", "tile_param { tiles: 2 }"), 3 + 3),
        (layer("Im2col", "f", "a", "convolution_param { kernel_h: 1 kernel_w: 2 }"), 3 + 3),
    ],
)  # fmt: skip
def test_constants_go_through(words: str, value: float) -> None:
    net, graph = graph_of(conv("a", "data", 2), words, conv("b", "f", 1), units("out", "b", 1))
    weights = ones(graph)
    weights["a"][0][1], weights["a"][1][1] = 0, 3
    layers, small = folded(net, graph, weights)
    assert layers["a"].convolution_param.num_output == 1
    assert small["b"][1][0] == pytest.approx(1 + value, rel=1e-6)


@pytest.mark.parametrize(
    "words",
    [
        layer("LRN", "f", "a", "lrn_param { norm_region: WITHIN_CHANNEL }"),
        layer("Pooling", "f", "a", "pooling_param { pool: AVE kernel_size: 3 pad: 1 }"),
        layer("Deconvolution", "f", "a", "convolution_param { num_output: 2 kernel_size: 2 stride: 2 }"),
        layer("Im2col", "f", "a", "convolution_param { kernel_size: 1 pad: 1 }"),
        layer("MVN", "f", "a"),
        # The maxima's places.
        layer("Pooling", "p", "a", "pooling_param { kernel_size: 2 }", "p f") + layer("Silence", "none", "p", tops=" "),
    ],
)
def test_constants_that_stop(words: str) -> None:
    """What these make of 3 is not the same everywhere; so the neuron stays."""
    net, graph = graph_of(conv("a", "data", 2), words, conv("b", "f", 1), units("out", "b", 1))
    weights = ones(graph)
    weights["a"][0][1], weights["a"][1][1] = 0, 3
    layers, small = folded(net, graph, weights)
    assert layers["a"].convolution_param.num_output == 2 and small["b"][1].tolist() == [1]


def test_nothing_reads_it_so_it_goes_bias_and_all() -> None:
    net, graph = graph_of(conv("a", "data", 2), conv("b", "a", 2), units("out", "b", 1))
    weights = ones(graph)
    weights["out"][0][0, 16:] = 0
    weights["b"][0][0, 1] = 0  # only neuron 1 of b read it, and nothing reads that
    layers, _ = folded(net, graph, weights)
    assert (layers["a"].convolution_param.num_output, layers["b"].convolution_param.num_output) == (1, 1)
