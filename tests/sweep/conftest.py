"""The tiny network of tests/lineage, swept from the command line, on real Caffe."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from evolve.base.machine import Machine
from evolve.lineage import lineage
from evolve.settings import changes
from tests.forks import FORKS, environment
from tests.lineage.conftest import EVOLUTION, SOLVER, TRAIN_VAL

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 900.0  # far more than anything here takes, on a machine with other things to do


@dataclass(frozen=True)
class Place:
    """A folder to sweep in: tiny/ is the network, data/ and runs/ are Cavefish's."""

    folder: Path

    def start(self, *words: str, modules: Path = ROOT) -> subprocess.Popen[str]:
        """`cavefish sweep NET=tiny` with more words, in a process of its own; its Pythons look in `modules` first."""
        command = [sys.executable, "-m", "evolve.command.command", "sweep", "NET=tiny", *words]
        found = environment() | {"PYTHONPATH": os.pathsep.join(map(str, (modules, ROOT)))}
        return subprocess.Popen(
            command, cwd=self.folder, env=found, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def sweep(self, *words: str) -> subprocess.CompletedProcess[str]:
        """The same, waited for."""
        return FORKS.command("sweep", "NET=tiny", *words, folder=self.folder, environment=environment())

    def evolve(self, seed: int, words: str = "", generations: int = 0) -> Path:
        """One run by itself, in this process."""
        with contextlib.chdir(self.folder):
            changed, one = changes.single(words), Machine(threads=1)
            return lineage.evolve("tiny", generations, seed=seed, changed=changed, machine=one)

    @property
    def runs(self) -> Path:
        return self.folder / "runs" / "tiny"


def caffemodels(runs: Path) -> dict[str, bytes]:
    """Every generation's, by its place below `runs`."""
    return {str(path.relative_to(runs)): path.read_bytes() for path in sorted(runs.glob("*/gen*/weights.caffemodel"))}


def wait_for(what: Callable[[], object], process: subprocess.Popen[str] | None = None) -> None:
    """Until `what` is true; fails when `process` ends before."""
    deadline = time.monotonic() + SECONDS
    while not what():
        assert time.monotonic() < deadline
        if process and process.poll() is not None:
            pytest.fail(f"it ended with status {process.returncode}:\n{process.communicate()}")
        time.sleep(0.05)


def processes(word: str) -> list[int]:
    """Process ids of those that have `word` in their command line or below whose working directory they are."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if word in (folder / "cmdline").read_text() or str((folder / "cwd").readlink()).startswith(word):
                found.append(int(folder.name))
    return found


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Data in ./data, runs in ./runs, no download."""
    for name in ("CAVEFISH_DATA", "CAVEFISH_RUNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CAVEFISH_OFFLINE", "1")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return make_place(tmp_path)


def make_place(folder: Path) -> Place:
    network = folder / "tiny"
    network.mkdir(parents=True)
    for name, text in (("train_val", TRAIN_VAL), ("solver", SOLVER + "display: 10\n"), ("evolution", EVOLUTION)):
        (network / f"{name}.prototxt").write_text(text)
    return Place(folder)
