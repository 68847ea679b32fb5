"""NVIDIA's BatchNorm of four and five blobs is BVLC's BatchNorm and Scale: the same function, in real Caffe."""

from pathlib import Path

import numpy as np
import pytest

from evolve.base.errors import UserError
from evolve.network import weights
from evolve.network.foreign import reading
from tests.network import caffe_child
from tests.network.caffe_child import Job

INPUT = 'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 dim: 4 dim: 4 } } }\n'
BATCH_NORM = 'layer {{ name: "bn" type: "BatchNorm" bottom: "data" top: "bn" {} }}\n'
SAID = [
    "scale_bias: true", "scale_filler { type: 'constant' value: 2 }", "bias_filler { type: 'constant' value: 0.5 }",
    "scale_bias: true eps: 0.0000001",
]  # fmt: skip


def numbers() -> tuple[np.ndarray, ...]:
    """Mean, variance, scale and bias of three channels, some below 0."""
    random = np.random.default_rng(3)
    mean, scale, bias = (random.normal(size=3).astype(np.float32) for _ in range(3))
    bias[0], scale[1], mean[2] = -1, -2, -3
    return mean, random.uniform(0.5, 2, 3).astype(np.float32), scale, bias


def of_five(factor: float) -> list[np.ndarray]:
    mean, variance, scale, bias = numbers()
    return [mean, variance, np.full(1, factor, np.float32), scale, bias]


def of_four() -> list[np.ndarray]:
    """As Caffe 0.15 wrote them: scale, bias, mean, variance, each 1 x C x 1 x 1."""
    mean, variance, scale, bias = numbers()
    return [each.reshape(1, 3, 1, 1) for each in (scale, bias, mean, variance)]


def of_four_without_the_factor() -> list[np.ndarray]:
    mean, variance, scale, bias = numbers()
    return [mean, variance, scale, bias]


def pair(folder: Path, blobs: list[np.ndarray], words: str = "") -> tuple[reading.Reading, weights.Weights]:
    model, caffemodel = folder / "net.prototxt", folder / "w.caffemodel"
    model.write_text(INPUT + BATCH_NORM.format(f"batch_norm_param {{ {words} }}" if words else ""))
    plain = reading.parse(INPUT + BATCH_NORM.format(""), model).net
    weights.write(caffemodel, plain, {"bn": blobs})
    return reading.read(model).with_weights(caffemodel)


def expected(image: np.ndarray, eps: float = 1e-5) -> np.ndarray:
    """y = scale (x - mean) / sqrt(variance + eps) + bias, as NVIDIA's Forward_cpu has it in phase TEST."""
    mean, variance, scale, bias = (each.reshape(1, 3, 1, 1).astype(np.float64) for each in numbers())
    return scale * (image - mean) / np.sqrt(variance + eps) + bias


def test_real_caffe_computes_what_nvidias_does(tmp_path: Path) -> None:
    image = np.random.default_rng(1).normal(size=(2, 3, 4, 4)).astype(np.float32)
    jobs = []
    for blobs in (of_five(1), of_five(0), of_five(999), of_four(), of_four_without_the_factor()):
        for words in ("", SAID[0]):
            found, learned = pair(tmp_path, blobs, words)
            assert found.rewritten and found.scales == {"bn": "bn/scale"}
            jobs.append(Job(found.net, learned, image))
    for made in caffe_child.run(tmp_path, jobs):
        assert np.allclose(made.blobs["bn"], expected(image), atol=1e-5)


@pytest.mark.parametrize("words", SAID)
def test_what_the_prototxt_asks_for(words: str) -> None:
    found = reading.parse(INPUT + BATCH_NORM.format(f"batch_norm_param {{ {words} }}"), Path("n"))
    _, bn, scale = found.net.layer
    assert (scale.name, scale.type, list(scale.bottom), list(scale.top)) == ("bn/scale", "Scale", ["bn"], ["bn"])
    assert scale.scale_param.bias_term and bn.batch_norm_param.eps == pytest.approx(1e-5)
    assert scale.scale_param.filler.value == (2 if "scale_filler" in words else 0)
    assert scale.scale_param.bias_filler.value == (0.5 if "bias_filler" in words else 0)
    assert found.notes == ["n: 1 of NVIDIA's BatchNorm layers are read as BatchNorm and Scale"]


def test_one_that_asks_for_none_stays_alone() -> None:
    found = reading.parse(BATCH_NORM.format("batch_norm_param { scale_bias: false }"), Path("n"))
    assert [layer.type for layer in found.net.layer] == ["BatchNorm"] and not found.notes


def test_a_third_blob_of_0_beside_statistics(tmp_path: Path) -> None:
    mean, variance, *_ = numbers()
    found, learned = pair(tmp_path, [mean, variance, np.zeros(1, np.float32)])
    assert learned["bn"][2] == 1 and found.rewritten
    (note,) = found.notes
    assert note.removeprefix(f"{tmp_path}/w.caffemodel: ") == (
        "1 BatchNorm layers have NVIDIA's third blob, 0: mean and variance are taken as they are"
    )
    # BVLC's own before it has seen anything
    found, learned = pair(tmp_path, [np.zeros(3, np.float32), np.zeros(3, np.float32), np.zeros(1, np.float32)])
    assert learned["bn"][2] == 0 and not found.rewritten and not found.notes


def test_four_blobs_of_which_none_can_be_a_variance(tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        pair(tmp_path, [-each for each in of_five(1)[:2]] + [-numbers()[1], -numbers()[1]])
    assert str(error.value) == (
        f"{tmp_path}/w.caffemodel: layer 'bn': expected a variance of 0 and more in the second or the last of its four "
        "blobs, got numbers below 0 in both; save it with NVIDIA's Caffe 0.16 or later"
    )


def test_a_variance_without_a_root(tmp_path: Path) -> None:
    mean, variance, *_ = numbers()
    variance[1] = -3e-6
    pair(tmp_path, [mean, 2 * variance, np.full(1, 2, np.float32)])
    variance[1:] = -1
    with pytest.raises(UserError) as error:
        pair(tmp_path, [mean, variance, np.ones(1, np.float32)])
    assert str(error.value) == (
        f"{tmp_path}/w.caffemodel: layer 'bn': expected variances of 0 or more in its blob 1, got 2 of 3 below; its "
        "training diverged, or the file is damaged: take an earlier snapshot"
    )


def test_a_name_that_is_taken() -> None:
    other = 'layer { name: "bn/scale" type: "ReLU" bottom: "bn" top: "y" }'
    words = BATCH_NORM.format("batch_norm_param { scale_bias: true }")
    found = reading.parse(INPUT + words + other, Path("n"))
    assert [layer.name for layer in found.net.layer] == ["data", "bn", "bn/scale2", "bn/scale"]


def test_caffe_is_given_a_copy_of_what_only_nvidias_reads(tmp_path: Path) -> None:
    found, learned = pair(tmp_path, of_five(0))
    copy = found.for_caffe(tmp_path / "w.caffemodel", tmp_path)
    assert {name: len(blobs) for name, blobs in weights.read(copy).items()} == {"bn": 3, "bn/scale": 2}
    assert all(np.array_equal(a, b) for a, b in zip(weights.read(copy)["bn"], learned["bn"], strict=True))
