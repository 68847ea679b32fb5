"""`make data` of one's own pictures killed at any moment: the next one makes the same data set, and nothing is left."""

import os
import random
import signal
import time
from pathlib import Path

import pytest

from evolve.datasets import Dataset, Wish, prepare
from evolve.settings import networks
from tests.datasets.drawn import folders
from tests.torture.commands import Commands, Running
from tests.torture.conftest import finish
from tests.torture.tally import Tally

SIDE = 48
WORDS = ("data", f"NET={networks.root() / 'starter'}", f"SET=dataset.folder=pictures; dataset.image_size={SIDE}")


@pytest.mark.parametrize("kills", [4, pytest.param(60, marks=pytest.mark.torture)], ids=["some", "many"])
def test_killed(kills: int, tmp_path: Path) -> None:
    tally, random_ = Tally(), random.Random(kills)
    pictures = folders(tmp_path / "pictures", 60)
    with Commands() as commands:
        began = time.monotonic()
        first = commands.run(tmp_path, *WORDS)
        whole = time.monotonic() - began
        assert first.status == 0, first.said
        wanted = _made(pictures, tmp_path / "data").sha256
        for _ in range(kills):
            _kill(commands.start(_forgotten(tmp_path), *WORDS), whole * random_.random())
            again = commands.run(tmp_path, *WORDS)
            left = [path.name for path in (tmp_path / "data").iterdir() if "unfinished" in path.name]
            same = again.status == 0 and _made(pictures, tmp_path / "data").sha256 == wanted
            problem = "" if same and not left else f"status {again.status}, left {left}: {again.last_line}"
            tally.add("kill -9 of make data", resumed=again.status == 0, identical=same, problem=problem)
    finish("own-pictures" if kills == 60 else "own-pictures-short", tally, kills)


def _made(pictures: Path, data: Path) -> Dataset:
    wish = Wish(folder=str(pictures), fit="crop")
    return prepare("images", image_size=SIDE, wish=wish, data=data, report=lambda line: None)


def _forgotten(folder: Path) -> Path:
    """The folder, its data set no longer whole."""
    for done in folder.glob("data/images-*/DONE.json"):
        os.remove(done)
    return folder


def _kill(running: Running, after: float) -> None:
    time.sleep(after)
    running.kill(signal.SIGKILL)
    running.ended()
