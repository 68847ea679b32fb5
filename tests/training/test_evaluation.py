"""Scores against NumPy, comparison of two nets, old caffemodels, and what `versions` says."""

import json
import math
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evolve import datasets
from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.machine import Machine
from evolve.network import phases, weights
from evolve.training import evaluate
from evolve.training.caffe_process import CaffeError, CaffeProcess
from trt import agreement

ROOT = Path(__file__).resolve().parents[2]
NET = """
name: "judge"
layer {{ name: "data" type: "Data" top: "data" top: "label" include {{ phase: TEST }}
  transform_param {{ scale: 0.00390625 }} data_param {{ source: "test" backend: LMDB batch_size: {batch} }} }}
layer {{ name: "ip1" type: "InnerProduct" bottom: "data" top: "ip1" inner_product_param {{ num_output: 6 }} }}
layer {{ name: "relu1" type: "ReLU" bottom: "ip1" top: "ip1" }}
layer {{ name: "ip2" type: "InnerProduct" bottom: "ip1" top: "ip2" inner_product_param {{ num_output: 4 }} }}
layer {{ name: "aux" type: "Accuracy" bottom: "ip1" bottom: "label" top: "aux" include {{ phase: TEST }} }}
layer {{ name: "accuracy" type: "Accuracy" bottom: "ip2" bottom: "label" top: "accuracy" include {{ phase: TEST }} }}
layer {{ name: "loss" type: "SoftmaxWithLoss" bottom: "ip2" bottom: "label" top: "loss" }}
"""
IMAGES = 24


@pytest.fixture
def genome(tmp_path: Path, store: Callable[..., None]) -> weights.Weights:
    """test/, net.prototxt and weights.caffemodel in tmp_path."""
    random = np.random.default_rng(4)
    store(tmp_path / "test", random.integers(0, 256, (IMAGES, 1, 3, 3), np.uint8), random.integers(0, 4, IMAGES))
    drawn = {
        "ip1": [random.standard_normal((6, 9), np.float32), random.standard_normal(6, np.float32)],
        "ip2": [random.standard_normal((4, 6), np.float32), random.standard_normal(4, np.float32)],
    }
    _write_net(tmp_path, 8)
    _write_weights(tmp_path / "weights.caffemodel", drawn)
    return drawn


@pytest.mark.parametrize("batch", [1, 8, 12, 24])
def test_accuracy_and_loss_are_numpys(tmp_path: Path, caffe: CaffeProcess, genome: weights.Weights, batch: int) -> None:
    _write_net(tmp_path, batch)
    score = caffe.call("score", net="net.prototxt", weights="weights.caffemodel", iterations=IMAGES // batch)
    images, labels = datasets.read(tmp_path / "test", IMAGES)
    logits = _logits(images, genome)
    accuracy = float((logits.argmax(axis=1) == labels).mean())
    shifted = logits - logits.max(axis=1, keepdims=True)
    losses = np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(IMAGES), labels]
    assert 0 < accuracy < 1
    assert score["outputs"]["accuracy"] == pytest.approx(accuracy, abs=1e-6)
    assert score["outputs"]["loss"] == pytest.approx(float(losses.mean()), rel=1e-5)
    assert score["accuracies"] == {}


