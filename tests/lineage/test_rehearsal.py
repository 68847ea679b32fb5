"""What `make check` calls sound has been through two generations; what would not get there is named."""

import os
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.lineage import check, rehearsal, verdict
from evolve.network import deployment
from evolve.runs import paths
from tests.lineage import small_detectnet
from tests.lineage.conftest import EVOLUTION, SOLVER, TRAIN_VAL, Place
from tests.lineage.networks import edited, line

Check = Callable[..., str]
ACCURACY = (
    'layer { name: "accuracy" type: "Accuracy" bottom: "ip2" bottom: "label" top: "accuracy" '
    "include { phase: TEST } }"
)
LOSS = 'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip2" bottom: "label" top: "loss" }'


@pytest.fixture
def checked(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Check:
    """``checked(train_val=…)``: what check says of the tiny network with that text, its data set made already."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def _checked(train_val: str = TRAIN_VAL, solver: str = SOLVER, evolution: str = EVOLUTION) -> str:
        for name, text in (("train_val", train_val), ("solver", solver), ("evolution", evolution)):
            (place.folder / "tiny" / f"{name}.prototxt").write_text(text)
        with chdir(place.folder):
            return check.check("tiny")

    return _checked


def _fill(folder: Path) -> Path:
    """More old verdicts than are kept."""
    folder.mkdir(parents=True)
    for number in range(verdict.KEPT + 2):
        (folder / f"{number:064x}").write_text("{}")
        os.utime(folder / f"{number:064x}", (number, number))
    return folder


def test_a_sound_one_is_told_by_what_was_read_and_remembered(
    checked: Check, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sorted(place.folder.rglob("*"))
    verdicts = _fill(tmp_path / "cache" / "cavefish" / "checked")
    said = checked()
    assert len(list(verdicts.iterdir())) == verdict.KEPT
    assert said.endswith("data set digits (1,437 train + 360 test, 10 classes) at 28 pixels, 4 generations: sound")
    assert [each for each in sorted(place.folder.rglob("*")) if "cache" not in each.parts] == before
    rehearsed: list[str] = []
    monkeypatch.setattr(rehearsal, "rehearse", lambda *given: rehearsed.append("again"))
    assert checked() == said and rehearsed == []
    with pytest.raises(AttributeError):
        checked(solver=SOLVER.replace("0.05", "0.06"))
    assert rehearsed == ["again"]


def test_nothing_is_kept_where_the_cache_cannot_be_written(checked: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", os.devnull)
    assert checked().endswith(": sound")


NAMED_OTHERWISE = {
    "accuracy by NetSpec": ((ACCURACY, ACCURACY.replace('top: "accuracy"', 'top: "Accuracy1"')),),
    "top-5 before top-1": (
        (
            ACCURACY,
            ACCURACY.replace('"accuracy"', '"accuracy@5"').replace(" include", " accuracy_param { top_k: 5 } include")
            + ACCURACY.replace('"accuracy"', '"accuracy@1"'),
        ),
    ),
    "a Softmax of its own": (
        (LOSS, 'layer { name: "softmax" type: "Softmax" bottom: "ip2" top: "prob" }\n' + LOSS),
    ),
    "slopes that are shared": (
        (
            'layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }',
            'layer { name: "relu1" type: "PReLU" bottom: "conv1" top: "conv1" prelu_param { channel_shared: true } }\n'
            'layer { name: "one" type: "Scale" bottom: "conv1" top: "one" scale_param { axis: 0 num_axes: 0 } }',
        ),
        ('type: "Convolution" bottom: "conv1"', 'type: "Convolution" bottom: "one"'),
    ),
}


@pytest.mark.parametrize("how", NAMED_OTHERWISE)
def test_whatever_its_layers_are_called(checked: Check, how: str) -> None:
    siblings = EVOLUTION + "offspring_per_generation: 2 stop_when_accuracy_drops: 0.9\n"
    assert checked(edited(TRAIN_VAL, *NAMED_OTHERWISE[how]), evolution=siblings).endswith(": sound")


def test_snapshots_in_hdf5_become_those_that_can_be_read_back(checked: Check) -> None:
    assert checked(solver=SOLVER + "snapshot: 1 snapshot_format: HDF5\n").endswith(": sound")


def test_a_loss_that_is_narrower_than_the_labels(checked: Check, place: Place) -> None:
    text = edited(TRAIN_VAL, ("num_output: 10", "num_output: 5"))
    where = f"{place.folder}/tiny/train_val.prototxt:{line(text, 'num_output: 5')}: layer 'ip2'"
    with pytest.raises(UserError) as refused:
        checked(text)
    assert str(refused.value).splitlines() == [
        f"{where}: expected num_output of 10 or more for '{each}', as labels of digits go from 0 to 9, got 5; write "
        "num_output: 10"
        for each in ("loss", "accuracy")
    ]


def test_what_only_caffe_knows_is_said_with_its_layer(checked: Check, place: Place) -> None:
    text = edited(TRAIN_VAL, ('weight_filler { type: "xavier" }', 'weight_filler { type: "xavir" }'))
    with pytest.raises(UserError, match="layer 'conv1': Caffe: .*Unknown filler name: xavir") as refused:
        checked(text)
    assert str(refused.value).startswith(f"{place.folder}/tiny/train_val.prototxt:{line(text, 'conv1')}: ")


def test_a_deploy_net_that_does_not_hold_together(checked: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of a run reads it: its user would learn of it when all is done."""
    whole = deployment.deploy

    def _lacking(net: Any, shape: Any) -> Any:
        result = whole(net, shape)
        del result.layer[1]
        return result

    monkeypatch.setattr(deployment, "deploy", _lacking)
    with pytest.raises(UserError, match="layer 'relu1'.*Unknown bottom blob 'conv1'.*; so in deploy.prototxt of its"):
        checked()


def test_epochs_that_caffe_does_not_count_up_to(checked: Check, place: Place) -> None:
    """Of a rehearsal's own single iteration nobody would learn it."""
    with pytest.raises(UserError) as refused:
        checked(evolution=edited(EVOLUTION, ('"40it"', '"2ep" offspring_training: "100000000ep"')))
    assert str(refused.value) == (
        f"{place.folder}/tiny/evolution.prototxt: generation 3: expected a training length of at most 2147483647 "
        "iterations, got 1e+08ep, which is 4490625000; Caffe counts no further: write fewer"
    )


def test_the_batch_that_a_run_will_have_is_set_up_too(checked: Check, place: Place) -> None:
    """A Reshape that names the images of a batch: what fits 77 images of TEST does not fit the divisor that is read."""
    reshape = 'layer { name: "r" type: "Reshape" bottom: "ip2" top: "r" reshape_param { shape { dim: 77 dim: 10 } } }\n'
    text = edited(TRAIN_VAL, (ACCURACY, reshape.replace(" reshape_param", " include { phase: TEST } reshape_param")
                              + ACCURACY.replace('bottom: "ip2"', 'bottom: "r"')))  # fmt: skip
    with pytest.raises(UserError) as refused:
        checked(text)
    assert str(refused.value) == (
        f"{place.folder}/tiny/train_val.prototxt:{line(text, 'Reshape')}: layer 'r': expected a shape for the 720 "
        "values of 72 x 10, got [77, 10] from axis 0 on, num_axes -1"
    )
    assert checked(text.replace("dim: 77", "dim: 72").replace("batch_size: 77", "batch_size: 72")).endswith(": sound")


def test_a_data_set_that_cannot_be_had_is_no_promise(checked: Check) -> None:
    said = checked(evolution=EVOLUTION.replace('"digits"', '"stl10"').replace("28", "96"))
    assert ": sound, as far as can be told without its data set: data set 'stl10': " in said


def test_its_own_stand_in_is_named(checked: Check) -> None:
    evolution = EVOLUTION.replace('name: "digits"', 'name: "mnist" or_else { name: "digits" }')
    said = checked(evolution=evolution)
    assert "data set digits (1,437 train" in said
    assert said.endswith("instead)") and "sound (NOTE: MNIST could not be had" in said


def test_a_run_is_tried_before_anything_is_converted(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    text = edited(TRAIN_VAL, ("num_output: 10", "num_output: 5"))
    (place.folder / "tiny" / "train_val.prototxt").write_text(text)
    with pytest.raises(UserError, match="expected num_output of 10 or more"):
        place.evolve(2, rehearsed=True)
    assert not place.run.exists()


def test_a_softmax_of_its_own_is_the_only_one_of_deploy(place: Place) -> None:
    (place.folder / "tiny" / "train_val.prototxt").write_text(
        edited(TRAIN_VAL, *NAMED_OTHERWISE["a Softmax of its own"])
    )
    run = place.evolve(1)
    deploy = prototxt_text.read(run / "gen001" / paths.DEPLOY, caffe_pb2.NetParameter())
    assert [(layer.name, list(layer.top)) for layer in deploy.layer][-1] == ("softmax", ["prob"])


def test_a_net_that_finds_boxes_without_its_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    evolution = small_detectnet.EVOLUTION.replace('"parse27k" or_else { name: "streets" }', '"kitti"')
    small_detectnet.write(tmp_path / "small", evolution.replace(" frames: 40", ""))
    said = check.check("small")
    assert "data set kitti at 160x96 pixels, 3 generations: sound, as far as can be told without its data set" in said
