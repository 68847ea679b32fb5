"""What computes in eight bits, what is quantised and what has one scale, net by net, by hand."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from both import filled, gap, images, runtime
from google.protobuf import text_format

from evolve.base.caffe_messages import caffe_pb2
from trt.onnx import arranged, eight_places, export, target, translation
from trt.onnx.graph import Graph

INPUT = 'layer { name: "in" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }'


def conv(name: str, bottom: str, rest: str = "") -> str:
    return (
        f'layer {{ name: "{name}" type: "Convolution" bottom: "{bottom}" top: "{name}" '
        f"convolution_param {{ num_output: 4 kernel_size: 1 {rest} }} }}"
    )


def layer(name: str, kind: str, bottoms: str, rest: str = "", top: str = "") -> str:
    read = " ".join(f'bottom: "{each}"' for each in bottoms.split())
    return f'layer {{ name: "{name}" type: "{kind}" {read} top: "{top or name}" {rest} }}'


MAX, AVE = "pooling_param { kernel_size: 2 stride: 2 }", "pooling_param { pool: AVE kernel_size: 2 stride: 2 }"

# layers; the groups of values with one scale; layers in 32 bits; layers that are to stay so.
CASES: dict[str, tuple[list[str], list[str], list[str], str]] = {
    "a chain; the output leaves in 32 bits": (
        [conv("a", "data"), layer("r", "ReLU", "a"), conv("b", "r")], ["data", "r"], [], "",
    ),
    "maximum pooling has its input's scale": (
        [conv("a", "data"), layer("p", "Pooling", "a", MAX), conv("b", "p")], ["data", "a p"], [], "",
    ),
    "average pooling one of its own": (
        [conv("a", "data"), layer("p", "Pooling", "a", AVE), conv("b", "p")], ["data", "a", "p"], [], "",
    ),
    "a Concat joins": (
        [conv("a", "data"), conv("b", "data"), layer("j", "Concat", "a b"), conv("c", "j")], ["data", "a b j"], [], "",
    ),
    "an Eltwise joins what it adds": (
        [conv("a", "data"), conv("b", "a"), layer("s", "Eltwise", "a b"), layer("r", "ReLU", "s"), conv("c", "r")],
        ["data", "a b", "r"], [], "",
    ),
    "LRN stays, and pooling before and behind it; the convolution before it does not": (
        [conv("a", "data"), layer("p", "Pooling", "a", MAX), layer("n", "LRN", "p"), layer("q", "Pooling", "n", MAX),
         conv("b", "q")],
        ["data", "a", "q"], ["p", "n", "q"], "",
    ),
    "nothing is quantised before what is fused": (
        [conv("a", "data"), layer("r", "PReLU", "a"), conv("b", "r")], ["data", "r"], [], "",
    ),
    "everyone reads what was quantised, the net's output too": (
        [conv("a", "data"), conv("b", "a"), layer("s", "Sigmoid", "a")], ["data", "a"], ["s"], "",
    ),
    "what ends in 32 bits is not quantised": (
        [conv("a", "data"), layer("p", "Pooling", "a", AVE), layer("s", "Softmax", "p")], ["data"], ["p", "s"], "",
    ),
    "layers that are to stay": (
        [conv("a", "data"), conv("b", "a"), conv("c", "b")], ["data", "b"], ["b"], "b",
    ),
    "grouped convolution": ([conv("a", "data", "group: 1"), conv("b", "a", "group: 2")], ["data", "a"], [], ""),
    "transposed convolution, without groups alone": (
        [layer("a", "Deconvolution", "data", "convolution_param { num_output: 4 kernel_size: 2 }"),
         layer("b", "Deconvolution", "a", "convolution_param { num_output: 4 kernel_size: 2 group: 2 }")],
        ["data"], ["b"], "",
    ),
    "what reads a constant stays": (
        [layer("p", "Power", "data", "power_param { scale: 0 shift: 2 }"), conv("a", "p"), conv("b", "data")],
        ["data"], ["a"], "",
    ),
    "a Parameter too; an Eltwise of it has a range": (
        ['layer { name: "p" type: "Parameter" top: "p" parameter_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }',
         conv("a", "p"), layer("s", "Eltwise", "p data"), conv("b", "s"), layer("f", "Flatten", "p"),
         layer("i", "InnerProduct", "f", "inner_product_param { num_output: 2 }")],
        ["s", "f"], ["a", "s"], "",
    ),
    "an image that is flattened": (
        [layer("f", "Flatten", "data"), layer("i", "InnerProduct", "f", "inner_product_param { num_output: 2 }")],
        ["data f"], [], "",
    ),
}  # fmt: skip


APART = [
    conv("a", "data"), layer("n", "LRN", "a"), layer("q", "Pooling", "n", MAX), conv("b", "q"),
    layer("p", "Pooling", "q", "pooling_param { kernel_size: 3 stride: 1 pad: 1 }"), conv("c", "p"),
]  # fmt: skip
KEEPING = replace(target.OPENVINO, keeps_pooling_apart=True)


def graph(layers: list[str], wide: str = "") -> tuple[Graph, Any, Any]:
    net = text_format.Parse(INPUT + "".join(layers), caffe_pb2.NetParameter())
    weights = filled(net, np.random.default_rng(0))
    kept = frozenset(wide.split())
    return arranged.arranged(translation.translate(net, weights, in_32_bits=kept)), net, weights


@pytest.mark.parametrize("name", [each for each in CASES if "constant" in each or "Parameter" in each])
def test_a_network_of_constants_is_written(name: str) -> None:
    made, net, weights = graph(CASES[name][0])
    ranges = {value: (-4.0, 4.0) for value in eight_places.find(made).groups}
    image = images(net, np.random.default_rng(1))
    exact = runtime(export.of_net(net, weights), image)
    for form in target.TARGETS.values():
        found = runtime(export.of_net(net, weights, target=form, ranges=ranges), image)
        assert max(gap(values, found[blob]) for blob, values in exact.items()) < 0.1


@pytest.mark.parametrize("name", CASES)
def test_places(name: str) -> None:
    layers, groups, in_32_bits, wide = CASES[name]
    found = eight_places.find(graph(layers, wide)[0])
    made: dict[str, list[str]] = {}
    for value, group in found.groups.items():
        made.setdefault(group, []).append(value)
    assert sorted(map(sorted, made.values())) == sorted(sorted(group.split()) for group in groups)
    assert list(found.in_32_bits) == in_32_bits


def test_a_layer_that_is_to_stay_reads_32_bits_beside_others_in_eight() -> None:
    made, net, weights = graph([conv("a", "data"), conv("b", "a"), conv("c", "a"), conv("d", "b")], "b")
    ranges = {value: (-4.0, 4.0) for value in eight_places.find(made).groups}
    assert list(ranges) == ["data", "a", "b"]
    model = export.of_net(net, weights, ranges=ranges, in_32_bits=frozenset({"b"}))
    reads = {node.name: node.input[0] for node in model.graph.node if node.op_type == "Conv"}
    assert (reads["b"], reads["c"], reads["a"]) == ("a/float", "a", "data/quantised")


def test_relu_goes_before_maximum_pooling_and_nothing_changes() -> None:
    layers = [conv("a", "data"), layer("p", "Pooling", "a", MAX), layer("r", "ReLU", "p"), conv("b", "r")]
    net = text_format.Parse(INPUT + "".join(layers), caffe_pb2.NetParameter())
    weights = filled(net, np.random.default_rng(0))
    before = translation.translate(net, weights)
    after = arranged.arranged(before)
    assert [node.operator for node in before.nodes] == ["Conv", "MaxPool", "Relu", "Conv"]
    assert [node.operator for node in after.nodes] == ["Conv", "Relu", "MaxPool", "Conv"]
    from trt.onnx import model

    image = images(net, np.random.default_rng(1))
    one, other = (runtime(model.model(each, "net", {}), image)["b"] for each in (before, after))
    assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize(
    "layers",
    [
        [conv("a", "data"), layer("p", "Pooling", "a", AVE), layer("r", "ReLU", "p")],
        [conv("a", "data"), layer("p", "Pooling", "a", MAX), layer("r", "ReLU", "p"), layer("s", "Sigmoid", "p")],
        [conv("a", "data"), layer("p", "Pooling", "a", MAX), layer("s", "Sigmoid", "p")],
    ],
)
def test_what_does_not_commute_or_is_read_by_others_stays(layers: list[str]) -> None:
    net = text_format.Parse(INPUT + "".join(layers), caffe_pb2.NetParameter())
    before = translation.translate(net, filled(net, np.random.default_rng(0)))
    assert repr(arranged.arranged(before).nodes) == repr(before.nodes)


def test_the_graph_itself_is_left_as_it_was() -> None:
    made, net, weights = graph(CASES["a Concat joins"][0])
    before = repr(made)
    export.of_net(net, weights, ranges={value: (-1.0, 1.0) for value in eight_places.find(made).groups})
    arranged.arranged(made)
    assert repr(made) == before


def test_pooling_in_32_bits_is_kept_so_for_onnx_runtime_and_nothing_changes() -> None:
    """Behind LRN: rounding and maximum commute, so both forms compute the same to the last bit."""
    made, net, weights = graph(APART)
    assert eight_places.find(made).apart == {"q", "p"}
    ranges = {value: (-4.0, 4.0) for value in eight_places.find(made).groups}
    forms = [export.of_net(net, weights, target=form, ranges=ranges) for form in (target.OPENVINO, KEEPING)]
    reads = [{node.name: node.input[0] for node in model.graph.node if node.op_type == "MaxPool"} for model in forms]
    assert [each["p"] for each in reads] == ["q/float", "q/apart"]
    assert [sum(node.op_type == "Max" for node in model.graph.node) for model in forms] == [0, 2]
    one, other = (runtime(model, images(net, np.random.default_rng(1))) for model in forms)
    assert all(one[blob].tobytes() == other[blob].tobytes() for blob in ("b", "c"))


def test_onnx_runtime_leaves_it_in_32_bits(tmp_path: Path) -> None:
    """What it optimises to still has the node that does nothing behind each pooling; without it, it has none."""
    made, net, weights = graph(APART)
    ranges = {value: (-4.0, 4.0) for value in eight_places.find(made).groups}
    model = export.of_net(net, weights, target=target.ONNX_RUNTIME, ranges=ranges)
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath, options.log_severity_level = str(tmp_path / "fused.onnx"), 3
    onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    nodes = onnx.load(tmp_path / "fused.onnx").graph.node
    behind = [node.input[0] for node in nodes if node.op_type == "Max"]
    reordered = {node.output[0]: node.input[0] for node in nodes if node.op_type == "ReorderOutput"}
    pooled = {node.output[0] for node in nodes if node.op_type == "MaxPool"}
    assert len(behind) == 2 and {reordered.get(each, each) for each in behind} == pooled
