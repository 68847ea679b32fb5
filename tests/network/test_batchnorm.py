"""What is folded computes the same, by real Caffe."""

from pathlib import Path

import numpy as np
import pytest

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.network import batchnorm, weights
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
    folded = batchnorm.fold_every(net(DRESSED), learned(count))
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


OWN_TOPS = (
    INPUT + CONV1.replace("BIAS", "false")
    + 'layer { name: "bn1" type: "BatchNorm" bottom: "conv1" top: "normal" }\n'
    + 'layer { name: "scale1" type: "Scale" bottom: "normal" top: "scaled" scale_param { bias_term: true } }\n'
    + CONV2.replace('"conv1"', '"scaled"') + affine("bn2", "BatchNorm", "conv2")
)  # fmt: skip
UP = INPUT + """layer { name: "up" type: "Deconvolution" bottom: "data" top: "up"
  convolution_param { num_output: 6 kernel_size: 3 stride: 2 group: 2 } }
""" + affine("bn1", "BatchNorm", "up") + affine("scale1", "Scale", "up")


def compared(folder: Path, words: str, values: weights.Weights) -> tuple[batchnorm.Folded, float]:
    """What is folded, and the largest relative difference of its outputs, by Caffe."""
    folded = batchnorm.fold(net(words), values)
    prototxt_text.write(net(words), folder / "before.prototxt")
    prototxt_text.write(folded.net, folder / "after.prototxt")
    weights.write(folder / "before.caffemodel", net(words), values)
    weights.write(folder / "after.caffemodel", folded.net, folded.weights)
    with CaffeProcess(folder, folder / "log", folder / "before.prototxt") as caffe:
        answer = caffe.call(
            "agree", net="before.prototxt", weights="before.caffemodel", blobs=batchnorm.unread(net(words)),
            other_net="after.prototxt", other_weights="after.caffemodel", seed=1,
        )  # fmt: skip
    return folded, max(answer["differences"].values())


def of(*names: str, **others: list[tuple[int, ...]]) -> weights.Weights:
    """The learned blobs of layers, and random ones of others' shapes."""
    random = np.random.default_rng(4)
    return {name: learned()[name] for name in names} | {
        name: [random.normal(size=shape).astype(np.float32) for shape in shapes] for name, shapes in others.items()
    }


def test_layers_with_tops_of_their_own(tmp_path: Path) -> None:
    """The layer before writes what its last folded layer wrote; readers and outputs stay as they are."""
    folded, difference = compared(tmp_path, OWN_TOPS, of("conv1", "bn1", "scale1", "conv2", "bn2"))
    assert difference < 1e-5 and not folded.left
    assert [(layer.name, *layer.bottom, *layer.top) for layer in folded.net.layer] == [
        ("in", "data"), ("conv1", "data", "scaled"), ("conv2", "scaled", "conv2"),
    ]  # fmt: skip
    assert folded.net.layer[1].convolution_param.bias_term and list(folded.weights) == ["conv1", "conv2"]


def test_a_deconvolution_of_groups(tmp_path: Path) -> None:
    folded, difference = compared(tmp_path, UP, of("bn1", "scale1", up=[(4, 3, 3, 3), (6,)]))
    assert difference < 1e-5 and list(folded.weights) == ["up"] and not folded.left


def test_absent_synapses_stay_absent() -> None:
    values = learned()
    values["conv1"][0][np.random.default_rng(5).random(values["conv1"][0].shape) < 0.6] = 0
    folded = batchnorm.fold(net(DRESSED), values)
    assert np.array_equal(folded.weights["conv1"][0] != 0, values["conv1"][0] != 0)


SUM = 'layer { name: "sum" type: "Eltwise" bottom: "conv1" bottom: "other" top: "sum" }\n'
BEHIND = affine("bn1", "BatchNorm", "conv1")
C1 = CONV1.replace("BIAS", "true")
TWIN = C1.replace('"data" top: "conv1"', '"data" top: "conv1" param { name: "w" }')
LEFT = {
    "the input": (INPUT + affine("bn1", "BatchNorm", "data"), "it reads the input"),
    "ReLU": (INPUT + C1 + RELU + BEHIND, "before it is 'relu1' (ReLU)"),
    "two readers": (
        INPUT + C1 + 'layer { name: "bn1" type: "BatchNorm" bottom: "conv1" top: "other" }\n' + SUM,
        "'conv1' before it is read by others too",
    ),
    "batches": (
        INPUT + C1 + BEHIND.replace('top: "conv1"', 'top: "conv1" batch_norm_param { use_global_stats: false }'),
        "it takes each batch's own statistics (use_global_stats: false)",
    ),
    "parameters of two": (
        INPUT + TWIN + TWIN.replace('name: "conv1"', 'name: "twin"').replace('top: "conv1"', 'top: "twin"') + BEHIND,
        "'conv1' before it shares its parameters",
    ),
    "an axis": (
        INPUT + C1 + 'layer { name: "bn1" type: "Scale" bottom: "conv1" top: "conv1" scale_param { axis: 2 } }\n',
        "it has other factors than one a neuron of 'conv1'",
    ),
    "another's factors": (
        INPUT + C1 + 'layer { name: "bn1" type: "Scale" bottom: "conv1" bottom: "data" top: "conv1" }\n',
        "its factors are another layer's output",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("words", "why"), LEFT.values(), ids=LEFT)
def test_what_cannot_be_folded_stays_and_is_named(words: str, why: str) -> None:
    folded = batchnorm.fold(net(words), of("conv1", "bn1"))
    assert folded.left == {"bn1": why} and list(folded.net.layer) == list(net(words).layer)
    assert all(map(np.array_equal, folded.weights["conv1"], learned()["conv1"]))


def test_what_must_be_folded_whole_is_refused_otherwise() -> None:
    words, why = LEFT["ReLU"]
    with pytest.raises(UserError) as refused:
        batchnorm.fold_every(net(words), learned())
    assert str(refused.value) == (
        f"layer 'bn1': expected BatchNorm straight behind a layer with synapses; {why}, so that it cannot be folded"
    )
