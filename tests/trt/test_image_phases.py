"""An image in phases gives the first convolution the very sums that it had, and is left where that gains nothing."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from both import filled, images, runtime
from google.protobuf import text_format

from evolve.base.caffe_messages import caffe_pb2
from trt.onnx import arranged, eight_places, export, target, translation

WHOLE = replace(target.ONNX_RUNTIME, splits_images=False)
# kernel, stride, pad and size of the image, and with what the phases' maps are padded; Caffe cuts what is over.
WINDOWS = {
    "7 2 3, 12 16": [2, 2, 1, 1],
    "11 4 0, 24 28": [0, 0, 0, 0],
    "3 2 0, 8 8": [0, 0, 0, 0],
    "3 2 1, 8 8": [1, 1, 0, 0],
    "2 2 0, 6 8": [0, 0, 0, 0],
    "1 2 0, 8 8": [0, 0, 0, 0],
    "9 2 4, 10 12": [2, 2, 2, 2],
}


def net(window: str, rest: str = "", channels: int = 3, more: str = "") -> Any:
    kernel, stride, pad, height, width = window.replace(",", "").split()
    return text_format.Parse(
        f"""
        layer {{ name: "in" type: "Input" top: "data"
          input_param {{ shape {{ dim: 2 dim: {channels} dim: {height} dim: {width} }} }} }}
        layer {{ name: "first" type: "Convolution" bottom: "data" top: "first" convolution_param {{ num_output: 12
          kernel_size: {kernel} stride: {stride} pad: {pad} {rest} }} }}
        layer {{ name: "relu" type: "ReLU" bottom: "first" top: "first" }}
        layer {{ name: "second" type: "Convolution" bottom: "first" top: "second"
          convolution_param {{ num_output: 5 kernel_size: 1 }} }} {more}""",
        caffe_pb2.NetParameter(),
    )


def both_forms(made: Any) -> list[Any]:
    weights = filled(made, np.random.default_rng(0))
    found = eight_places.find(arranged.arranged(translation.translate(made, weights)))
    ranges = dict.fromkeys(found.groups, (-3.0, 3.0))
    return [export.of_net(made, weights, target=form, ranges=ranges) for form in (WHOLE, target.ONNX_RUNTIME)]


@pytest.mark.parametrize("window", WINDOWS)
def test_the_same_sums_to_the_last_bit(window: str) -> None:
    made = net(window)
    whole, split = both_forms(made)
    assert "SpaceToDepth" not in {node.op_type for node in whole.graph.node}
    first = next(node for node in split.graph.node if node.name == "first")
    attributes = {each.name: list(each.ints) for each in first.attribute}
    assert attributes["pads"] == WINDOWS[window] and attributes["strides"] == [1, 1]
    image = images(made, np.random.default_rng(1))
    assert runtime(split, image)["second"].tobytes() == runtime(whole, image)["second"].tobytes()


@pytest.mark.parametrize(
    "made",
    [
        net("3 1 1, 8 8"),
        net("3 2 1, 9 8"),  # no phases of one size
        net("3 2 1, 8 8", "dilation: 2"),
        net("3 2 1, 8 8", channels=4),  # these are quick already
        net("3 2 1, 8 8", "group: 3"),
        net("3 2 1, 8 8", more='layer { name: "beside" type: "Sigmoid" bottom: "data" top: "beside" }'),
    ],
    ids=["a step of one", "an odd height", "dilation", "four channels", "groups", "another reader"],
)
def test_what_gains_nothing_stays(made: Any) -> None:
    whole, split = both_forms(made)
    assert whole.graph == split.graph
