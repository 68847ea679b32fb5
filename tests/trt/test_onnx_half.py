"""Half precision in a graph's types: where it is cast, what keeps 32 bits, and what is left in neither."""

from typing import Any

import numpy as np
import pytest
from both import filled
from google.protobuf import text_format
from onnx import TensorProto, numpy_helper

from evolve.base.caffe_messages import caffe_pb2
from trt.onnx import export, translation
from trt.onnx.half import TOLERATED, halved, rounded_off

NET = """
layer { name: "in" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 4 kernel_size: 3 } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "norm" type: "LRN" bottom: "conv" top: "norm" }
layer { name: "squared" type: "Power" bottom: "norm" top: "squared" power_param { power: 2 } }
layer { name: "units" type: "InnerProduct" bottom: "squared" top: "units" inner_product_param { num_output: 2 } }
layer { name: "sum" type: "Eltwise" bottom: "units" bottom: "units" top: "sum" }
"""


def parsed() -> Any:
    return text_format.Parse(NET, caffe_pb2.NetParameter(name="small"))


def operators(model: Any) -> list[str]:
    return [node.op_type for node in model.graph.node]


def test_casts_stand_only_where_the_two_meet() -> None:
    """At the edges, and around the layers that stay in 32 bits, not between these."""
    net = parsed()
    model = export.of_net(net, filled(net, np.random.default_rng(0)), half=True)
    wide, narrow = ["Cast", "LRN", "Pow", "Cast"], ["Reshape", "Gemm", "Add"]
    assert operators(model) == ["Cast", "Conv", "Relu", *wide, *narrow, "Cast"]
    edges = [*model.graph.input, *model.graph.output]
    assert {each.type.tensor_type.elem_type for each in edges} == {TensorProto.FLOAT}
    halves = {each.name for each in model.graph.initializer if each.data_type == TensorProto.FLOAT16}
    assert halves == {f"{name}/half" for name in ("conv/weights", "conv/bias", "units/weights", "units/bias")}


def test_named_layers_stay_in_32_bits() -> None:
    net = parsed()
    learned = filled(net, np.random.default_rng(0))
    model = export.of_net(net, learned, half=True, in_32_bits=frozenset({"conv", "relu"}))
    assert operators(model)[:4] == ["Conv", "Relu", "LRN", "Pow"]
    said = {each.key: each.value for each in model.metadata_props}
    assert said["layers_in_32_bits"] == "conv, relu, norm, squared"


@pytest.mark.parametrize("named", ["units", "mean", "factors"])
@pytest.mark.parametrize("ranges", [None, {"data": (-4.0, 4.0)}], ids=["half", "eight"])
def test_a_layer_that_is_folded_away_names_what_it_is_part_of(named: str, ranges: Any) -> None:
    net = text_format.Parse(
        'layer { name: "in" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }'
        'layer { name: "units" type: "Convolution" bottom: "data" top: "units" '
        "convolution_param { num_output: 2 kernel_size: 3 } }"
        'layer { name: "mean" type: "BatchNorm" bottom: "units" top: "mean" }'
        'layer { name: "factors" type: "Scale" bottom: "mean" top: "factors" scale_param { bias_term: true } }',
        caffe_pb2.NetParameter(),
    )
    learned = filled(net, np.random.default_rng(0))
    for kept, said in ((frozenset({named}), "units"), (frozenset(), "none")):
        model = export.of_net(net, learned, half=ranges is None, ranges=ranges, in_32_bits=kept)
        assert {each.key: each.value for each in model.metadata_props}["layers_in_32_bits"] == said


@pytest.mark.parametrize(("weight", "wide"), [(65504.0, False), (65536.0, True), (-1e6, True)])
def test_a_weight_beyond_half_precision_keeps_its_layer_in_32_bits(weight: float, wide: bool) -> None:
    net = parsed()
    learned = filled(net, np.random.default_rng(0))
    learned["units"][0][0, 0] = weight
    model = export.of_net(net, learned, half=True)
    said = {each.key: each.value for each in model.metadata_props}["layers_in_32_bits"]
    assert said == ("norm, squared, units" if wide else "norm, squared")
    stored = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    assert all(np.isfinite(values).all() for values in stored.values())


KINDS = {
    "Convolution": "convolution_param { num_output: 4 kernel_size: 3 }",
    "Deconvolution": "convolution_param { num_output: 4 kernel_size: 3 group: 2 }",
    "InnerProduct": "inner_product_param { num_output: 4 }",
    "InnerProduct turned": "inner_product_param { num_output: 4 transpose: true }",
    "Scale": "scale_param { bias_term: true }",
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_neuron_whose_weights_vanish_keeps_its_layer_in_32_bits(kind: str) -> None:
    """However strong the others are; one that half precision holds does not, nor one that died, nor a bias."""
    net = text_format.Parse(
        'layer { name: "in" type: "Input" top: "data" input_param { shape { dim: 1 dim: 4 dim: 8 dim: 8 } } }'
        f'layer {{ name: "l" type: "{kind.split()[0]}" bottom: "data" top: "l" {KINDS[kind]} }}',
        caffe_pb2.NetParameter(),
    )
    learned = filled(net, np.random.default_rng(0))
    weights, bias = learned["l"]
    # The third neuron's: of a Deconvolution the first of the second group.
    place = {"Deconvolution": np.s_[2:, 0], "InnerProduct turned": np.s_[:, 2]}.get(kind, np.s_[2])
    bias[1] = 1e-9
    found = {}
    for size in (1.0, 2.0**-12, 2.0**-30, 2.0**-50, 0.0):
        weights[place] = np.random.default_rng(1).choice([-1, 1], weights[place].shape) * size
        model = export.of_net(net, learned, half=True)
        found[size] = {each.key: each.value for each in model.metadata_props}["layers_in_32_bits"]
    assert found == {1.0: "none", 2.0**-12: "none", 2.0**-30: "l", 2.0**-50: "none", 0.0: "none"}


@pytest.mark.parametrize("size", [1.0, 1e-3, 1e-5, 1e-6, 1e-7, 1e-10])
def test_what_is_rounded_off_by_plain_loops(size: float) -> None:
    rows = (np.random.default_rng(0).normal(size=(5, 40)) * size).astype(np.float32)
    parts = []
    for row in rows.tolist():
        lost = sum((float(np.float16(each)) / size - each / size) ** 2 for each in row)
        parts.append((lost / sum((each / size) ** 2 for each in row)) ** 0.5)
    assert rounded_off(rows) == pytest.approx(max(parts), rel=1e-6)
    assert (rounded_off(rows) > TOLERATED) == (size < 5e-6)


def test_the_graph_itself_is_left_as_it_was() -> None:
    net = parsed()
    graph = translation.translate(net, filled(net, np.random.default_rng(0)))
    before = repr(graph)
    halved(graph)
    assert repr(graph) == before
