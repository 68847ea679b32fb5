"""`make fold`: a network without its BatchNorm and Scale, as its users meet it, compared by real Caffe."""

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.network import batchnorm, precision, weights
from evolve.runs import generation, paths
from tests.forks import FORKS
from tests.runs import made_up
from trt import folding

DEPLOY = """# net, generation 1
# input: pixels 0..255, minus 33, times 0.015625
name: "dressed"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  convolution_param { num_output: 6 kernel_size: 3 bias_term: false } }
layer { name: "bn1" type: "BatchNorm" bottom: "conv1" top: "conv1" }
layer { name: "scale1" type: "Scale" bottom: "conv1" top: "conv1" scale_param { bias_term: true } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "bn2" type: "BatchNorm" bottom: "conv1" top: "conv1" }
layer { name: "fc" type: "InnerProduct" bottom: "conv1" top: "fc" inner_product_param { num_output: 4 } }
layer { name: "prob" type: "Softmax" bottom: "fc" top: "prob" }
"""
TRAIN_VAL = """name: "dressed"
layer { name: "data" type: "Data" top: "data" top: "label" TRANSFORM data_param { source: "$DATA" batch_size: 4 } }
"""
LOSS = 'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "loss" }\n'


def learned() -> weights.Weights:
    random = np.random.default_rng(1)
    blobs = {
        "conv1": [random.normal(size=(6, 3, 3, 3)) * (random.random((6, 3, 3, 3)) < 0.5)],
        "bn1": [random.normal(size=6), random.random(6) + 0.1, np.ones(1)],
        "scale1": [random.normal(size=6), random.normal(size=6)],
        "bn2": [random.normal(size=6), random.random(6) + 0.1, np.ones(1)],
        "fc": [random.normal(size=(4, 216)) / 50, random.normal(size=4)],
    }
    return {name: [blob.astype(np.float32) for blob in arrays] for name, arrays in blobs.items()}


def net(path: Path) -> caffe_pb2.NetParameter:
    return prototxt_text.read(path, caffe_pb2.NetParameter(), {"DATA": "data"})


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "deploy.prototxt"
    path.write_text(DEPLOY)
    weights.write(tmp_path / "w.caffemodel", net(path), learned())
    return path


def test_a_pair(model: Path, tmp_path: Path) -> None:
    """Both before conv1's ReLU go, the one behind it stays; synapses stay, and what the pixels went through."""
    said = folding.fold(model, tmp_path / "w.caffemodel", tmp_path / "out").splitlines()
    synapses = np.count_nonzero(learned()["conv1"][0]) + 4 * 216
    assert said[:3] == [
        "folded: 1 BatchNorm, 1 Scale",
        "stays: BatchNorm 'bn2': before it is 'relu1' (ReLU)",
        # conv1's 162 weights, bn1's 13 and scale1's 12, bn2's 13, fc's 868; 6 biases in place of 25
        f"synapses {synapses:,} -> {synapses:,} without biases; biases of neurons 4 -> 10; "
        "stored values 1,068 -> 1,049",
    ]
    assert said[3].startswith("outputs as before, to a relative ") and "cast" not in "".join(said)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["deploy.prototxt", "w.caffemodel"]
    written = (tmp_path / "out" / "deploy.prototxt").read_text().splitlines()
    assert written[:2] == [f"# folded from {model}", "# input: pixels 0..255, minus 33, times 0.015625"]
    folded = weights.read(tmp_path / "out" / "w.caffemodel")
    assert {name: len(blobs) for name, blobs in folded.items()} == {"conv1": 2, "bn2": 3, "fc": 2}
    assert [layer.name for layer in net(tmp_path / "out" / "deploy.prototxt").layer] == [
        "data", "conv1", "relu1", "bn2", "fc", "prob",
    ]  # fmt: skip


def test_blobs_of_2013(model: Path, tmp_path: Path) -> None:
    """Four axes each, as caffemodels had them, become today's, which Caffe asks for in what is written."""
    words = 'layer { name: "bn3" type: "BatchNorm" bottom: "fc" top: "fc" }\n'
    model.write_text(DEPLOY.replace('layer { name: "prob"', f'{words}layer {{ name: "prob"'))
    before = learned() | {"bn3": [np.ones(4, np.float32), np.full(4, 2, np.float32), np.ones(1, np.float32)]}
    weights.write(tmp_path / "w.caffemodel", net(model), before)
    old = caffe_pb2.NetParameter.FromString((tmp_path / "w.caffemodel").read_bytes())
    for blob in (blob for layer in old.layer for blob in layer.blobs):
        blob.num, blob.channels, blob.height, blob.width = (1,) * (4 - len(blob.shape.dim)) + tuple(blob.shape.dim)
        blob.ClearField("shape")
    folding.fold(model, tmp_path / "w.caffemodel", tmp_path / "new")
    (tmp_path / "w.caffemodel").write_bytes(old.SerializeToString())
    said = folding.fold(model, tmp_path / "w.caffemodel", tmp_path / "old")
    assert said.startswith("folded: 2 BatchNorm, 1 Scale\n")
    made, wanted = (weights.read(tmp_path / name / "w.caffemodel") for name in ("old", "new"))
    assert made.keys() == wanted.keys()
    assert all(np.array_equal(*pair) for name in made for pair in zip(made[name], wanted[name], strict=True))


