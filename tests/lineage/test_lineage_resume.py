"""A lineage killed at any moment: its run resumes, and what follows is what an uninterrupted run has, bit by bit."""

import csv
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evolve.base.errors import UserError
from evolve.runs import generation, run_folder
from evolve.runs.metrics import Metrics
from evolve.settings import changes
from tests.forked import Forked
from tests.forks import FORKS
from tests.lineage.conftest import EVOLUTION, Place

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 900.0  # far more than anything here takes, on a machine with other things to do

# Runs the lineage, and kills itself without warning when a call is made, or has returned, while generation 3 is made.
CHILD = """
import importlib, os, signal, sys
from pathlib import Path
from evolve.lineage import lineage

module, name, when, last_word = sys.argv[1:]
if module:
    owner = importlib.import_module(module)
    original = getattr(owner, name)
    run = Path("runs/tiny/seed1")

    def watched(*arguments, **named):
        meant = run.joinpath(".gen003.unfinished").exists() or run.joinpath("gen003").exists()
        meant = meant and (not last_word or str(arguments[0]).endswith(last_word))
        if meant and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*arguments, **named)
        if meant and when == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, watched)
lineage.evolve("tiny")
"""

# Where -> module, function, before or after its call, the end of its first argument, generations there afterwards.
MOMENTS = {
    "the folder is made": ("evolve.lineage.offspring", "make", "before", "", 2),
    "the masked offspring is half on disk": ("evolve.network.weights", "write", "after", "masked.caffemodel", 2),
    "training is about to begin": ("evolve.lineage.trained", "train", "before", "", 2),
    "training has ended": ("evolve.lineage.trained", "train", "after", "", 2),
    "the caffemodel is written": ("evolve.network.weights", "write", "after", "weights.caffemodel", 2),
    "all is written": ("evolve.runs.generation", "_commit", "before", "", 2),
    "DONE.json is written": ("evolve.base.files", "write_whole", "after", "DONE.json", 2),
    "it is committed": ("evolve.runs.generation", "_commit", "after", "", 3),
    "lineage.csv is about to be written": ("evolve.base.files", "write_whole", "before", "lineage.csv", 3),
    "lineage.csv is written": ("evolve.base.files", "write_whole", "after", "lineage.csv", 3),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_when(moment: str, begun: Callable[[int], Any], reference: Any) -> None:
    place = begun(2)
    *hook, committed = MOMENTS[moment]
    child = _child(place.folder, *hook)
    assert child.wait(SECONDS) == -signal.SIGKILL
    assert run_folder.committed(place.run) == list(range(1, committed + 1))
    _resumes_as_if_nothing_had_been(place, reference)


@pytest.mark.parametrize("seed", range(4))
def test_killed_at_random_while_generation_3_is_made(seed: int, begun: Callable[[int], Any], reference: Any) -> None:
    place = begun(2)
    child = _child(place.folder)
    unfinished = place.run / ".gen003.unfinished"
    while not unfinished.exists():
        assert child.poll() is None
        time.sleep(0.001)
    time.sleep(random.Random(seed).uniform(0, 0.6))
    child.kill()
    child.wait()
    assert len(run_folder.committed(place.run)) >= 2
    _resumes_as_if_nothing_had_been(place, reference)


def test_killed_again_and_again(begun: Callable[[int], Any], reference: Any) -> None:
    place = begun(2)
    for moment in ("training has ended", "DONE.json is written", "it is committed"):
        *hook, _ = MOMENTS[moment]
        assert _child(place.folder, *hook).wait(SECONDS) == -signal.SIGKILL
    _resumes_as_if_nothing_had_been(place, reference)


def test_a_second_process_is_refused_with_the_holders_pid(place: Any) -> None:
    hold = (
        "import sys\nfrom pathlib import Path\nfrom evolve.runs import run_folder\n"
        "with run_folder.held(Path(sys.argv[1])):\n    print('held', flush=True)\n    sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", hold, str(place.run)]
    with subprocess.Popen(
        command, env=_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdin and holder.stdout
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(UserError) as refused:
            place.evolve(1)
        assert str(refused.value) == (
            f"{place.run}: process {holder.pid} is at work on this run; wait for it, or name another with RUN="
        )
        # Killed without warning, it holds the run no more.
        holder.kill()
        holder.wait()
        with run_folder.held(place.run):
            assert (place.run / ".holder").read_text() == f"{os.getpid()}\n"
    assert not (place.run / ".holder").exists()


def _resumes_as_if_nothing_had_been(place: Any, reference: Any) -> None:
    place.evolve()
    for number in range(1, 5):
        folder = place.run / f"gen{number:03d}"
        assert generation.exists(folder)
        assert (folder / "weights.caffemodel").read_bytes() == reference.caffemodel(number)
    with open(place.run / "lineage.csv", newline="") as ours, open(reference.run / "lineage.csv", newline="") as theirs:
        assert _timeless(ours) == _timeless(theirs)
    # Nothing half-made is left, and nothing was set aside.
    left = sorted(path.name for path in place.run.iterdir() if path.name not in (".lock", ".holder", ".asked"))
    assert left == ["gen001", "gen002", "gen003", "gen004", "lineage.csv", "prototxt", "report.html"]


def _timeless(lineage: Any) -> list[dict[str, str]]:
    return [row | {"train_seconds": ""} for row in csv.DictReader(lineage)]


def _child(folder: Path, *hook: str) -> "Forked | subprocess.Popen[bytes]":
    return FORKS.begun(CHILD, *(hook or ("", "", "", "")), folder=folder, environment=_environment())


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT)}


def test_what_was_begun_with_set_goes_on_with_it(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """Without SET= the run's own stays in force, and is said; another one is refused as before."""
    place.evolve(1, run="mine", changed=changes.single("offspring_training=8it; precision=FLOAT"))
    capsys.readouterr()
    run = place.evolve(2, run="mine")
    said = f"{run}: goes on with SET='offspring_training=8it;precision=FLOAT', which it was begun with\n"
    assert capsys.readouterr().out.startswith(said)
    second = Metrics.read(run / "gen002")
    assert (second.training.iterations, second.number_format) == (8, "FLOAT")
    with pytest.raises(UserError, match="evolution.prototxt:.*this run was begun with other text"):
        place.evolve(3, run="mine", changed=changes.single("offspring_training=9it"))


def test_what_was_begun_with_a_schedule_goes_on_with_it(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    tiny = place.folder / "tiny"
    (tiny / "evolution.quick.prototxt").write_text(EVOLUTION.replace("100it", "20it").replace("40it", "8it"))
    place.evolve(1, run="mine", schedule="quick")
    capsys.readouterr()
    run = place.evolve(2, run="mine")
    assert capsys.readouterr().out.startswith(f"{run}: goes on with SCHEDULE=quick, which it was begun with\n")
    assert Metrics.read(run / "gen002").training.iterations == 8
