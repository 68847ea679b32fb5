"""Siblings are chosen on a validation part split off the training images, and the test images are only reported on."""

import csv
from pathlib import Path
from typing import Any

import pytest

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.lineage import problems
from evolve.lineage.experiment import load
from evolve.network import phases
from evolve.runs.metrics import Metrics
from evolve.training.caffe_process import CaffeProcess
from tests.lineage.conftest import EVOLUTION, TRAIN_VAL

THREE = "offspring_per_generation: 3 environment { synapse_budget: 0.3 }"


def with_part(place: Any, images: int, others: str = "") -> None:
    words = EVOLUTION.replace("image_size: 28", f"image_size: 28 validation: {images}")
    (place.folder / "tiny" / "evolution.prototxt").write_text(words + others)


def scored(run: Path, number: int, split: str, images: int) -> float:
    """The accuracy on a split, of a net written here."""
    folder = run / f"gen{number:03d}"
    net = prototxt_text.read(folder / "train_val.prototxt", caffe_pb2.NetParameter())
    layer = next(layer for layer in net.layer if not layer.bottom and layer.include[0].phase == caffe_pb2.TEST)
    layer.data_param.source = str(Path(layer.data_param.source).with_name(split))
    layer.data_param.batch_size = 20
    other = run / "other.prototxt"
    prototxt_text.write(net, other)
    with CaffeProcess(run, run / "log", other) as caffe:
        answer = caffe.call(
            "score", net=other.name, weights=str(folder / "weights.caffemodel"), iterations=images // 20
        )
    return float(answer["outputs"]["accuracy"])


def test_siblings_are_chosen_by_it(place: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with_part(place, 300, THREE)
    run = place.evolve(2)
    first, made = (Metrics.read(run / f"gen{number:03d}") for number in (1, 2))
    assert first.score.validation_accuracy == pytest.approx(scored(run, 1, "validation", 300), abs=1e-5)
    assert made.score.validation_accuracy == pytest.approx(scored(run, 2, "validation", 300), abs=1e-5)
    assert made.score.accuracy == pytest.approx(scored(run, 2, "test", 360), abs=1e-5)
    for each in made.siblings:
        assert each.fitness == each.validation_accuracy is not None
    best = max(made.siblings, key=lambda one: (one.fitness or 0, -(one.synapses or 0), -one.sibling))
    assert made.sibling == best.sibling and made.score.validation_accuracy == best.validation_accuracy
    with open(run / "lineage.csv") as file:
        rows = list(csv.DictReader(file))
    assert [row["validation_accuracy"] for row in rows] == [
        str(each.score.validation_accuracy) for each in (first, made)
    ]  # fmt: skip
    assert [row["accuracy"] for row in rows] == [str(each.score.accuracy) for each in (first, made)]
    said = capsys.readouterr().out
    assert f"accuracy {made.score.accuracy:.4f}  (validation {made.score.validation_accuracy:.4f})  synapses" in said
    assert not list(run.glob("gen*/validation.prototxt"))
    # A run cannot go on with another part.
    with_part(place, 200, THREE)
    with pytest.raises(UserError, match="this run was begun with other text than evolution.prototxt has now"):
        place.evolve(2)


def test_the_net_that_reads_it() -> None:
    """Of the TEST phase, in the place of the test images, every image once."""
    words = TRAIN_VAL.replace("$DATA", "/d")
    net = phases.reading(prototxt_text.parse(words, caffe_pb2.NetParameter(), "x"), "TEST", "/d/validation", 300)
    data = phases.data_layer(net, "TEST")
    assert (data.data_param.source, data.data_param.batch_size) == ("/d/validation", 75)
    assert data.transform_param.scale == pytest.approx(1 / 256)
    assert [layer.name for layer in net.layer].count("data") == 1


def test_nets_that_cannot_be_scored_on_it(place: Any) -> None:
    tiny = place.folder / "tiny"
    text = "".join(line for line in TRAIN_VAL.splitlines(keepends=True) if "Accuracy" not in line)
    (tiny / "train_val.prototxt").write_text(text)
    assert problems.of(load(str(tiny))) == []
    with_part(place, 300)
    assert problems.of(load(str(tiny))) == [
        f"{tiny}/train_val.prototxt: expected an Accuracy layer in phase TEST, which dataset: validation: 300 compares "
        "by, got none; add one, or leave dataset: validation out"
    ]
