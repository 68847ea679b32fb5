"""The starter network, wherever it and the pictures lie; tests/docs/test_your_images.py evolves it.

And what a run does whose pictures change under it.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lmdb
import numpy as np
import pytest
from PIL import Image

from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.lineage import experiment, lineage, offspring
from evolve.lineage.workspace import Workspace
from evolve.runs import generation
from evolve.runs.metrics import Metrics
from evolve.settings import changes, networks
from evolve.training.caffe_process import CaffeProcess
from tests.datasets.drawn import CLASSES, folders
from tests.lineage.conftest import EVOLUTION
from tests.lineage.networks import written


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


# Pictures that change under a run


def tiny(here: Path, dataset: str, more: str = "") -> None:
    """A network that evolves in seconds, on a data set of the user's own."""
    length = 'offspring_training: "40it"'
    text = EVOLUTION.replace('dataset { name: "digits" image_size: 28 }', f"dataset {{ {dataset} }}")
    written(here, evolution=text.replace(length, 'offspring_training: "4it"').replace("100it", "60it") + more)


def stripes(folder: Path, each: int = 12) -> None:
    """Pictures that are easy to tell: rows, columns and dots."""
    for name, rows, columns in zip(CLASSES, (2, 1, 3), (1, 2, 3), strict=True):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(each):
            pixels = np.zeros((28, 28), np.uint8)
            pixels[::rows, ::columns] = 150 + number
            Image.fromarray(pixels).save(folder / name / f"{number}.png")


def more_stripes() -> None:
    """More pictures, and what `make data` makes of them."""
    stripes(Path("pictures"), 16)
    experiment.prepare(experiment.load("tiny"), 1)


def databases(here: Path, shade: int) -> None:
    """Two, written anew with as many bytes as before."""
    for name, count in (("train_db", 30), ("test_db", 9)):
        shutil.rmtree(here / name, ignore_errors=True)
        with lmdb.open(str(here / name), map_size=1 << 24) as environment, environment.begin(write=True) as writing:
            for n in range(count):
                datum = caffe_pb2.Datum(channels=1, height=28, width=28, label=n % 3)
                datum.data = bytes([(shade + 60 * datum.label) % 256]) * 784
                writing.put(b"%08d" % n, datum.SerializeToString())


def once(monkeypatch: pytest.MonkeyPatch, change: Callable[[], None], when: str = "make") -> list[Path]:
    """Changes the pictures once the first offspring is made, or drawn, in a folder that is listed then."""
    done, changed = getattr(offspring, when), list[Path]()

    def spy(workspace: Workspace, parent: Path) -> Any:
        made = done(workspace, parent)
        if not changed:
            changed.append(workspace.folder)
            change()
        return made

    monkeypatch.setattr(offspring, when, spy)
    return changed


def refused(here: Path) -> None:
    """No generation is made of two data sets, and the user is told what to do."""
    known = Metrics.read(here / "runs" / "tiny" / "seed1" / "gen001").dataset.sha256[:12]
    with pytest.raises(UserError) as error:
        lineage.evolve("tiny", 3)
    said = str(error.value).partition(" (log: ")[0]
    assert said.startswith(f"{here}/data/images-pictures-28x28-")
    assert f": expected pictures (images) (sha256 {known}), which this was made from, got another one (" in said
    assert said.endswith("; bring that data back, and the same command goes on, or begin another run with RUN=")
    run = here / "runs" / "tiny" / "seed1"
    assert generation.committed(run) == [1] and not list(run.glob(".gen*/*.unfit.json"))


@pytest.mark.parametrize("more", ["", "offspring_per_generation: 2\n"])
def test_a_run_does_not_go_on_with_pictures_that_changed_under_it(
    here: Path, monkeypatch: pytest.MonkeyPatch, more: str
) -> None:
    """As `make data`, or another run, makes their data set anew; with the old ones it goes on."""
    tiny(here, 'name: "images" folder: "../pictures" image_size: 28 channels: 1', more)
    stripes(here / "pictures")
    lineage.evolve("tiny", 1)
    with monkeypatch.context() as patch:
        changed = once(patch, more_stripes)
        refused(here)
    (unfinished,) = changed
    assert not generation.exists(unfinished.with_name(unfinished.name.removeprefix(".").removesuffix(".unfinished")))
    shutil.rmtree(here / "pictures")
    stripes(here / "pictures")
    run = lineage.evolve("tiny", 3)
    assert generation.committed(run) == [1, 2, 3] and Metrics.read(run / "gen003").dataset.is_shared


def test_no_training_begins_with_them(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it would take hours over is lost anyway, and its snapshots are called after the old ones."""
    tiny(here, 'name: "images" folder: "../pictures" image_size: 28 channels: 1')
    stripes(here / "pictures")
    lineage.evolve("tiny", 1)
    call, asked = CaffeProcess.call, list[str]()

    def spy(self: CaffeProcess, what: str, *given: Any, **named: Any) -> Any:
        asked.append(what)
        return call(self, what, *given, **named)

    monkeypatch.setattr(CaffeProcess, "call", spy)
    once(monkeypatch, more_stripes, "synthesize")
    refused(here)
    assert "compare" in asked and "train" not in asked


def test_nor_with_databases_that_are_read_where_they_lie(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    databases(here, 0)
    tiny(here, 'name: "lmdb" train: "../train_db" test: "../test_db"')
    lineage.evolve("tiny", 1)
    once(monkeypatch, lambda: databases(here, 20))
    with pytest.raises(UserError, match="got none that is whole and as it was; bring that data back"):
        lineage.evolve("tiny", 3)
    assert generation.committed(here / "runs" / "tiny" / "seed1") == [1]


def test_a_generation_keeps_the_mean_image_that_it_subtracts(here: Path) -> None:
    """The data set's own goes with it; its deploy.prototxt names the one beside it."""
    tiny(here, 'name: "images" folder: "../pictures" image_size: 28 channels: 1')
    train_val = here / "tiny" / "train_val.prototxt"
    mean = 'transform_param { mean_file: "$DATA/mean.binaryproto" scale'
    train_val.write_text(train_val.read_text().replace("transform_param { scale", mean))
    stripes(here / "pictures")
    run = lineage.evolve("tiny", 2)
    (data,) = (here / "data").glob("images-*/mean.binaryproto")
    for number in (1, 2):
        folder = run / f"gen{number:03d}"
        assert (folder / "mean.binaryproto").read_bytes() == data.read_bytes() and generation.exists(folder)
        assert f'mean_file: "{data}"' in (folder / "train_val.prototxt").read_text()
        deploy = (folder / "deploy.prototxt").read_text()
        assert "# input: pixels 0..255, minus mean.binaryproto, times 0.00390625" in deploy
