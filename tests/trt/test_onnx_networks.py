"""Published networks and this project's own: ONNX Runtime against real Caffe, and OpenCV's reader as another witness."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from both import Case, caffe, filled, gap, images, runtime

from evolve.network import prototxt, text, weights
from evolve.network.caffe_proto import caffe_pb2
from trt import onnx_export

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/network"))

import famous_nets  # noqa: E402

LARGEST = 1e-5  # relative to a blob's largest value


def ours(folder: str, shape: tuple[int, int, int]) -> Any:
    """A network of this project, as a deploy net."""
    path = ROOT / "prototxt" / folder / "train_val.prototxt"
    return prototxt.deploy(text.read(path, caffe_pb2.NetParameter(), {"DATA": "nowhere"}), shape)


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


def case(net: Any) -> Case:
    random = np.random.default_rng(3)
    return Case(net, filled(net, random), images(net, random))


@pytest.mark.parametrize("name", NETS)
def test_networks(tmp_path: Path, name: str) -> None:
    """With BatchNorm and Scale folded away and without: within 1e-5 of what Caffe computes."""
    net = NETS[name]()
    shown = case(net)
    (expected,) = caffe(tmp_path, [shown])
    for fold in (True, False):
        model = onnx_export.of_net(net, shown.weights, fold=fold)
        found = runtime(model, shown.images)
        gaps = {blob: gap(values, found[blob]) for blob, values in expected.items()}
        print(name, "folded" if fold else "as it is", len(model.graph.node), "nodes", gaps)
        assert max(gaps.values()) <= LARGEST and gaps.keys() == found.keys()