def test_files_called_like_those_that_caffe_compares(model: Path, tmp_path: Path) -> None:
    """What is cast is there afterwards, whatever it is called, not what it was cast from."""
    caffemodel = (tmp_path / "w.caffemodel").rename(tmp_path / "exact.caffemodel")
    folding.fold(model.rename(tmp_path / "after.prototxt"), caffemodel, tmp_path / "out", kind="HALF")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["deploy.prototxt", "exact.caffemodel"]
    written = weights.read(tmp_path / "out" / "exact.caffemodel")["fc"][0]
    assert np.array_equal(written, written.astype(np.float16).astype(np.float32))


def test_a_train_val_prototxt_becomes_one_to_deploy(model: Path, tmp_path: Path) -> None:
    layers = DEPLOY[DEPLOY.index('layer { name: "conv1"') : DEPLOY.index('layer { name: "prob"')]
    path = tmp_path / "train_val.prototxt"
    path.write_text(TRAIN_VAL.replace("TRANSFORM ", "") + layers + LOSS)
    with pytest.raises(UserError) as error:
        folding.fold(path, tmp_path / "w.caffemodel", tmp_path / "out")
    assert str(error.value) == f"{path}:2: layer 'data': does not say the shape of an image; give SHAPE=3x32x32"
    crop = "transform_param { crop_size: 8 mean_value: 1 mean_value: 2 mean_value: 3 }"
    path.write_text(TRAIN_VAL.replace("TRANSFORM", crop) + layers + LOSS)
    folding.fold(path, tmp_path / "w.caffemodel", tmp_path / "out")
    made = tmp_path / "out" / "deploy.prototxt"
    assert "# input: pixels 0..255, the central 8 x 8, minus 1, 2, 3\n" in made.read_text()
    assert [layer.type for layer in net(made).layer] == [
        "Input", "Convolution", "ReLU", "BatchNorm", "InnerProduct", "Softmax",
    ]  # fmt: skip


