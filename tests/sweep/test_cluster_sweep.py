"""A sweep on a real Dask scheduler with two worker processes, one of which is killed in the middle of a training."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from evolve.base.errors import UserError
from evolve.runs import paths
from evolve.sweep import cluster, plan
from evolve.sweep.child import Ended
from tests.forks import environment
from tests.sweep.conftest import SECONDS, Place, caffemodels, make_place, processes, wait_for

distributed = pytest.importorskip("distributed")

LONG = "offspring_training=300it"  # so that a worker can be killed in it
ENDLESS = "offspring_training=50000it"


@dataclass(frozen=True)
class Cluster:
    """A scheduler and two workers, a thread each, that were started in a folder of their own."""

    address: str
    workers: list[subprocess.Popen[bytes]]


@pytest.fixture
def dask(tmp_path: Path) -> Iterator[Cluster]:
    folder = tmp_path / "dask"
    folder.mkdir()
    file = folder / "scheduler.json"
    with contextlib.ExitStack() as stack:

        def start(name: str, *words: str) -> subprocess.Popen[bytes]:
            command = [sys.executable, "-m", f"distributed.cli.dask_{name}", "--no-dashboard", *words]
            log = stack.enter_context(open(folder / f"{name}.log", "ab"))
            process = subprocess.Popen(command, cwd=folder, env=environment(), stdout=log, stderr=log)
            stack.callback(process.wait)
            stack.callback(process.kill)
            return process

        scheduler = start("scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file))
        wait_for(lambda: file.exists() and file.read_text())
        address = json.loads(file.read_text())["address"]
        kind = ("--nthreads", "1", "--no-nanny", "--local-directory", str(folder))
        workers = [start("worker", address, "--name", str(number), *kind) for number in (1, 2)]
        with distributed.Client(address, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=int(SECONDS))
        assert scheduler.poll() is None
        yield Cluster(address, workers)


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def in_training(run: Path, iteration: int) -> bool:
    with contextlib.suppress(OSError):
        return f"] Iteration {iteration}," in (run / ".gen002.unfinished" / "train.log").read_text()
    return False


def test_a_worker_that_is_killed_costs_the_generation_that_it_trained(
    tmp_path: Path, dask: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = make_place(tmp_path / "reference")
    for seed in (1, 2, 3):
        reference.evolve(seed, LONG, 2)
    place = make_place(tmp_path / "place")
    running = place.start("SEEDS=1..3", f"SET={LONG}", "GEN=2", f"SCHEDULER={dask.address}")
    struck = place.runs / "offspring_training=300it-seed1"
    wait_for(lambda: in_training(struck, 20), running)
    first = (struck / "gen001" / "DONE.json").stat().st_mtime_ns
    worker = parent(int((struck / ".holder").read_text()))
    assert worker in [each.pid for each in dask.workers]
    os.kill(worker, signal.SIGKILL)
    out, errors = running.communicate(timeout=SECONDS)
    assert running.returncode == 0, errors
    assert f"{dask.address}: 2 workers, 2 runs side by side\n" in out
    assert caffemodels(place.runs) == caffemodels(reference.runs)
    assert len(caffemodels(place.runs)) == 6
    # It was killed in generation 2, and generation 1 is the one that was there; nothing was set aside.
    assert (struck / "gen001" / "DONE.json").stat().st_mtime_ns == first
    assert not list(place.runs.rglob("*damaged*")) and not list(place.runs.rglob("*.unfinished"))
    rows = [line.split() for line in out.splitlines() if line.startswith(" offspring_training=300it ")]
    assert [row[1:3] for row in rows] == [["3", "2"]]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_sweep_that_ends_ends_its_runs_on_the_workers(tmp_path: Path, dask: Cluster, number: signal.Signals) -> None:
    place = make_place(tmp_path / "place")
    running = place.start("SEEDS=1,2", f"SET={ENDLESS}", "GEN=2", f"SCHEDULER={dask.address}")
    wait_for(lambda: all(in_training(place.runs / f"offspring_training=50000it-seed{n}", 10) for n in (1, 2)), running)
    running.send_signal(number)
    _, errors = running.communicate(timeout=SECONDS)
    if number == signal.SIGINT:
        assert (running.returncode, errors.strip()) == (
            130, "cavefish: stopped; what is committed stays, and the same command resumes",
        )  # fmt: skip
    wait_for(lambda: not processes(str(place.folder)))
    assert all(each.poll() is None for each in dask.workers)
    assert sorted(path.name for path in place.runs.glob("*/gen*")) == ["gen001", "gen001"]
    assert not list(place.runs.rglob("*.unfinished")) and not list(place.runs.rglob(".holder"))


def test_no_scheduler_there(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_SECONDS_TO_CONNECT", 1)
    with pytest.raises(UserError) as refused, cluster.connected("tcp://127.0.0.1:9"):
        pass
    said = str(refused.value)
    assert said.startswith("SCHEDULER=tcp://127.0.0.1:9: expected a scheduler, got: ")
    assert said.endswith("; `dask scheduler` starts one")
    with pytest.raises(UserError) as refused, cluster.connected("nowhere://x"):
        pass
    assert str(refused.value).startswith("SCHEDULER=nowhere://x: expected a scheduler, got: unknown address scheme")
    monkeypatch.setattr("distributed.Client", None)
    wrong = {
        "nonsense": "missing port number in address 'nonsense'",
        "tcp://there": "missing port number in address 'there'",
        "tcp://there:99999": "no such port as 99999",
    }
    for address, why in wrong.items():
        with pytest.raises(UserError) as refused, cluster.connected(address):
            pass
        assert str(refused.value) == (
            f"SCHEDULER={address}: expected a scheduler, got: {why}; `dask scheduler` starts one"
        )


def test_without_dask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UserError) as refused, cluster.connected("tcp://there:1"):
        pass
    assert str(refused.value) == "SCHEDULER=tcp://there:1: Dask is missing; `make sweep SCHEDULER=` installs it"


def test_a_worker_without_the_filesystem(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place.folder)
    (run,) = plan.make(plan.Wanted("tiny")).runs
    monkeypatch.setattr("socket.gethostname", lambda: "node7")
    assert cluster.work(run) == Ended(2, f"worker node7 has no {run.folder}; workers must share this filesystem")
    assert not place.runs.exists()


class Client:
    """Stands in for distributed's: a task ends as `ends` has it, one after the other."""

    def __init__(self, *ends: Any) -> None:
        self.ends = list(ends)
        self.keys: list[str] = []

    def submit(self, work: Any, run: plan.PlannedRun, key: str, **named: Any) -> Any:
        self.keys.append(key)
        return Future(self.ends.pop(0))


