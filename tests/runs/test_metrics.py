"""Metrics come back from metrics.json as they were written, also those of earlier runs; a wrong file is named."""

import json
from dataclasses import fields, replace
from pathlib import Path

import pytest

from evolve.base import records
from evolve.base.errors import UserError
from evolve.network.precision import Range
from evolve.runs import generation, run_folder
from evolve.runs.metrics import Figures, Kin, Metrics, Sibling, Synthesis, Training, Versions
from evolve.runs.score import ClassScore, Score
from evolve.training.caffe_process import CaffeProcess
from tests.runs.made_up import metrics, with_score, write

# What a run wrote before there was this record: a TEST net's outputs stood beside its accuracy, and all of it twice.
EARLIER = """{"generation": 2, "network": "lenet", "synapses": 94976, "architectural_efficiency": 1.5, "clusters": 6839,
"cluster_efficiency": 1.25, "macs": 10715776, "caffemodel_bytes": 576570, "flushed_synapses": 3, "seed": 1,
"dataset": {"name": "digits", "sha256": "05c5", "notice": "digits instead"},
"layers": [{"name": "conv1", "synapses": 710, "biases": 32, "kernels": 32, "neurons": 32, "macs": 819200,
"clusters": 32, "cluster_efficiency": 1}],
"range": [{"layer": "conv1", "overflows": 0, "subnormals": 18, "flushed": 3}], %s,
"training": {"iterations": 200, "seconds": 13.5, "loss": null, "revived": 0, "resumed": 40,
"scratch": {"iterations": 6, "seconds": 9.5, "loss": 208.25, "revived": 0, "resumed": 0}},
"synthesis": {"cluster_factor": 1.75, "synapse_factor": 2.5, "difference": 0.0}, "parent_sha256": "2a53",
"versions": {"caffe": "1.0.0", "layer_types": 59, "blas_threads": 1, "fast_types": ["ReLU"], "threads": "1",
"of_tomorrow": 1}, "number_format": "HALF", "iterations": 200, "train_seconds": 13.5, "sibling": 2,
"siblings": [{"sibling": 1, "fitness": null, "parent": 0, "why": "unfit"},
{"sibling": 2, "fitness": 0.97, "parent": 1, "why": "the fittest", "accuracy": 0.98, "synapses": 94976}]}"""
CLASSIFIER = '"accuracy": 0.98, "loss": 0.03, "score": {"accuracy": 0.98, "loss": 0.03}'
SCORES = '"precision": 0.75, "recall": 0.5, "map": 0.25, "ap": 0.625'
EASY = '"difficulties": {"easy": {"precision": 1.0, "recall": 0.5, "ap": 0.75}}'
CLASSES = f'"classes": {{"car": {{{SCORES}, {EASY}}}}}'
DETECTOR = f'{SCORES}, {CLASSES}, "score": {{{SCORES}, {CLASSES}}}'


def read(folder: Path, text: str) -> Metrics:
    (folder / "metrics.json").write_text(text)
    return Metrics.read(folder)


@pytest.mark.parametrize(
    ("outputs", "weights", "loss"),
    [
        ({"a": 0.5, "b": 2.0, "other": 9.0}, {"a": 1.0, "b": 0.25}, 1.0),
        ({"a": 0.5}, {}, None),
        ({"a": 0.5}, {"a": 1.0, "read_by_another_layer": 1.0}, None),
        ({"a": float("inf")}, {"a": 1.0}, None),
    ],
)
def test_the_loss_of_a_net_without_accuracy(
    outputs: dict[str, float], weights: dict[str, float], loss: float | None
) -> None:
    assert Score.of_losses(outputs, weights) == Score(outputs=outputs, loss=loss)


def test_what_earlier_runs_wrote(tmp_path: Path) -> None:
    found = read(tmp_path, EARLIER % CLASSIFIER)
    assert found.score == Score(accuracy=0.98, outputs={"loss": 0.03})
    assert found.number_format == "HALF" and found.bits == 16
    assert found.training == Training(200, 13.5, resumed=40, scratch=Training(6, 9.5, loss=208.25))
    assert found.synthesis == Synthesis(1.75, 2.5, 0.0) and found.range == [Range("conv1", 0, 18, 3)]
    assert found.layers[0].cluster_efficiency == 1.0 and found.versions.fast_types == ["ReLU"]
    assert found.siblings[0] == Sibling(sibling=1, why="unfit") and found.siblings[1].synapses == 94976
    assert (found.score.judged, found.score.value, found.score.is_of_boxes) == ("accuracy", 0.98, False)


def test_what_an_earlier_detector_wrote(tmp_path: Path) -> None:
    score = read(tmp_path, EARLIER % DETECTOR).score
    easy = ClassScore(1.0, 0.5, 0.75)
    assert score.classes == {"car": ClassScore(0.75, 0.5, 0.625, 0.25, {"easy": easy})}
    assert (score.precision, score.recall, score.map, score.ap) == (0.75, 0.5, 0.25, 0.625)
    assert (score.judged, score.value, score.is_of_boxes) == ("ap", 0.625, True) and not score.outputs


