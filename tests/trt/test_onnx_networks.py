"""Published networks and this project's own: ONNX Runtime against real Caffe, and OpenCV as another witness."""

import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from both import Case, caffe, filled, gap, images, runtime
from google.protobuf import text_format
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.network import deployment, reach, resize, topology, weights
from evolve.network.weights import Weights
from trt.c import export as c_export
from trt.onnx import export

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/network"))

import famous_nets  # noqa: E402

LARGEST = 1e-5  # relative to a blob's largest value


def ours(folder: str, shape: tuple[int, int, int]) -> Any:
    """A network of this project, as a deploy net."""
    path = ROOT / "prototxt" / folder / "train_val.prototxt"
    return deployment.deploy(prototxt_text.read(path, caffe_pb2.NetParameter(), {"DATA": "nowhere"}), shape)


def small(net: Any) -> Any:
    """AlexNet with a tenth of its units, ragged: its 60 million weights say nothing more."""
    for layer in net.layer:
        if layer.type == "InnerProduct":
            layer.inner_product_param.num_output = layer.inner_product_param.num_output // 10 + 1
    return net


NETS = {
    "lenet": lambda: ours("lenet", (1, 32, 32)),
    "lenet_bvlc": lambda: ours("lenet_bvlc", (1, 28, 28)),
    "alexnet_cifar10": lambda: ours("alexnet_cifar10", (3, 32, 32)),
    "resnet56_cifar10": lambda: ours("resnet56_cifar10", (3, 32, 32)),
    "bvlc_alexnet": lambda: small(famous_nets.alexnet()),
    "resnet56": famous_nets.resnet56,
    "detectnet": lambda: famous_nets.detectnet(96, 160),
}


# In 16 bits, relative to the largest value: what 2^-11 a rounding comes to along each network.
IN_HALF = {
    "lenet": 5e-3,
    "lenet_bvlc": 5e-3,
    "alexnet_cifar10": 5e-3,
    "resnet56": 2e-2,
    "detectnet": 1e-2,
}


def case(net: Any) -> Case:
    """With weights and an image; the scores before a last Softmax are an output too, for it hides differences."""
    last = net.layer[-1]
    if last.type == "Softmax":
        split = caffe_pb2.LayerParameter(name="scores", type="Split", bottom=last.bottom, top=["for_prob", "scores"])
        last.bottom[0] = "for_prob"
        net.layer.insert(len(net.layer) - 1, split)
    random = np.random.default_rng(3)
    learned = filled(net, random)
    for name in learned:
        # A residual branch that is weaker than what it is added to, as trained ones are: 27 of them in a row.
        if name.endswith("/b/scale"):
            learned[name][0] /= 4
    return Case(net, learned, images(net, random))


def shrunk(net: Any) -> tuple[Any, Weights]:
    """An offspring of ragged widths: two in five neurons without synapses are gone, and what only they fed."""
    random = np.random.default_rng(4)
    graph, parent = topology.read([net]), filled(net, random)
    for blobs in parent.values():
        neurons = len(blobs[0])
        if blobs[0].ndim > 1 and neurons > 10:  # not of an output
            blobs[0][random.random(neurons) < 0.4] = 0
    exists = reach.alive(graph, parent)
    resize.silence(graph, parent, exists)
    return resize.resized(net, graph, exists.kept), resize.shrunk(graph, parent, exists.kept)


@pytest.mark.parametrize("name", NETS)
def test_networks(tmp_path: Path, name: str) -> None:
    """With BatchNorm and Scale folded away and without: within 1e-5 of what Caffe computes."""
    shown = case(NETS[name]())
    (expected,) = caffe(tmp_path, [shown])
    for fold in (True, False):
        model = export.of_net(shown.net, shown.weights, fold=fold)
        found = runtime(model, shown.images)
        gaps = {blob: gap(values, found[blob]) for blob, values in expected.items()}
        print(name, "folded" if fold else "as it is", len(model.graph.node), "nodes", gaps)
        assert max(gaps.values()) <= LARGEST and gaps.keys() == found.keys()
        assert not fold or not {"Mul", "BatchNormalization"} & {node.op_type for node in model.graph.node}


TWINS = """
layer { name: "in" type: "Input" top: "data" top: "data_p" input_param { shape { dim: 1 dim: 2 dim: 8 dim: 8 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" param { name: "w" } param { name: "b" }
  convolution_param { num_output: 3 kernel_size: 2 } }
layer { name: "conv_p" type: "Convolution" bottom: "data_p" top: "conv_p" param { name: "w" } param { name: "b" }
  convolution_param { num_output: 3 kernel_size: 2 } }
layer { name: "alone" type: "Convolution" bottom: "data" top: "alone"
  convolution_param { num_output: 3 kernel_size: 2 } }
"""


