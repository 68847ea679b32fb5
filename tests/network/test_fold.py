"""What is folded computes the same, by real Caffe."""

from pathlib import Path

import numpy as np
import pytest

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.network import fold, weights
from evolve.training.caffe_process import CaffeProcess

INPUT = 'layer { name: "in" type: "Input" top: "data" input_param { shape { dim: 3 dim: 4 dim: 9 dim: 9 } } }\n'
CONV1 = """layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  convolution_param { num_output: 6 kernel_size: 3 group: 2 bias_term: BIAS } }
"""
CONV2 = """layer { name: "conv2" type: "Convolution" bottom: "conv1" top: "conv2"
  convolution_param { num_output: 5 kernel_size: 1 } }
"""
IP = 'layer { name: "ip" type: "InnerProduct" bottom: "conv2" top: "ip" inner_product_param { num_output: 7 } }\n'
RELU = 'layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }\n'


def affine(name: str, kind: str, blob: str) -> str:
    more = "scale_param { bias_term: true }" if kind == "Scale" else ""
    return f'layer {{ name: "{name}" type: "{kind}" bottom: "{blob}" top: "{blob}" {more} }}\n'


DRESSED = (
    INPUT + CONV1.replace("BIAS", "false") + affine("bn1", "BatchNorm", "conv1") + affine("scale1", "Scale", "conv1")
    + RELU + CONV2 + affine("bn2", "BatchNorm", "conv2") + IP + affine("bias3", "Bias", "ip")
    + affine("scale3", "Scale", "ip")
)  # fmt: skip
PLAIN = INPUT + CONV1.replace("BIAS", "true") + RELU + CONV2 + IP
BLOBS: dict[str, list[tuple[int, ...]]] = {
    "conv1": [(6, 2, 3, 3)], "bn1": [(6,), (6,), (1,)], "scale1": [(6,), (6,)], "conv2": [(5, 6, 1, 1), (5,)],
    "bn2": [(5,), (5,), (1,)], "ip": [(7, 245), (7,)], "bias3": [(7,)], "scale3": [(7,), (7,)],
}  # fmt: skip


def net(words: str) -> caffe_pb2.NetParameter:
    return prototxt_text.parse(words, caffe_pb2.NetParameter(), "net.prototxt")


def learned(count: float = 3.0) -> weights.Weights:
    random = np.random.default_rng(3)
    made: weights.Weights = {
        name: [random.normal(size=shape).astype(np.float32) for shape in shapes] for name, shapes in BLOBS.items()
    }
    for name in ("bn1", "bn2"):
        made[name][1] = np.abs(made[name][1]) + 0.1
        made[name][2][:] = count
    return made


@pytest.mark.parametrize("count", [3.0, 0.0])
def test_it_computes_the_same(tmp_path: Path, count: float) -> None:
    folded = fold.fold_batchnorm(net(DRESSED), learned(count))
    assert {name: [blob.shape for blob in blobs] for name, blobs in folded.items()} == {
        "conv1": [(6, 2, 3, 3), (6,)], "conv2": [(5, 6, 1, 1), (5,)], "ip": [(7, 245), (7,)],
    }  # fmt: skip
    for name, words, values in (("dressed", DRESSED, learned(count)), ("plain", PLAIN, folded)):
        (tmp_path / f"{name}.prototxt").write_text(words)
        weights.write(tmp_path / f"{name}.caffemodel", net(words), values)
    with CaffeProcess(tmp_path, tmp_path / "log", tmp_path / "dressed.prototxt") as caffe:
        answer = caffe.call(
            "agree", net="dressed.prototxt", weights="dressed.caffemodel", blobs=["conv1", "ip"],
            other_net="plain.prototxt", other_weights="plain.caffemodel", seed=1,
        )  # fmt: skip
    assert max(answer["differences"].values()) < 1e-5


@pytest.mark.parametrize(
    "words",
    [
        INPUT + affine("bn1", "BatchNorm", "data"),
        INPUT + CONV1.replace("BIAS", "true") + RELU + affine("bn1", "BatchNorm", "conv1"),
        INPUT + CONV1.replace("BIAS", "true")
        + 'layer { name: "bn1" type: "BatchNorm" bottom: "conv1" top: "normal" }\n',
    ],
)  # fmt: skip
def test_what_is_not_straight_behind_synapses_is_refused(words: str) -> None:
    with pytest.raises(UserError) as refused:
        fold.fold_batchnorm(net(words), learned())
    assert str(refused.value) == (
        "layer 'bn1': expected BatchNorm in place, straight behind a layer with synapses; "
        "anything else cannot be folded"
    )
