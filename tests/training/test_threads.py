"""A run's share of the cores: divided by the runs at work beside it, and kept for all of its generations."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from evolve.errors import UserError
from evolve.training import threads


@pytest.fixture(autouse=True)
def _eight_cores(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    monkeypatch.setattr(threads, "_QUOTA", tmp_path / "cpu.max")


def begin(run: Path, pid: int) -> Path:
    run.mkdir(parents=True)
    (run / ".holder").write_text(f"{pid}\n")
    return run


def commit_first(run: Path, versions: dict[str, str]) -> None:
    (run / "gen001").mkdir()
    (run / "gen001" / "DONE.json").write_text("{}")
    (run / "gen001" / "metrics.json").write_text(json.dumps({"versions": versions}))


def dead_pid() -> int:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    return gone.pid


def test_alone_a_run_has_every_core(tmp_path: Path) -> None:
    assert threads.share(begin(tmp_path / "lenet" / "seed1", os.getpid())) == 8


def test_runs_at_work_share_the_cores_whatever_their_network(tmp_path: Path) -> None:
    run = begin(tmp_path / "lenet" / "seed1", os.getpid())
    begin(tmp_path / "lenet" / "seed2", os.getpid())
    begin(tmp_path / "resnet" / "seed1", os.getpid())
    assert threads.share(run) == 2


def test_a_run_whose_process_died_takes_no_cores(tmp_path: Path) -> None:
    run = begin(tmp_path / "lenet" / "seed1", os.getpid())
    begin(tmp_path / "lenet" / "seed2", dead_pid())
    assert threads.share(run) == 8


def test_more_runs_than_cores_have_one_thread_each(tmp_path: Path) -> None:
    run = begin(tmp_path / "lenet" / "seed0", os.getpid())
    for number in range(1, 12):
        begin(tmp_path / "lenet" / f"seed{number}", os.getpid())
    assert threads.share(run) == 1


@pytest.mark.parametrize(("quota", "cores"), [("250000 100000", 2), ("50000 100000", 1), ("max 100000", 8)])
def test_a_containers_quota_holds(tmp_path: Path, quota: str, cores: int) -> None:
    (tmp_path / "cpu.max").write_text(quota + "\n")
    assert threads.cores() == cores


def test_a_run_keeps_the_number_that_it_began_with(tmp_path: Path) -> None:
    run = begin(tmp_path / "lenet" / "seed1", os.getpid())
    commit_first(run, {"threads": "3"})
    with threads.shared_out(run):
        assert os.environ["THREADS"] == "3"
    assert "THREADS" not in os.environ


def test_a_run_begun_on_stock_layers_gets_its_share(tmp_path: Path) -> None:
    run = begin(tmp_path / "lenet" / "seed1", os.getpid())
    commit_first(run, {"layers": "stock"})
    with threads.shared_out(run):
        assert os.environ["THREADS"] == "8"


def test_what_the_user_says_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THREADS", "5")
    run = begin(tmp_path / "lenet" / "seed1", os.getpid())
    commit_first(run, {"threads": "3"})
    with threads.shared_out(run):
        assert os.environ["THREADS"] == "5"
    assert os.environ["THREADS"] == "5"


@pytest.mark.parametrize("wrong", ["0", "two", "-1"])
def test_a_number_that_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv("THREADS", wrong)
    with pytest.raises(UserError, match=f"THREADS={wrong}: expected a whole number of 1 or more"):
        with threads.shared_out(tmp_path):
            pass


@pytest.mark.parametrize(
    ("given", "tasks", "at_a_time", "each"), [("8", 2, 2, "4"), ("2", 4, 2, "1"), ("1", 3, 1, "1"), ("3", 2, 2, "1")]
)
def test_what_runs_side_by_side_shares_out_the_threads(
    given: str, tasks: int, at_a_time: int, each: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THREADS", given)
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    with threads.divided(tasks) as together:
        assert together == at_a_time and os.environ["THREADS"] == each
        assert os.environ["OMP_NUM_THREADS"] == ("1" if at_a_time > 1 else "7")
        assert os.environ.get("OPENBLAS_NUM_THREADS") == ("1" if at_a_time > 1 else None)
    assert (os.environ["THREADS"], os.environ["OMP_NUM_THREADS"]) == (given, "7")
    assert "OPENBLAS_NUM_THREADS" not in os.environ
