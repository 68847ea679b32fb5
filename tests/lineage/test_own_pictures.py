"""From a folder of pictures to a deployed offspring: the starter network, wherever it and the pictures lie."""

import shutil
from pathlib import Path

import caffe_answers
import numpy as np
import pytest
from PIL import Image

from evolve.base.errors import UserError
from evolve.command import command
from evolve.datasets import image_file
from evolve.datasets.own.picture_fit import fitted
from evolve.figures import table
from evolve.lineage import experiment
from evolve.runs.metrics import Metrics
from evolve.settings import changes, networks
from tests.datasets.drawn import CLASSES, folders, picture

SHORT = "dataset.image_size=32; ancestor_training=80it; offspring_training=40it"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with pictures/ in which the command runs; runs and data go there too."""
    monkeypatch.chdir(tmp_path)
    for name in ("CAVEFISH_DATA", "CAVEFISH_RUNS"):
        monkeypatch.delenv(name, raising=False)
    folders(tmp_path / "pictures", 24, suffix="jpg")
    return tmp_path


def test_from_a_folder_of_pictures_to_a_deployed_offspring(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The path is seen from where the command runs; the offspring knows what pictures show that it never saw."""
    words = ["evolve", "NET=starter", f"SET=dataset.folder=pictures; {SHORT}", "GEN=2", "THREADS=1"]
    assert command.main(words) == 0
    (run,) = (here / "runs" / "starter").iterdir()
    made = Metrics.read(run / "gen002")
    assert made.dataset.name == "pictures (images)" and made.dataset.classes == list(CLASSES)
    assert made.synapses < 0.75 * Metrics.read(run / "gen001").synapses
    assert (run / "gen002" / "labels.txt").read_text().split() == list(CLASSES)
    score = made.score
    assert list(score.accuracies) == list(CLASSES) and score.accuracy is not None
    assert np.isclose(np.mean(list(score.accuracies.values())), score.accuracy, atol=1e-5)  # as many of each
    assert score.accuracy > 0.9
    assert "starter on pictures (images): accuracy by class at generation 2" in capsys.readouterr().out
    pixels = [_input(picture(name, 9000 + label), here) for label, name in enumerate(CLASSES)]
    answers = caffe_answers.of(run / "gen002", np.stack(pixels))
    assert answers.argmax(axis=1).tolist() == [0, 1, 2]
    assert table.markdown(run).count("| disc ") == 1
    assert "accuracy by class" in (run / "report.html").read_text()


def _input(image: Image.Image, here: Path) -> np.ndarray:
    """As the data set was stored, and as deploy.prototxt's heading says: pixels 0..255, times 0.0078125."""
    image.save(here / "new.png")
    return fitted(image_file.read(here / "new.png", "here"), (32, 32), "crop", "").transpose(2, 0, 1) * 0.0078125


def test_the_network_may_lie_anywhere_and_say_the_folder_itself(here: Path) -> None:
    """A path in evolution.prototxt is seen from its folder."""
    own = here / "elsewhere" / "my net"
    shutil.copytree(networks.find("starter"), own)
    text = (own / "evolution.prototxt").read_text()
    (own / "evolution.prototxt").write_text(text.replace('folder: ""', 'folder: "../../pictures"'))
    read = experiment.load(str(own), changed=changes.single("dataset.image_size=32"))
    assert read.survey and read.survey.class_names == CLASSES and read.stored_shape() == (3, 32, 32)
    graph = read.graph(read.net(Path("none")), read.stored_shape())
    assert graph.weighted[-1].outputs == 3


def test_the_starter_fits_data_sets_that_are_there(here: Path) -> None:
    read = experiment.load("starter", changed=changes.single("dataset.name=mnist; dataset.fit=RESIZE"))
    assert read.stored_shape() == (1, 64, 64)
    assert read.graph(read.net(Path("none")), read.stored_shape()).weighted[-1].outputs == 10


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (
            "dataset.folder=nowhere",
            "data set 'images': expected {here}/nowhere, got no such folder or file; correct the path",
        ),
        ("dataset.name=mnist", "fit: expected none for 'mnist', which has its own, got 1; take it out"),
        (
            "dataset.folder=pictures; dataset.or_else.name=digits",
            "or_else: expected none for 'images', which only you have; take it out",
        ),
        (
            "dataset.fit=CROP",
            "data set 'images': expected a folder of images or a list, got none; write dataset { name: \"images\" "
            "folder: \"/my/pictures\" }, or give SET=dataset.folder=/my/pictures",
        ),
    ],
)
def test_what_is_said_before_anything_is_made(here: Path, changed: str, says: str) -> None:
    evolution = networks.find("starter") / "evolution.prototxt"
    with pytest.raises(UserError) as error:
        experiment.load("starter", changed=changes.single(changed))
    assert str(error.value) == f"{evolution}: dataset: {says.replace('{here}', str(here))}"
    assert not (here / "data").exists()