@dataclass(frozen=True, eq=False)
class Future:
    end: Any

    def done(self) -> bool:
        return True

    def result(self) -> Any:
        if isinstance(self.end, Exception):
            raise self.end
        return self.end


def killed() -> Exception:
    return distributed.KilledWorker("task", None, 3)


def test_workers_that_die_are_forgiven_while_generations_come(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dask gives a task up once four workers died on it, which happens to long runs on machines that come and go."""
    monkeypatch.chdir(place.folder)
    (run,) = plan.make(plan.Wanted("tiny")).runs
    client = Client(killed(), killed(), Ended(0))
    tasks = cluster._Tasks(client, [run])
    (run.folder / "gen001").mkdir(parents=True)
    (run.folder / "gen001" / paths.DONE).touch()
    assert list(tasks.take_ended()) == [] and len(set(client.keys)) == 2
    # Nothing gained by the second try.
    message = "4 workers died on it without a generation gained; see their logs"
    assert list(tasks.take_ended()) == [(run, Ended(1, message))]
    assert not tasks.futures


@pytest.mark.parametrize(
    ("error", "ended"),
    [
        (
            distributed.CancelledError("task"),
            Ended(2, "lost its scheduler; once that is there again, the same command resumes"),
        ),
        (ImportError("no evolve"), Ended(1, "a fault of its worker: ImportError: no evolve")),
    ],
)
def test_what_else_can_become_of_a_task(
    place: Place, monkeypatch: pytest.MonkeyPatch, error: Exception, ended: Ended
) -> None:
    monkeypatch.chdir(place.folder)
    (run,) = plan.make(plan.Wanted("tiny")).runs
    assert list(cluster._Tasks(Client(error), [run]).take_ended()) == [(run, ended)]
