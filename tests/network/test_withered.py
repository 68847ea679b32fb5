"""Weights of neurons that died in training are taken off, and no others."""

import numpy as np
import pytest
from google.protobuf import text_format

from evolve.base.caffe_messages import caffe_pb2
from evolve.network import topology
from evolve.network.reach import NothingLeft
from evolve.network.weights import Weights
from evolve.network.withered import LEAST, Withered, rectified, silence, take_off

NET = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 2 dim: 4 dim: 4 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 3 kernel_size: 1 } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "ip" inner_product_param { num_output: 2 } }
"""
GONE = LEAST / 4
SMALL = LEAST * 4


def graph() -> topology.Graph:
    return topology.read([text_format.Parse(NET, caffe_pb2.NetParameter())], "EXACT", False)


def weights() -> Weights:
    return {
        "conv": [np.full((3, 2, 1, 1), 0.5, np.float32), np.full(3, -1, np.float32)],
        "ip": [np.full((2, 48), 0.25, np.float32), np.zeros(2, np.float32)],
    }


def test_a_neuron_that_nothing_feeds() -> None:
    given = weights()
    given["conv"][0][1] = np.array([GONE, -GONE]).reshape(2, 1, 1)
    given["ip"][0][:, 16:32] = -GONE  # out of it
    given["ip"][0][0, 20] = 0.25  # but one that somebody would see
    given["ip"][0][0, 0] = GONE  # of a neuron that lives
    expected = {name: [blob.copy() for blob in blobs] for name, blobs in given.items()}
    expected["conv"][0][1] = 0
    expected["ip"][0][:, 16:32] = 0
    expected["ip"][0][0, 20] = 0.25
    found = take_off(graph(), given)
    assert (found.neurons, found.weights) == (1, {"conv": 2, "ip": 31})
    for name, blobs in expected.items():
        assert all(np.array_equal(*pair) for pair in zip(given[name], blobs, strict=True))


def test_a_neuron_that_feeds_nothing() -> None:
    given = weights()
    given["ip"][0][:, 32:] = GONE
    given["conv"][0][2, 0] = GONE
    found = take_off(graph(), given)
    assert (found.neurons, found.weights) == (1, {"conv": 1, "ip": 32})
    assert given["conv"][0][2].ravel().tolist() == [0, 0.5]


@pytest.mark.parametrize("size", [SMALL, LEAST])
def test_what_half_precision_still_tells_from_nothing_lives(size: float) -> None:
    given = weights()
    given["conv"][0][1] = size
    assert (take_off(graph(), given).neurons, given["conv"][0][1, 0]) == (0, size)


def test_small_weights_of_neurons_that_live_are_the_precisions_to_lose() -> None:
    given = weights()
    given["conv"][0][:, 0] = GONE
    assert take_off(graph(), given).weights == {}
    assert (given["conv"][0][:, 0] == np.float32(GONE)).all()


def test_an_output_that_nothing_feeds() -> None:
    given = weights()
    given["ip"][0][:] = GONE
    with pytest.raises(NothingLeft):
        take_off(graph(), given)


def test_neurons_that_answer_nothing_go_with_their_synapses() -> None:
    given = weights()
    found = silence(graph(), given, {"conv": [1]})
    assert (found.neurons, found.weights) == (1, {"conv": 2, "ip": 32})
    assert not given["conv"][0][1].any() and given["conv"][1].tolist() == [-1, 0, -1]
    assert not given["ip"][0][:, 16:32].any() and (given["ip"][0][:, :16] == 0.25).all()


def test_none_go_where_no_output_would_be_left() -> None:
    given = weights()
    assert silence(graph(), given, {"conv": [0, 1, 2]}) == Withered()
    assert given["conv"][0].all()


@pytest.mark.parametrize(("behind", "blobs", "gone"), [
    ("Dropout", [], [1]),
    ('Scale" scale_param { axis: 1', [[-1, -1, -1]], [1]),
    ('Scale" scale_param { axis: 1 bias_term: true', [[-1, -1, -1], [0.5, 0, 0.5]], [1]),
    ('Scale" scale_param { axis: 1 bias_term: true', [[-1, -1, -1], [0.5, 0.5, 0]], []),
    ("BatchNorm", [[0.1, 0.2, 0.3], [1, 1, 1], [1]], []),
    ("BatchNorm", [[0.1, 0, 0.3], [1, 1, 1], [1]], [1]),
    ('Power" power_param { shift: 1', [], []),
])  # fmt: skip
def test_none_go_of_whose_zeros_something_is_made(behind: str, blobs: list[list[float]], gone: list[int]) -> None:
    """What a shift behind the ReLU adds is the same for every image, and the next layer's weights pass it on."""
    end = " }" if "{" in behind else '"'
    layer = f'layer {{ name: "behind" bottom: "conv" top: "conv" type: "{behind}{end} }}\n'
    first, ip = NET.split('layer { name: "ip"')
    given = weights() | {"behind": [np.array(blob, np.float32) for blob in blobs]}
    read = topology.read([text_format.Parse(f'{first}{layer}layer {{ name: "ip"{ip}', caffe_pb2.NetParameter())])
    assert rectified(read) == ["conv"]
    found = silence(read, given, {"conv": [1]})
    assert found.neurons == len(gone)
    assert np.flatnonzero(~given["conv"][0].any(axis=(1, 2, 3))).tolist() == gone


def test_none_go_whose_maxima_have_places_that_are_read() -> None:
    first = NET.split('layer { name: "ip"')[0]
    text = f"""{first}
layer {{ name: "p" type: "Pooling" bottom: "conv" top: "p" top: "places" pooling_param {{ kernel_size: 4 }} }}
layer {{ name: "ip" type: "InnerProduct" bottom: "places" top: "ip" inner_product_param {{ num_output: 2 }} }}
"""
    given = weights()
    given["ip"][0] = given["ip"][0][:, :3]
    read = topology.read([text_format.Parse(text, caffe_pb2.NetParameter())])
    assert silence(read, given, {"conv": [1]}).neurons == 0


def test_only_what_a_relu_reads_can_be_silent() -> None:
    assert rectified(graph()) == ["conv"]
    leaky = NET.replace('type: "ReLU"', 'type: "ReLU" relu_param { negative_slope: 0.1 }')
    sigmoid = NET.replace('"ReLU"', '"Sigmoid"')
    for net in (leaky, sigmoid):
        assert rectified(topology.read([text_format.Parse(net, caffe_pb2.NetParameter())], "EXACT", False)) == []


def test_both_are_counted_together() -> None:
    assert Withered(1, {"a": 2}) + Withered(2, {"a": 3, "b": 1}) == Withered(3, {"a": 5, "b": 1})
