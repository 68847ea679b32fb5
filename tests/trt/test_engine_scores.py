"""Scores through an engine: Accuracy as Caffe counts it, what judges a net, and which data is read."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from both import Case, caffe
from google.protobuf import text_format

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.network import phases
from tests.runs.test_made_from import data_set, generation
from trt.speed import scores

ROOT = Path(__file__).resolve().parents[2]
NAMES = {
    "STRIDE": "16", "WIDTH": "64", "HEIGHT": "48", "CLASSES": "1", "OBJECT_CLASSES": "object_class { src: 1 dst: 0 }",
    "DETECTION_TOPS": 'top: "found"', "DATA": "somewhere",
}  # fmt: skip


def detectnet() -> Any:
    source = (ROOT / "prototxt/detectnet/train_val.prototxt").read_text()
    for name, value in NAMES.items():
        source = source.replace(f"${name}", value)
    return text_format.Parse(source, caffe_pb2.NetParameter())


@pytest.mark.parametrize("words", ["", "top_k: 3", "ignore_label: 2", "axis: -1 top_k: 2"])
def test_accuracy_as_caffe_counts_it(words: str, tmp_path: Path) -> None:
    """Ties, of which whole numbers have many, count against an example."""
    random = np.random.default_rng(len(words))
    said, right = random.integers(0, 4, (200, 5)), random.integers(0, 5, 200)
    images = {"s": said.astype(np.float32), "l": right.astype(np.float32)}
    net = text_format.Parse(
        'layer { name: "in" type: "Input" top: "s" top: "l" '
        "input_param { shape { dim: 200 dim: 5 } shape { dim: 200 } } }"
        f'layer {{ name: "a" type: "Accuracy" bottom: "s" bottom: "l" top: "a" accuracy_param {{ {words} }} }}',
        caffe_pb2.NetParameter(),
    )
    (expected,) = caffe(tmp_path, [Case(net, {}, images)])
    tally = scores.judge(_with_data(net), 0.5).tally
    assert isinstance(tally, scores.Accuracy)
    for part in (slice(0, 70), slice(70, 200)):
        tally.add(images["s"][part], images["l"][part])
    assert tally.scores()["accuracy"] == pytest.approx(float(expected["a"]), abs=1e-6)
    assert 0.05 < tally.scores()["accuracy"] < 0.95


def _with_data(net: Any) -> Any:
    made = caffe_pb2.NetParameter()
    made.CopyFrom(net)
    made.layer[0].type = "Data"
    made.layer[0].ClearField("input_param")
    return made


def test_what_judges_a_detector() -> None:
    judged = scores.judge(detectnet(), 0.5)
    assert (judged.outputs, judged.labels) == (["coverage", "bboxes"], ["truth", "labels"])
    # Nothing is there, and nothing is found.
    truth, moved = np.zeros((2, 9, 3, 4), np.float32), np.zeros((2, 1, 3, 16), np.float32)
    moved[:, 0, 0, 1] = 16  # the length of a row
    assert isinstance(judged.tally, scores.Boxes)
    judged.tally.add(np.zeros((2, 1, 3, 4), np.float32), np.zeros((2, 4, 3, 4), np.float32), truth, moved)
    assert set(judged.tally.scores()) == {"precision", "recall", "map", "ap"}


def test_the_accuracy_of_several_that_the_run_has() -> None:
    """Top-1 of the classifier whose loss weighs most, wherever it stands."""
    labels = 'layer { name: "d" type: "Data" top: "s" top: "l" }'
    loss = 'layer { name: "%s-loss" type: "SoftmaxWithLoss" bottom: "%s" bottom: "l" top: "%s-loss" loss_weight: %s }'
    accuracy = 'layer { name: "%s" type: "Accuracy" bottom: "%s" bottom: "l" top: "%s" accuracy_param { top_k: %d } }'
    every = [loss % ("aux", "aux", "aux", ".3"), accuracy % ("aux", "aux", "aux", 1), loss % ("s", "s", "s", "1"),
             accuracy % ("fifth", "s", "fifth", 5), accuracy % ("first", "s", "first", 1)]  # fmt: skip
    judged = scores.judge(text_format.Parse(labels + "".join(every), caffe_pb2.NetParameter()), 0.5)
    assert judged.outputs == ["s"] and isinstance(judged.tally, scores.Accuracy)
    judged.tally.add(np.array([[0, 1, 2], [0, 2, 1]]), np.array([1, 1]))
    assert judged.tally.scores() == {"accuracy": 0.5}


def test_settings_of_a_schedule(tmp_path: Path) -> None:
    """A run that was begun with SCHEDULE= keeps them under its name."""
    (tmp_path / "prototxt").mkdir()
    with pytest.raises(UserError, match="prototxt: SCORES=1 expected the run's evolution.prototxt there, got none"):
        scores._iou(tmp_path)
    (tmp_path / "prototxt" / "evolution.long.prototxt").write_text("dataset { detection { iou: 0.75 } }")
    assert scores._iou(tmp_path) == 0.75


def test_a_net_that_nothing_judges() -> None:
    net = text_format.Parse(
        'name: "n" layer { name: "d" type: "Data" top: "d" } layer { name: "r" type: "ReLU" bottom: "d" top: "r" }',
        caffe_pb2.NetParameter(),
    )
    with pytest.raises(UserError, match="net 'n': SCORES=1 expected an Accuracy or ClusterDetections layer, got none"):
        scores.judge(net, 0.5)


def test_the_output_that_an_accuracy_is_of() -> None:
    deploy = text_format.Parse(
        'layer { name: "p" type: "Softmax" bottom: "ip" top: "prob" }', caffe_pb2.NetParameter()
    )
    assert scores._output(deploy, "ip", {"ip", "prob"}) == "ip"
    assert scores._output(deploy, "ip", {"prob"}) == "prob"
    with pytest.raises(UserError, match="SCORES=1: expected an output 'fc' of the deploy net, got prob"):
        scores._output(deploy, "fc", {"prob"})


def test_other_data_in_that_place_gives_no_scores(tmp_path: Path) -> None:
    data = data_set(tmp_path / "data")
    generation(tmp_path / "run", data / "test")
    data_set(data, "fedcba9876543210")
    with pytest.raises(UserError, match="which this was made from, got another one .*; bring that data back"):
        with scores.test_images(tmp_path / "run", 1, tmp_path):
            pass


def test_training_images_prepared_as_in_test() -> None:
    """Of the TEST net alone the place that it reads from changes: no mirror, no augmentation, its own batch."""
    lenet = prototxt_text.read(ROOT / "prototxt/lenet/train_val.prototxt", caffe_pb2.NetParameter(), {"DATA": "there"})
    for net, image, label in ((lenet, "there/train", ""), (detectnet(), "somewhere/train/images", "train/labels")):
        before, after = phases.data_layer(net, "TEST"), phases.data_layer(phases.reading_training(net), "TEST")
        assert phases.source(after) == image != phases.source(before)
        assert phases.batch_size(after) == phases.batch_size(before)
        assert after.transform_param == before.transform_param and list(after.top) == list(before.top)
        assert label in after.python_param.param_str and "augmentation" not in after.python_param.param_str