@pytest.mark.parametrize("words", [CLASSIFIER, DETECTOR])
def test_it_comes_back_as_it_was_written(tmp_path: Path, words: str) -> None:
    found = replace(read(tmp_path, EARLIER % words), kin=Kin(["2a53"], "05c5", 1))
    found.write(tmp_path)
    assert Metrics.read(tmp_path) == found
    # Nothing stands in the file twice.
    assert not {"accuracy", "iterations", "precision"} & json.loads((tmp_path / "metrics.json").read_text()).keys()


def test_outputs_of_a_classifier_are_no_detectors_scores(tmp_path: Path) -> None:
    """A TEST net may call its outputs whatever it likes."""
    score = Score.of({"accuracy": 0.5, "recall": 0.25, "precision": 1.0, "map": 1})
    assert not score.is_of_boxes and score.outputs == {"recall": 0.25, "precision": 1.0, "map": 1.0}
    replace(metrics(), score=score).write(tmp_path)
    assert Metrics.read(tmp_path).score == score


def test_without_a_score_nothing_is_judged() -> None:
    score = Score.of({"loss": 0.5})
    assert score.judged == "" and score.outputs == {"loss": 0.5}
    with pytest.raises(ValueError, match="neither an accuracy nor an average precision was measured"):
        score.value  # noqa: B018


@pytest.mark.parametrize(
    ("right", "wrong", "why"),
    [
        ("{", "", "Extra data: line 1 column 13 (char 12)"),
        ('"seed": 1,', "", "seed: expected a value, got none"),
        ("94976, ", '"many", ', 'synapses: expected a whole number, got "many"'),
        ('"neurons": 32', '"neurons": 1.5', "layers[0].neurons: expected a whole number, got 1.5"),
        ('"revived": 0', '"revived": true', "training.revived: expected a whole number, got true"),
        ('"synthesis": {', '"synthesis": [], "other": {', "synthesis: expected named values, got []"),
        ('"fast_types": ["ReLU"]', '"fast_types": "ReLU"', 'versions.fast_types: expected a list, got "ReLU"'),
    ],
)
def test_a_file_that_says_something_else(tmp_path: Path, right: str, wrong: str, why: str) -> None:
    with pytest.raises(UserError) as error:
        read(tmp_path, (EARLIER % CLASSIFIER).replace(right, wrong, 1))
    assert str(error.value) == (
        f"{tmp_path / 'metrics.json'}: expected what is measured of a generation, got {why}; "
        "begin another run with RUN="
    )


def test_a_file_that_was_damaged_is_its_runs_to_make_anew(tmp_path: Path) -> None:
    with generation.writing(tmp_path / "gen001") as folder:
        (folder / "metrics.json").write_text(EARLIER % CLASSIFIER)
    (tmp_path / "gen001" / "metrics.json").write_text("{")
    with pytest.raises(UserError, match="the same `make evolve` makes it anew$"):
        Metrics.read(tmp_path / "gen001")


def test_no_version_that_caffes_process_says_is_lost(tmp_path: Path) -> None:
    with CaffeProcess(tmp_path, tmp_path / "log", tmp_path / "net.prototxt") as caffe:
        said = caffe.call("versions")
    kept = vars(records.read(Versions, said))
    assert {name: value for name, value in kept.items() if value is not None} == said and said["caffe"]


def test_every_figure_has_its_column(tmp_path: Path) -> None:
    """lineage.csv is made from the record: no name is written down twice."""
    row = run_folder.table(write(tmp_path / "seed1", [metrics(1, accuracy=0.5)]))[0]
    named = [each.name for each in fields(Figures)]
    assert list(row) == ["generation", *named, "fps", "fps_p95", "fps_engine", "predicted_tx1_fps"]
    assert row["accuracy"] == "0.5" and row["iterations"] == "800" and row["precision"] == row["fps"] == ""
    boxes = with_score(metrics(1), precision=0.75, recall=0.5, map=0.25, ap=0.625)
    row = run_folder.table(write(tmp_path / "seed2", [boxes]))[0]
    scores = {name: row[name] for name in ("accuracy", "precision", "recall", "map", "ap")}
    assert scores == {"accuracy": "", "precision": "0.75", "recall": "0.5", "map": "0.25", "ap": "0.625"}


def test_no_generation_there(tmp_path: Path) -> None:
    (tmp_path / "gen002").touch()
    for folder in (tmp_path / "gen001", tmp_path / "gen002"):
        with pytest.raises(UserError) as error:
            Metrics.read(folder)
        assert str(error.value) == (
            f"{folder}/metrics.json: expected what is measured of a generation, got no such file"
        )