def test_accuracy_by_class_is_numpys(tmp_path: Path, caffe: CaffeProcess, genome: weights.Weights) -> None:
    """Of the predictions that are asked for, and of no auxiliary classifier's; without names there is no accuracy."""
    names = ["cat", "dog", "eel", "fox"]
    asked: dict[str, Any] = {"net": "net.prototxt", "weights": "weights.caffemodel", "iterations": IMAGES // 8}
    asked |= {"predictions": "ip2", "labels": "label"}
    images, labels = datasets.read(tmp_path / "test", IMAGES)
    right = _logits(images, genome).argmax(axis=1) == labels
    wanted = {name: float(right[labels == n].mean()) for n, name in enumerate(names)}
    said = caffe.call("score", **asked, class_names=names)
    assert said["accuracies"] == pytest.approx(wanted, abs=1e-6)
    answers = _logits(images, genome).argmax(axis=1)
    for n, name in enumerate(names):
        row = {names[k]: int((answers[labels == n] == k).sum()) for k in range(4)}
        assert said["confusion"][name] == {answer: count for answer, count in row.items() if count}
    assert list(caffe.call("score", **asked)["confusion"]) == ["0", "1", "2", "3"]
    assert caffe.call("score", **asked, class_names=names[:2])["accuracies"] == {}


def test_images_are_kept_with_their_answers(tmp_path: Path, caffe: CaffeProcess, genome: weights.Weights) -> None:
    """Which ones, tests/training/test_shown.py says; these are the data layer's values and the softmax of ip2."""
    given: dict[str, Any] = {"net": "net.prototxt", "weights": "weights.caffemodel", "iterations": IMAGES // 8}
    given |= {"predictions": "ip2", "labels": "label", "class_names": ["cat", "dog"]}
    answers = caffe.call("score", **given, images="data", output="kept.npz")["answers"]
    images, labels = datasets.read(tmp_path / "test", IMAGES)
    logits = _logits(images, genome)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    names = ["cat", "dog", "2", "3"]
    with np.load(tmp_path / "kept.npz") as file:
        kept = file["images"]
    assert len(answers) == len(kept) == 24 - max(0, 12 - (logits.argmax(axis=1) == labels).sum())
    for answer, image in zip(answers, kept, strict=True):
        place = answer["image"]
        assert np.array_equal(image, images[place].astype(np.float32) * np.float32(0.00390625))
        assert answer["label"] == names[labels[place]] and answer["answer"] == names[shares[place].argmax()]
        assert answer["probability"] == pytest.approx(shares[place].max(), abs=1e-5)
    assert caffe.call("score", **given)["answers"] == []


@pytest.mark.parametrize("batch", [1, 3, 12])
def test_each_image_counts_once(
    tmp_path: Path, caffe: CaffeProcess, genome: weights.Weights, store: Callable[..., None], batch: int
) -> None:
    """Labels are powers of two, so their sum says how often each image was seen."""
    store(tmp_path / "powers", np.zeros((12, 1, 3, 3), np.uint8), 2 ** np.arange(12))
    (tmp_path / "net.prototxt").write_text(
        NET.format(batch=batch).split('layer { name: "ip1"')[0].replace('"test"', '"powers"')
    )
    given: dict[str, Any] = {"net": "net.prototxt", "weights": "weights.caffemodel", "iterations": 12 // batch}
    score = caffe.call("score", **given, labels="label")
    assert score["outputs"]["label"] * 12 == pytest.approx(2**12 - 1, abs=0.01)  # a float32 mean
    assert score["labels"] == [1] * 12 and caffe.call("score", **given)["labels"] == []


def test_equal_nets_do_not_differ(tmp_path: Path, caffe: CaffeProcess, genome: weights.Weights) -> None:
    _write_weights(tmp_path / "same.caffemodel", genome)
    answer = _compare(caffe, "same.caffemodel")
    assert answer == {"difference": 0.0, "images": 8}


def test_a_shrunk_net_differs_by_rounding_alone(tmp_path: Path, caffe: CaffeProcess, genome: weights.Weights) -> None:
    """A unit without outgoing synapses, present with zeros in one net and gone from the other."""
    genome["ip2"][0][:, 2] = 0
    _write_weights(tmp_path / "weights.caffemodel", genome)
    rest = [0, 1, 3, 4, 5]
    smaller = {"ip1": [blob[rest] for blob in genome["ip1"]], "ip2": [genome["ip2"][0][:, rest], genome["ip2"][1]]}
    (tmp_path / "smaller.prototxt").write_text(NET.format(batch=8).replace("num_output: 6", "num_output: 5"))
    _write_weights(tmp_path / "smaller.caffemodel", smaller)
    assert 0 <= _compare(caffe, "smaller.caffemodel", "smaller.prototxt")["difference"] <= 1e-5


def test_one_changed_weight_is_seen(tmp_path: Path, caffe: CaffeProcess, genome: weights.Weights) -> None:
    images = datasets.read(tmp_path / "test", 8)[0]
    before = _logits(images, genome)
    genome["ip2"][0][1, 3] += 0.01
    _write_weights(tmp_path / "changed.caffemodel", genome)
    after = _logits(images, genome)
    expected = np.abs(before - after).max() / np.abs(before).max()
    difference = _compare(caffe, "changed.caffemodel")["difference"]
    assert difference == pytest.approx(expected, rel=1e-3) and difference > 1e-4


def test_an_output_that_is_no_number_is_infinitely_different(
    tmp_path: Path, caffe: CaffeProcess, genome: weights.Weights
) -> None:
    """Behind one that is as before: Python's max takes the first of a number and nan."""
    genome["ip2"][0][1, 3] = np.nan
    _write_weights(tmp_path / "changed.caffemodel", genome)
    assert _compare(caffe, "changed.caffemodel", blobs=["ip1", "ip2"])["difference"] == math.inf
    net = prototxt_text.parse(NET.format(batch=8), caffe_pb2.NetParameter(), "net")
    fed = phases.fed_by_inputs(net, "TEST", (1, 3, 3))
    pair, other = (fed, tmp_path / "weights.caffemodel"), (fed, tmp_path / "changed.caffemodel")
    found = agreement.differences(tmp_path, pair, [pair, other], ["ip1", "ip2"], tmp_path / "net.prototxt")
    assert found == [(0.0, "ip1"), (math.inf, "ip2")]


def test_nets_with_other_outputs_are_not_compared(tmp_path: Path, caffe: CaffeProcess, genome: weights.Weights) -> None:
    (tmp_path / "other.prototxt").write_text(NET.format(batch=4))
    with pytest.raises(CaffeError) as refused:
        _compare(caffe, "weights.caffemodel", "other.prototxt")
    assert str(refused.value) == "blob 'ip2': shapes (8, 4) and (4, 4) differ"


def test_a_caffemodel_of_2013_is_brought_to_todays_form(
    tmp_path: Path, caffe: CaffeProcess, genome: weights.Weights
) -> None:
    model = caffe_pb2.NetParameter(name="old")
    for name, blobs in genome.items():
        layer = model.layers.add(name=name, type=caffe_pb2.V1LayerParameter.INNER_PRODUCT)
        for blob in blobs:
            # In 2013 every blob had four dimensions.
            outputs, inputs = (1, 1, *blob.shape)[-2:]
            layer.blobs.add(num=1, channels=1, height=outputs, width=inputs, data=blob.ravel().tolist())
    (tmp_path / "old.caffemodel").write_bytes(model.SerializeToString())
    caffe.call("upgrade", net="net.prototxt", weights="old.caffemodel", output="new.caffemodel")
    new = caffe_pb2.NetParameter.FromString((tmp_path / "new.caffemodel").read_bytes())
    assert not new.layers
    assert [list(blob.shape.dim) for layer in new.layer for blob in layer.blobs] == [[6, 9], [6], [4, 6], [4]]
    read = weights.read(tmp_path / "new.caffemodel")
    assert list(read) == list(genome)
    for name, blobs in genome.items():
        assert all(np.array_equal(a, b) for a, b in zip(blobs, read[name], strict=True)), name
    assert _compare(caffe, "new.caffemodel")["difference"] == 0


def test_versions(caffe: CaffeProcess, tmp_path: Path) -> None:
    found = caffe.call("versions")
    assert set(found) >= {"caffe", "caffe_path", "layer_types", "numpy", "blas_threads", "blas", "core", "layers"}
    assert (Path(found["caffe_path"]) / "proto" / "caffe_pb2.py").is_file()
    assert found["numpy"] == np.__version__ and found["layer_types"] > 50 and found["blas"] and found["core"]
    assert found["blas_threads"] == 1
    with CaffeProcess(tmp_path, tmp_path / "log", tmp_path / "net.prototxt", Machine(blas_threads=2)) as two:
        assert two.call("versions")["blas_threads"] == 2


def test_the_blas_is_caffes_own(caffe: CaffeProcess) -> None:
    """Others are in the same process: NumPy's, and OpenCV's once it is imported, whose name comes first."""
    found = caffe.call("versions")
    program = (
        "import cv2, json; from evolve.training import versions; from pathlib import Path\n"
        "names = {Path(line.split()[-1]).name for line in open('/proc/self/maps') if 'openblas' in line}\n"
        "print(json.dumps([len(names), versions.versions()]))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    libraries, said = json.loads(done.stdout.splitlines()[-1])
    assert libraries > 1 and (said["blas"], said["core"]) == (found["blas"], found["core"])
    assert "0.3.21" in said["blas"] or "site-packages/caffe" not in said["caffe_path"]


def _compare(
    caffe: CaffeProcess, other: str, net: str = "net.prototxt", blobs: Sequence[str] = ("ip2",)
) -> dict[str, float]:
    return caffe.call("compare", net="net.prototxt", weights="weights.caffemodel", blobs=list(blobs),
                      other_net=net, other_weights=other)  # fmt: skip


def _logits(images: np.ndarray, genome: weights.Weights) -> np.ndarray:
    (first, first_bias), (second, second_bias) = genome["ip1"], genome["ip2"]
    pixels = images.reshape(len(images), -1).astype(np.float64) / 256
    return np.maximum(pixels @ first.T + first_bias, 0) @ second.T + second_bias


def _write_net(folder: Path, batch: int) -> None:
    (folder / "net.prototxt").write_text(NET.format(batch=batch))


def _write_weights(path: Path, genome: weights.Weights) -> None:
    weights.write(path, prototxt_text.parse(NET.format(batch=1), caffe_pb2.NetParameter(), "net"), genome)


def test_examples_are_held_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hundred images of a camera are five gigabytes; what writes them takes some megabytes more, however many."""
    made, held = dict[str, np.ndarray](), []

    def savez(output: str, **arrays: np.ndarray) -> None:
        held.append(tracemalloc.get_traced_memory()[1])
        made.update(arrays)

    monkeypatch.setattr(np, "savez", savez)
    path = tmp_path / "net.prototxt"
    path.write_text(
        'layer { name: "data" type: "DummyData" top: "data" top: "more" dummy_data_param { shape { dim: 3 dim: 3 '
        'dim: 64 dim: 64 } shape { dim: 3 dim: 5 } data_filler { type: "gaussian" std: 1 } } }'
    )
    tracemalloc.start()
    try:
        evaluate.examples(str(path), ["data", "more"], 40, str(tmp_path / "made.npz"))
    finally:
        tracemalloc.stop()
    assert made["data"].shape == (40, 3, 64, 64) and made["more"].shape == (40, 5)
    assert made["data"].std(axis=(1, 2, 3)).min() > 0.9
    assert held[0] < 1.2 * made["data"].nbytes
