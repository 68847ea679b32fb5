"""A made-up GoogLeNet's weights as the start of a small DetectNet: what matches, what is said, what Caffe does."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.network import topology, transfer, weights
from evolve.network.graph import Graph
from evolve.network.weights import Weights
from tests.forks import FORKS


def convolution(name: str, bottom: str, outputs: int, kernel: int) -> str:
    return (
        f'layer {{ name: "{name}" type: "Convolution" bottom: "{bottom}" top: "{name}" convolution_param {{ '
        f"num_output: {outputs} kernel_size: {kernel} pad: {kernel // 2} "
        'weight_filler { type: "constant" value: 0.5 } } }\n'
    )


DETECTNET = (
    'name: "DetectNet"\n'
    'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }\n'
    + convolution("conv1/7x7_s2", "data", 4, 7)
    + convolution("inception_3a/1x1", "conv1/7x7_s2", 3, 1)
    + convolution("inception_3a/3x3", "conv1/7x7_s2", 2, 3)
    + 'layer { name: "inception_3a/output" type: "Concat" bottom: "inception_3a/1x1" bottom: "inception_3a/3x3" '
    'top: "inception_3a/output" }\n'
    'layer { name: "drop" type: "Dropout" bottom: "inception_3a/output" top: "drop" }\n'
    + convolution("cvg/classifier", "drop", 1, 1)
    + convolution("bbox/regressor", "drop", 4, 1)
)


def net_of(prototxt: str = DETECTNET) -> tuple[Any, Graph]:
    net = prototxt_text.parse(prototxt, caffe_pb2.NetParameter(), "train_val.prototxt")
    return net, topology.read([net])


def googlenet(**changes: tuple[int, ...]) -> Weights:
    """Another head, the same body; ``changes`` give a layer's weights another shape, by its name's last part."""
    rng = np.random.default_rng(0)
    kernels = {
        "conv1/7x7_s2": (4, 3, 7, 7),
        "inception_3a/1x1": (3, 4, 1, 1),
        "inception_3a/3x3": (2, 4, 3, 3),
        "loss1/conv": (8, 5, 1, 1),
        "loss3/classifier": (10, 5),
    }
    for name in kernels:
        kernels[name] = changes.get(f"_{name.rpartition('/')[2]}", kernels[name])
    return {
        name: [rng.standard_normal(shape).astype(np.float32), rng.standard_normal(shape[0]).astype(np.float32)]
        for name, shape in kernels.items()
    }


def in_the_form_of_2013(path: Path, trained: Weights) -> None:
    """As bvlc_googlenet.caffemodel is: `layers`, and four numbers for a shape."""
    model = caffe_pb2.NetParameter(name="GoogleNet")
    for name, blobs in trained.items():
        layer = model.layers.add(name=name, type=caffe_pb2.V1LayerParameter.CONVOLUTION)
        for blob in blobs:
            four = (1,) * (4 - blob.ndim) + blob.shape
            keys = ("num", "channels", "height", "width")
            layer.blobs.add(data=blob.ravel().tolist(), **dict(zip(keys, four, strict=True)))
    path.write_bytes(model.SerializeToString())


def test_every_layer_is_accounted_for() -> None:
    found = transfer.match(net_of()[1], googlenet(), "bvlc.caffemodel")
    assert found.matched == ["conv1/7x7_s2", "inception_3a/1x1", "inception_3a/3x3"]
    assert found.missing == ["cvg/classifier", "bbox/regressor"] and found.differing == []
    assert found.unused == ["loss1/conv", "loss3/classifier"]
    found.check()
    assert found.text() == [
        "bvlc.caffemodel: 3 of 5 layers with weights start from it",
        "layer 'cvg/classifier': no weights of that name in bvlc.caffemodel: from its filler",
        "layer 'bbox/regressor': no weights of that name in bvlc.caffemodel: from its filler",
        "bvlc.caffemodel: not used, the net has no such layers: loss1/conv, loss3/classifier",
    ]


def test_a_name_that_is_hardly_another_is_pointed_out() -> None:
    trained = googlenet()
    trained["conv1/7x7"] = trained.pop("conv1/7x7_s2")
    found = transfer.match(net_of()[1], trained, "b")
    assert found.missing[0] == "conv1/7x7_s2" and "conv1/7x7" in found.unused
    assert found.text()[1] == (
        "layer 'conv1/7x7_s2': no weights of that name in b (it has a layer 'conv1/7x7'): from its filler"
    )


def test_other_shapes_are_an_error_with_both_and_nothing_is_written(tmp_path: Path) -> None:
    net, graph = net_of()
    with pytest.raises(UserError) as error:
        transfer.write(tmp_path / "start", net, graph, googlenet(_7x7_s2=(6, 3, 7, 7), _3x3=(2, 4, 5, 5)), "b")
    end = "; give the layer another name to start it from its filler, or the num_output and kernel_size of that network"
    assert str(error.value).splitlines() == [
        f"layer 'conv1/7x7_s2': expected 4 x 3 x 7 x 7 = 588 and 4 = 4, got 6 x 3 x 7 x 7 = 882 and 6 = 6 in b{end}",
        f"layer 'inception_3a/3x3': expected 2 x 4 x 3 x 3 = 72 and 2 = 2, got 2 x 4 x 5 x 5 = 200 and 2 = 2 in b{end}",
    ]
    assert list(tmp_path.iterdir()) == []


def test_a_layer_without_its_bias_is_of_another_shape() -> None:
    trained = googlenet()
    del trained["inception_3a/1x1"][1]
    found = transfer.match(net_of()[1], trained, "b")
    assert "inception_3a/1x1" not in found.matched
    assert found.differing[0].startswith(
        "layer 'inception_3a/1x1': expected 3 x 4 x 1 x 1 = 12 and 3 = 3, got 3 x 4 x 1 x 1 = 12 in b; "
    )


def test_the_file_of_another_network() -> None:
    trained: Weights = {"conv1": [np.zeros((4, 3, 7, 7), np.float32)], "cvg/classify": [np.zeros((1, 5), np.float32)]}
    found = transfer.match(net_of()[1], trained, "alexnet.caffemodel")
    with pytest.raises(UserError) as error:
        found.check()
    assert str(error.value) == (
        "alexnet.caffemodel: expected weights of layers of the net ('conv1/7x7_s2', 'inception_3a/1x1', "
        "'inception_3a/3x3', 'cvg/classifier', 'bbox/regressor'), got none of them but 'conv1', 'cvg/classify'; "
        "nearest are 'cvg/classify' for 'cvg/classifier'; give another caffemodel, or name the layers as it does"
    )
    far = transfer.match(net_of()[1], {"xyz": [np.zeros(3, np.float32)]}, "f")
    with pytest.raises(UserError, match=r"got none of them but 'xyz'; give another caffemodel, or name the layers"):
        far.check()


def test_layers_that_learn_without_synapses() -> None:
    normalised = DETECTNET + (
        'layer { name: "bn" type: "BatchNorm" bottom: "cvg/classifier" top: "bn" }\n'
        'layer { name: "scale" type: "Scale" bottom: "bn" top: "scale" scale_param { bias_term: true } }\n'
    )
    _, graph = net_of(normalised)
    learned = graph.blob_shapes()
    assert list(learned)[-3:] == ["bbox/regressor", "bn", "scale"]
    assert learned["bn"] == [(1,), (1,), (1,)] and learned["scale"] == [(1,), (1,)]
    trained = googlenet() | {"scale": [np.ones(1, np.float32), np.zeros(1, np.float32)]}
    assert transfer.match(graph, trained, "b").matched[-1] == "scale"


_CAFFE = """
import sys, caffe, numpy
net = caffe.Net("net.prototxt", caffe.TRAIN)
net.copy_from("start.caffemodel")
blobs = {f"{name}#{n}": blob.data for name, blobs in net.params.items() for n, blob in enumerate(blobs)}
numpy.savez("caffe.npz", **blobs)
"""


@pytest.mark.parametrize("old", [False, True])
def test_caffe_starts_from_what_is_written(tmp_path: Path, old: bool) -> None:
    net, graph = net_of()
    trained, file = googlenet(), tmp_path / "bvlc.caffemodel"
    if old:
        in_the_form_of_2013(file, trained)
    else:
        full = caffe_pb2.NetParameter(name="GoogleNet")
        for name in trained:
            full.layer.add(name=name, type="Convolution")
        weights.write(file, full, trained)
    found = transfer.write(tmp_path / "start.caffemodel", net, graph, weights.read(file), str(file))
    assert found == transfer.match(graph, trained, str(file))
    prototxt_text.write(net, tmp_path / "net.prototxt")
    child = FORKS.script(_CAFFE, folder=tmp_path)
    assert child.returncode == 0, child.stderr
    with np.load(tmp_path / "caffe.npz") as loaded:
        assert len(loaded.files) == 10
        for name in loaded.files:
            layer, number = name.split("#")
            if layer in found.matched:
                assert np.array_equal(loaded[name], trained[layer][int(number)])
            else:
                assert (loaded[name] == (0.5 if number == "0" else 0)).all()


@pytest.mark.parametrize(
    ("missing", "said"),
    [([], "w: 1 of 1 layer with weights starts from it"), (["b"], "w: 1 of 2 layers with weights start from it")],
)
def test_one_layer_is_one(missing: list[str], said: str) -> None:
    assert transfer.Transfer("w", ["a"], missing, [], []).text()[0] == said
