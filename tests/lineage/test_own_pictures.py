"""The starter network, wherever it and the pictures lie; tests/docs/test_your_images.py evolves it."""

import shutil
from pathlib import Path

import pytest

from evolve.base.errors import UserError
from evolve.lineage import experiment
from evolve.settings import changes, networks
from tests.datasets.drawn import CLASSES, folders


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with pictures/ in which the command runs; runs and data go there too."""
    monkeypatch.chdir(tmp_path)
    for name in ("CAVEFISH_DATA", "CAVEFISH_RUNS"):
        monkeypatch.delenv(name, raising=False)
    folders(tmp_path / "pictures", 2)
    return tmp_path


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
        (
            "dataset.name=mnist",
            "fit: expected none for 'mnist', which has its own, got CROP; take it out, or give dataset.name=images",
        ),
        (
            "dataset.folder=pictures; dataset.or_else.name=digits",
            "or_else: expected none for 'images', which only you have; take it out, or give dataset.or_else.name=\"\"",
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
