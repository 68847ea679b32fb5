"""A run's share of the cores: divided by the runs at work beside it, and kept for all of its generations."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from evolve.base import processors
from evolve.base.machine import USUAL, Machine
from evolve.runs import generation, run_folder, threads
from evolve.runs.metrics import Versions
from tests.runs.made_up import metrics


@pytest.fixture(autouse=True)
def _eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processors, "usable", lambda: 8)


Begin = Callable[[Path], Path]


@pytest.fixture
def begin() -> Iterator[Begin]:
    """``begin(run)``: a run that is at work until the test ends."""
    with contextlib.ExitStack() as held:

        def _begin(run: Path) -> Path:
            held.enter_context(run_folder.held(run))
            return run

        yield _begin


def commit(run: Path, number: int, versions: Versions) -> Path:
    folder = run / f"gen{number:03d}"
    with generation.writing(folder) as unfinished:
        metrics(number, versions=versions).write(unfinished)
    return folder


def test_alone_a_run_has_every_core(tmp_path: Path, begin: Begin) -> None:
    assert threads.share(begin(tmp_path / "lenet" / "seed1")) == 8


def test_runs_at_work_share_the_cores_whatever_their_network(tmp_path: Path, begin: Begin) -> None:
    run = begin(tmp_path / "lenet" / "seed1")
    begin(tmp_path / "lenet" / "seed2")
    begin(tmp_path / "resnet" / "seed1")
    assert threads.share(run) == 2


@pytest.mark.parametrize("pid", ["a dead process's", "another's by now"])
def test_a_run_whose_process_died_takes_no_cores(tmp_path: Path, begin: Begin, pid: str) -> None:
    """kill -9 leaves its pid behind, which the system gives to another process some day."""
    run = begin(tmp_path / "lenet" / "seed1")
    gone = tmp_path / "lenet" / "seed2"
    with run_folder.held(gone):
        pass
    (gone / ".holder").write_text(f"{_dead_pid() if pid.startswith('a dead') else os.getppid()}\n")
    assert threads.share(run) == 8


def _dead_pid() -> int:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    return gone.pid


def test_more_runs_than_cores_have_one_thread_each(tmp_path: Path, begin: Begin) -> None:
    run = begin(tmp_path / "lenet" / "seed0")
    for number in range(1, 12):
        begin(tmp_path / "lenet" / f"seed{number}")
    assert threads.share(run) == 1


def test_a_run_keeps_the_number_that_it_began_with(tmp_path: Path, begin: Begin) -> None:
    run = begin(tmp_path / "lenet" / "seed1")
    commit(run, 1, Versions(threads="3"))
    assert threads.of_run(run, Machine(fast=False)) == Machine(threads=3, fast=False)


def test_more_threads_than_cores_are_told_of(
    tmp_path: Path, begin: Begin, capsys: pytest.CaptureFixture[str]
) -> None:
    """Begun on a machine with 64 cores, and resumed on one with 8."""
    run = begin(tmp_path / "lenet" / "seed1")
    commit(run, 1, Versions(threads="64"))
    assert threads.of_run(run, USUAL).threads == 64
    said = "goes on with 64 threads, which it was begun with, on 8 cores; THREADS=8 is faster, and the last bits of"
    assert f"{run}: {said}" in capsys.readouterr().out
    assert threads.of_run(run, Machine(threads=8)).threads == 8 and not capsys.readouterr().out


def test_what_a_damaged_generation_says_does_not_count(tmp_path: Path, begin: Begin) -> None:
    run = begin(tmp_path / "lenet" / "seed1")
    first = commit(run, 1, Versions(threads="3"))
    metrics(1, versions=Versions(threads="1")).write(first)
    assert threads.of_run(run, USUAL).threads == 8
    commit(run, 2, Versions(threads="3"))
    assert threads.of_run(run, USUAL).threads == 3


def test_a_run_begun_on_stock_layers_gets_its_share(tmp_path: Path, begin: Begin) -> None:
    run = begin(tmp_path / "lenet" / "seed1")
    commit(run, 1, Versions(layers="stock"))
    assert threads.of_run(run, USUAL).threads == 8


def test_what_the_user_says_comes_first(tmp_path: Path, begin: Begin) -> None:
    run = begin(tmp_path / "lenet" / "seed1")
    commit(run, 1, Versions(threads="3"))
    assert threads.of_run(run, Machine(threads=5)).threads == 5
