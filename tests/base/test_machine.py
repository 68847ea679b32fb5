"""What a child computes with reaches it whole, and what the environment happens to have does not."""

import pytest

from evolve.base import machine
from evolve.base.machine import USUAL, Machine
from evolve.command.arguments import machine as of_words


@pytest.mark.parametrize(
    ("threads", "tasks", "at_a_time", "each"), [(8, 2, 2, 4), (2, 4, 2, 1), (1, 3, 1, 1), (3, 2, 2, 1), (0, 3, 1, 0)]
)
def test_what_runs_side_by_side_shares_out_the_threads(threads: int, tasks: int, at_a_time: int, each: int) -> None:
    given = Machine(threads, fast=False, blas_threads=7, tensorrt="rtx")
    blas = 1 if at_a_time > 1 else 7
    assert given.divided(tasks) == (at_a_time, Machine(each, fast=False, blas_threads=blas, tensorrt="rtx"))


def test_a_child_reads_what_its_parent_wrote(monkeypatch: pytest.MonkeyPatch) -> None:
    given = Machine(3, fast=False, blas_threads=2, tensorrt="rtx")
    outer = {"HOME": "/root", "OPENBLAS_NUM_THREADS": "64", "OMP_NUM_THREADS": "64", "FAST": "1", "THREADS": "9"}
    inner = given.environment(outer)
    assert (inner["HOME"], inner["OPENBLAS_NUM_THREADS"], inner["OMP_NUM_THREADS"]) == ("/root", "2", "2")
    for name, value in inner.items():
        monkeypatch.setenv(name, value)
    assert machine.of_this_process() == given


def test_where_nobody_said_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"FAST": "0", "THREADS": "7", "TENSORRT": "rtx"}.items():
        monkeypatch.setenv(name, value)
    assert machine.of_this_process() == USUAL == of_words({})


def test_of_the_words_of_a_command() -> None:
    assert of_words({"FAST": "0", "THREADS": "2", "TENSORRT": "rtx"}) == Machine(2, fast=False, tensorrt="rtx")
    assert of_words({"FAST": "1"}, threads=1) == Machine(1)
