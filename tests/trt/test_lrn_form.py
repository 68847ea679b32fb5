"""LRN said in a convolution and square roots: what real Caffe computes, and what ONNX's own operator does."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx_cases
import pytest
from both import Case, caffe, filled, gap, images, runtime
from google.protobuf import text_format

from evolve.base.caffe_messages import caffe_pb2
from trt.onnx import export, target

LARGEST = 1e-5  # as of every layer
PARAMETERS = [
    "local_size: 5 alpha: 1e-4 beta: 0.75",
    "local_size: 3 alpha: 5e-5 beta: 0.75 k: 2",
    "local_size: 9 alpha: 2 beta: 0.5",
    "local_size: 1 alpha: 0.3 beta: 1 k: 0.1",
    "local_size: 5 alpha: 0.7 beta: 0.6 k: 3",
]


def net(words: str, height: int = 5) -> Any:
    return text_format.Parse(
        'layer { name: "in" type: "Input" top: "data" input_param { shape { dim: 2 dim: 7 dim: '
        f"{height} dim: 4 }} }} }}"
        f'layer {{ name: "norm" type: "LRN" bottom: "data" top: "norm" lrn_param {{ {words} }} }}',
        caffe_pb2.NetParameter(),
    )


def test_as_caffe_computes_it(tmp_path: Path) -> None:
    """Caffe adds and takes away squares along the channels, which loses digits where these are large.

    Of 8 x 4 places, sixteen at a time go along the channels; of 5 x 4, a band does.
    """
    random = np.random.default_rng(0)
    nets = [net(words, height) for words in PARAMETERS for height in (5, 8)]
    cases = [Case(made, {}, images(made, random)) for made in nets]
    for number, (case, expected) in enumerate(zip(cases, caffe(tmp_path, cases), strict=True)):
        plain, own = (export.of_net(case.net, {}, target=each) for each in (target.OPENVINO, target.ONNX_RUNTIME))
        assert [node.op_type for node in plain.graph.node] == ["LRN"]
        kinds = [node.op_type for node in own.graph.node]
        assert "LRN" not in kinds and kinds.count("Transpose") == 2 * (number % 2)
        for each in (plain, own):
            assert gap(expected["norm"], runtime(each, case.images)["norm"]) <= LARGEST


@pytest.mark.parametrize("name", ["LRN within", "LRN"])
def test_within_channels_nothing_changes(name: str) -> None:
    made = onnx_cases.nets()[name]
    weights = filled(made, np.random.default_rng(0))
    plain, own = (export.of_net(made, weights, target=each) for each in (target.OPENVINO, target.ONNX_RUNTIME))
    assert (plain == own) == (name == "LRN within")


def test_what_could_be_no_number_keeps_its_operator() -> None:
    """Without k the square root of nothing would divide nothing."""
    made = export.of_net(net("local_size: 3 alpha: 1 k: 0"), {}, target=target.ONNX_RUNTIME)
    assert [node.op_type for node in made.graph.node] == ["LRN"]


def test_in_half_precision_it_stays_in_32_bits() -> None:
    made = export.of_net(net(PARAMETERS[0]), {}, half=True, target=target.ONNX_RUNTIME)
    assert {node.op_type for node in made.graph.node} == {"Pow", "Conv", "Sqrt", "Mul", "Div"}