def test_another_function_is_never_written(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folded by a factor that is a little off, Caffe's comparison says no."""
    right = batchnorm.fold

    def wrong(*given: Any) -> batchnorm.Folded:
        folded = right(*given)
        folded.weights["conv1"][0] *= np.float32(1.01)
        return folded

    monkeypatch.setattr(batchnorm, "fold", wrong)
    with pytest.raises(AssertionError, match="what was made of .* differs in 'fc' by .*; nothing was written"):
        folding.fold(model, tmp_path / "w.caffemodel", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def biased(folder: Path, behind: str, blobs: list[np.ndarray]) -> tuple[Path, Path]:
    """A pair whose convolution has biases of 20,000 which the layer `behind` takes away."""
    random = np.random.default_rng(1)
    conv = DEPLOY[DEPLOY.index("layer") : DEPLOY.index("layer { name: \"bn1")].replace(" bias_term: false", "")
    (model := folder / "biased.prototxt").write_text(conv + behind)
    made = {"conv1": [random.normal(size=(6, 3, 3, 3)), np.full(6, 20000)], "behind": blobs}
    given = {name: [blob.astype(np.float32) for blob in arrays] for name, arrays in made.items()}
    weights.write(folder / "w.caffemodel", net(model), given)
    return model, folder / "w.caffemodel"


@pytest.mark.parametrize(("variance", "stays"), [(1, True), (0, False)])
def test_a_mean_that_32_bits_round_too_coarsely_stays(tmp_path: Path, variance: float, stays: bool) -> None:
    """Not that of a neuron that was the same for every training image."""
    words = 'layer { name: "behind" type: "BatchNorm" bottom: "conv1" top: "conv1" }'
    blobs = [np.full(6, 20000), np.full(6, variance), np.ones(1)]
    model, caffemodel = biased(tmp_path, words, blobs)
    if not stays:
        made = weights.read(caffemodel)
        made["conv1"][0][:] = 0
        weights.write(caffemodel, net(model), made)
    said = folding.fold(model, caffemodel, tmp_path / "out").splitlines()
    why = "its mean is 20,000 times the deviation, too large for 32 bits to compute the same when folded"
    assert (f"stays: BatchNorm 'behind': {why}" in said) == stays, said
    assert said[0] == ("folded: nothing" if stays else "folded: 1 BatchNorm")


def test_large_numbers_that_cancel_are_no_fault(tmp_path: Path) -> None:
    words = 'layer { name: "behind" type: "Bias" bottom: "conv1" top: "conv1" }'
    model, caffemodel = biased(tmp_path, words, [np.full(6, -20000)])
    with pytest.raises(UserError) as error:
        folding.fold(model, caffemodel, tmp_path / "out")
    assert re.fullmatch(
        rf"{model}: expected a network that computes the same to a relative 1e-05, got one whose 'conv1' differs by "
        r"\d\.\de-05: large numbers that cancel are rounded in 32 bits; nothing was written, use it as it is",
        str(error.value),
    )
    assert not (tmp_path / "out").exists()


def test_a_place_that_cannot_be_written(model: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(UserError) as error:
        folding.fold(model, tmp_path / "w.caffemodel", tmp_path / "taken")
    assert str(error.value) == f"{tmp_path}/taken: expected to write there, got File exists; name another OUT="


@pytest.mark.parametrize("name", ["deploy.prototxt", "w.caffemodel", "labels.txt"])
def test_what_somebody_else_made_is_not_overwritten(model: Path, tmp_path: Path, name: str) -> None:
    """What an earlier call made is."""
    (used := tmp_path / "used").mkdir()
    (used / name).write_text("mine")
    (used / "others.txt").write_text("")
    (tmp_path / "labels.txt").write_text("a\nb\nc\nd\n")
    with pytest.raises(UserError) as error:
        folding.fold(model, tmp_path / "w.caffemodel", used)
    assert str(error.value) == (
        f"OUT={used}: expected a folder without {name}, or one that `make fold` or `make shrink` filled, got another; "
        "name another OUT="
    )
    assert (used / name).read_text() == "mine"
    (used / name).unlink()
    for _ in range(2):
        folding.fold(model, tmp_path / "w.caffemodel", used)


@pytest.mark.parametrize(
    ("count", "said"),
    [(1, "1 synapse became zero, 1 value was too large, 1 has fewer bits"),
     (2, "2 synapses became zero, 2 values were too large, 2 have fewer bits")],
)  # fmt: skip
def test_one_of_a_cast_is_one(count: int, said: str) -> None:
    assert folding._of_cast([precision.Range("fc", count, count, count)]) == said


def committed(run: Path, number: int, kind: str) -> None:
    with generation.writing(paths.generation(run, number)) as folder:
        (folder / paths.DEPLOY).write_text(DEPLOY)
        weights.write(folder / paths.WEIGHTS, net(folder / paths.DEPLOY), learned())
        made_up.metrics(number, number_format=kind).write(folder)


def test_a_generation_in_its_precision(tmp_path: Path) -> None:
    """Beside the generations, which stay as they are; 16 bits hold each folded value, BatchNorm's statistics aside."""
    run = tmp_path / "seed1"
    committed(run, 1, "HALF")
    words = ["fold", f"RUN={run}", "GEN=1"]
    done = FORKS.command(*words, folder=Path(__file__).parents[2], environment=os.environ)
    assert (done.returncode, done.stderr) == (0, "")
    assert "cast to HALF: 0 synapses became zero, 0 values were too large, " in done.stdout
    folded = weights.read(run / "gen001.folded" / paths.WEIGHTS)
    exact = batchnorm.fold(net(paths.generation(run, 1) / paths.DEPLOY), learned()).weights
    for name in ("conv1", "fc"):
        for blob, wanted in zip(folded[name], exact[name], strict=True):
            assert np.array_equal(blob, wanted.astype(np.float16).astype(np.float32))
    assert np.array_equal(folded["bn2"][0], learned()["bn2"][0])
    assert generation.exists(paths.generation(run, 1))
    with pytest.raises(UserError, match=f"^GEN=2: expected a generation of {run}, 1; without GEN= the last is taken$"):
        folding.fold_generation(run, 2)


def test_a_precision_that_was_never_imposed(tmp_path: Path) -> None:
    committed(tmp_path / "seed1", 1, "FLOAT")
    assert "cast" not in folding.fold_generation(tmp_path / "seed1", 1, tmp_path / "out")