@pytest.mark.parametrize("half", [False, True])
def test_parameters_that_layers_share_are_there_once(half: bool) -> None:
    """In C too, where they are counted once; what is only the same by chance is there twice."""
    net = text_format.Parse(TWINS, caffe_pb2.NetParameter())
    learned = filled(net, np.random.default_rng(0))
    learned["conv_p"] = learned["alone"] = learned["conv"]
    model = export.of_net(net, learned, half=half)
    names = [each.name.removesuffix("/half") for each in model.graph.initializer]
    assert names == ["conv/weights", "conv/bias", "alone/weights", "alone/bias"]
    shown = images(net, np.random.default_rng(1))
    shown["data_p"] = shown["data"]
    found = runtime(model, shown)
    assert (found["conv"] == found["conv_p"]).all() and (found["conv"] == found["alone"]).all()
    learned["alone"] = [np.ones_like(blob) for blob in learned["conv"]]
    assert c_export.of_net(net, learned, function="twins").synapses == 2 * np.count_nonzero(learned["conv"][0])


@pytest.mark.parametrize("name", ["lenet", "alexnet_cifar10", "resnet56", "detectnet"])
def test_shrunk_offspring(tmp_path: Path, name: str) -> None:
    net = NETS[name]()
    small, learned = shrunk(net)
    shown = case(small)
    shown.weights = learned
    (expected,) = caffe(tmp_path, [shown])
    found = runtime(export.of_net(small, learned), shown.images)
    gaps = {blob: gap(values, found[blob]) for blob, values in expected.items()}
    widths = {layer.convolution_param.num_output for layer in small.layer if layer.type == "Convolution"}
    print(name, "shrunk to", sorted(widths), gaps)
    assert any(width % 8 for width in widths)
    assert max(gaps.values()) <= LARGEST


@pytest.mark.parametrize("name", IN_HALF)
def test_half_precision(name: str) -> None:
    """Real 16-bit arithmetic, by onnx's reference evaluator, against 32 bits; LRN, which it gets wrong, by Runtime."""
    shown = case(NETS[name]() if name != "detectnet" else famous_nets.detectnet(32, 48))
    full, half = (export.of_net(shown.net, shown.weights, half=half) for half in (False, True))
    new_ops: list[type[OpRun]] = [NormalisedAcross] if name == "detectnet" else []
    names = [each.name for each in full.graph.output]
    evaluated = dict(zip(names, ReferenceEvaluator(half, new_ops=new_ops).run(names, shown.images), strict=True))
    exact = runtime(full, shown.images)
    gaps = {blob: gap(values, evaluated[blob]) for blob, values in exact.items()}
    print(name, "in half", gaps)
    assert 0 < max(gaps.values()) <= IN_HALF[name]
    assert half.ByteSize() < 0.52 * full.ByteSize() + 20000
    assert max(gap(values, runtime(half, shown.images)[blob]) for blob, values in exact.items()) <= IN_HALF[name]


class NormalisedAcross(OpRun):
    """LRN as ONNX defines it, and Caffe."""

    op_domain, __name__ = "", "LRN"

    def _run(self, x: np.ndarray, alpha: float, beta: float, bias: float, size: int) -> tuple[np.ndarray]:
        squares = np.pad(x**2, ((0, 0), (size // 2, size // 2), (0, 0), (0, 0)))
        sums = sum(squares[:, k : k + x.shape[1]] for k in range(size))
        return ((x / (bias + alpha / size * sums) ** beta).astype(x.dtype),)


@pytest.mark.parametrize("name", ["lenet", "lenet_bvlc", "alexnet_cifar10", "bvlc_alexnet", "detectnet"])
def test_opencv_reads_the_same(tmp_path: Path, name: str) -> None:
    """OpenCV 4 has a reader of Caffe's files of its own, which knows nothing of ONNX."""
    net = NETS[name]()
    random = np.random.default_rng(3)
    learned, shown = filled(net, random), images(net, random)
    prototxt_text.write(net, tmp_path / "deploy.prototxt")
    weights.write(tmp_path / "weights.caffemodel", net, learned)
    reader = cv2.dnn.readNetFromCaffe(str(tmp_path / "deploy.prototxt"), str(tmp_path / "weights.caffemodel"))
    reader.setInput(shown["data"])
    found = runtime(export.of_net(net, learned), shown)
    for blob, values in found.items():
        layer = next(layer.name for layer in net.layer if blob in layer.top)
        assert gap(values, reader.forward(layer)) <= 1e-4
