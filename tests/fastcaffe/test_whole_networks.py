"""Whole networks, TEST phase, on their real shapes: every blob within 1e-5 of stock Caffe's, every layer fast.

But for InnerProduct, which stays stock where synapses are many.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.network import deployment

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/network"))

import famous_nets  # noqa: E402

Told = Callable[..., Any]


def lenet(folder: str, side: int) -> Any:
    """A LeNet of this project, as a deploy net for gray images of `side` pixels."""
    path = ROOT / "prototxt" / folder / "train_val.prototxt"
    return deployment.deploy(prototxt_text.read(path, caffe_pb2.NetParameter(), {"DATA": "nowhere"}), (1, side, side))


# Numbers keep their size from layer to layer: He's deviations for weights, variances and factors around 1.
COMPARE = """
def filled(n):
    random = np.random.default_rng(1)
    for name, blobs in n.params.items():
        kind = n.layer_dict[name].type
        for i, blob in enumerate(blobs):
            deviation = (2 / np.prod(blob.data.shape[1:])) ** 0.5 if blob.data.ndim > 1 else 0.1
            blob.data[...] = random.standard_normal(blob.data.shape, np.float32) * np.float32(deviation)
            if kind == "Scale" and i == 0:
                blob.data[...] += 1
            if kind == "BatchNorm" and i > 0:
                blob.data[...] = 1 + random.random(blob.data.shape) if i == 1 else 1
    n.blobs["data"].reshape(IMAGES, *n.blobs["data"].data.shape[1:])
    n.blobs["data"].data[...] = random.standard_normal(n.blobs["data"].data.shape)
    n.forward()
    return {name: blob.data.copy() for name, blob in n.blobs.items()}

stock = filled(caffe.Net(PATH, caffe.TEST))
fastcaffe.enable(threads=2, together=TOGETHER)
n = caffe.Net(PATH, caffe.TEST)
fast = filled(n)
gaps = {name: float(abs(fast[name] - stock[name]).max() / abs(stock[name]).max()) for name in stock}
replaced = sum(layer.type in fastcaffe.available() and layer.type != "InnerProduct" for layer in n.layers)
tell([gaps, n.outputs, replaced, [line.type for line in fastcaffe.layers() if not line.stock]])
"""


@pytest.mark.parametrize(
    ("net", "images", "types"),
    [
        (lenet("lenet", 32), 64, {"Convolution", "Pooling", "ReLU"}),
        (lenet("lenet_bvlc", 28), 64, {"Convolution", "Pooling", "ReLU"}),
        (famous_nets.alexnet(), 2, {"Convolution", "Pooling", "ReLU", "LRN"}),
        (famous_nets.detectnet(192, 320), 1, {"Convolution", "Pooling", "ReLU", "LRN", "Split"}),
        (famous_nets.resnet56(), 16, {"Convolution", "Pooling", "ReLU", "BatchNorm", "Scale", "Eltwise", "Split"}),
    ],
    ids=["LeNet-5", "BVLC's LeNet", "AlexNet", "DetectNet", "ResNet-56"],
)
def test_every_blob_is_close(told: Told, tmp_path: Path, net: Any, images: int, types: set[str]) -> None:
    replaced, fast = compared(told, tmp_path, net, images, together=False)
    assert len(fast) == replaced and set(fast) == types


def test_every_blob_is_close_with_neighbours_taken_together(told: Told, tmp_path: Path) -> None:
    replaced, fast = compared(told, tmp_path, famous_nets.resnet56(), 16, together=True)
    assert len(fast) == replaced


def compared(told: Told, folder: Path, net: Any, images: int, together: bool) -> tuple[int, list[str]]:
    """How many layers can be replaced, and the types of those that were; every blob is close."""
    path = folder / "deploy.prototxt"
    prototxt_text.write(net, path)
    lines = COMPARE.replace("PATH", repr(str(path))).replace("IMAGES", str(images))
    gaps, outputs, replaced, fast = told(lines.replace("TOGETHER", str(together)))
    assert outputs and max(gaps.values()) <= 1e-5, sorted(gaps.items(), key=lambda item: -item[1])[:3]
    return replaced, fast
