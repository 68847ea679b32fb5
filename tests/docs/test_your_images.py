"""docs/your_images.md is followed word by word: its commands, on pictures that the test draws, and its settings."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from google.protobuf import text_format
from PIL import Image
from recipes import ROOT

from evolve.command import command
from evolve.datasets import image_file
from evolve.datasets.own.picture_fit import fitted
from evolve.figures import table
from evolve.proto import evolution_pb2
from evolve.runs.metrics import Metrics
from tests.datasets.drawn import CLASSES, folders, picture
from tests.lineage import caffe_answers

PAGE = (ROOT / "docs/your_images.md").read_text(encoding="utf-8")
COMMANDS = re.search(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
SETTINGS = re.findall(r"^dataset \{.*\}$", PAGE, re.MULTILINE)
# As small and short as it learns something.
SHORT = "; dataset.image_size=32; ancestor_training=80it; offspring_training=40it"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with pictures/ in which the commands run; runs and data go there too."""
    monkeypatch.chdir(tmp_path)
    for name in ("CAVEFISH_DATA", "CAVEFISH_RUNS"):
        monkeypatch.delenv(name, raising=False)
    folders(tmp_path / "pictures", 24, suffix="jpg")
    return tmp_path


def words(line: str, here: Path) -> list[str]:
    """Those of a command of the page, for `cavefish`, on the test's pictures."""
    make, *others = shlex.split(line, comments=True)
    assert make == "make"
    return [word.replace("/my/pictures", f"{here}/pictures{SHORT}") for word in others]


def test_from_a_folder_of_pictures_to_a_deployed_offspring(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is carried away knows what pictures show that it never saw."""
    assert COMMANDS
    data, evolve, fold = COMMANDS[1].splitlines()
    assert command.main(words(data, here)) == 0
    said = capsys.readouterr().out
    assert re.search(r"^  disc +19 +5$", said, re.MULTILINE) and "\nevery class: 19 to train on\n" in said
    assert command.main([*words(evolve, here), "THREADS=1"]) == 0
    said = capsys.readouterr().out
    assert "starter on pictures (images): accuracy by class at generation 3" in said
    (run,) = (here / "runs" / "starter").iterdir()
    _check_metrics(run)
    assert command.main(words(fold, here)) == 0
    carried = here / "carried"
    assert {path.name for path in carried.iterdir()} == {"deploy.prototxt", "weights.caffemodel", "labels.txt"}
    assert (carried / "labels.txt").read_text().split() == list(CLASSES)
    assert 'type: "BatchNorm"' not in (carried / "deploy.prototxt").read_text()
    pixels = [_input(picture(name, 9000 + label), here) for label, name in enumerate(CLASSES)]
    assert caffe_answers.of(carried, np.stack(pixels)).argmax(axis=1).tolist() == [0, 1, 2]


def _check_metrics(run: Path) -> None:
    first, last = Metrics.read(run / "gen001"), Metrics.read(run / "gen003")
    assert last.synapses < first.synapses / 2
    assert last.dataset.name == "pictures (images)" and last.dataset.class_names == list(CLASSES)
    assert (run / "gen003" / "labels.txt").read_text().split() == list(CLASSES)
    # As many test images of each class.
    assert last.score.accuracy is not None and last.score.accuracy > 0.9
    assert np.isclose(np.mean(list(last.score.accuracies.values())), last.score.accuracy, atol=1e-5)
    assert table.markdown(run).count("| disc ") == 1
    assert "accuracy by class" in (run / "report.html").read_text()


def _input(image: Image.Image, here: Path) -> np.ndarray:
    """As the data set was stored, and as deploy.prototxt's heading says: pixels 0..255, times 0.0078125."""
    image.save(here / "new.png")
    return fitted(image_file.read(here / "new.png", "here"), (32, 32), "crop", "").transpose(2, 0, 1) * 0.0078125


def test_settings_of_the_page_are_settings() -> None:
    assert len(SETTINGS) == 4
    for line in SETTINGS:
        text_format.Parse(line, evolution_pb2.EvolutionParameter())
    known = evolution_pb2.DatasetParameter.DESCRIPTOR.fields_by_name
    rows = re.findall(r"^\| (`.*?) \|", PAGE[PAGE.index("| setting |") :], re.MULTILINE)
    named = re.findall(r"`([a-z_]+): ", " ".join(rows))
    assert len(named) >= 6 and set(named) <= set(known)
