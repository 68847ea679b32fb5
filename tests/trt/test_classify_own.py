"""One's own pictures with a class each: what a run was trained on is what `make classify` makes of the same files."""

import re
from pathlib import Path

import numpy as np
import pytest

from evolve.base.machine import Machine
from evolve.command import command
from evolve.datasets import read
from evolve.runs.metrics import Metrics
from tests.datasets.drawn import CLASSES, folders
from tests.lineage.conftest import SOLVER, TRAIN_VAL
from trt.inference import classify, pictures, preparation

EVOLUTION = """dataset {{
  name: "images" folder: "{folder}" width: 36 height: 28 fit: {fit} channels: {channels} channel_order: {order}
}}
generations: 1
ancestor_training: "60it"
offspring_training: "10it"
"""


@pytest.mark.parametrize(
    ("fit", "channels", "order"), [("CROP", 3, "BGR"), ("LETTERBOX", 1, "BGR"), ("RESIZE", 3, "RGB")]
)
def test_files_are_read_as_they_were_for_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fit: str, channels: int, order: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("CAVEFISH_DATA", "CAVEFISH_RUNS"):
        monkeypatch.delenv(name, raising=False)
    # JPEGs several times as large are decoded smaller: that counts too.
    folders(tmp_path / "pictures" / "train", 20, suffix="jpg")
    folders(tmp_path / "pictures" / "test", 8, suffix="jpg")
    (tmp_path / "tiny").mkdir()
    text = re.sub(r"num_output: 10\b", "num_output: $CLASSES", TRAIN_VAL).replace("batch_size: 77", "batch_size: 24")
    (tmp_path / "tiny" / "train_val.prototxt").write_text(text)
    (tmp_path / "tiny" / "solver.prototxt").write_text(SOLVER)
    evolution = EVOLUTION.format(folder=tmp_path / "pictures", fit=fit, channels=channels, order=order)
    (tmp_path / "tiny" / "evolution.prototxt").write_text(evolution)
    assert command.main(["evolve", "NET=tiny", "THREADS=1"]) == 0
    run = tmp_path / "runs" / "tiny" / "seed1"
    told = classify.classify(run, 1, tmp_path / "pictures" / "test", "caffe", Machine(1))
    assert told.classes == list(CLASSES) and told.accuracy and told.accuracy[1] == 24
    assert told.accuracy[0] / 24 == pytest.approx(Metrics.read(run / "gen001").score.accuracy, abs=1e-6)

    stored = preparation.of_generation(run / "gen001").stored
    said = preparation.said(run / "gen001")["colours"], Metrics.read(run / "gen001").dataset.colours
    assert (stored.colours, *said) == (order,) * 3
    assert ("input: pixels 0..255, red first" in (run / "gen001" / "deploy.prototxt").read_text()) is (order == "RGB")
    asked = pictures.read(tmp_path / "pictures" / "test", stored.form)
    made = sorted(stored.image(each.pixels).tobytes() for each in asked if each.pixels is not None)
    images, _ = read(next(tmp_path.glob("data/images-*")) / "test", 24)
    assert made == sorted(image.astype(np.uint8).tobytes() for image in images)
