"""A sweep on three hosts, of which one is cut off from the scheduler in the middle of a training, and joined again."""

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.forks import environment
from tests.sweep.conftest import SECONDS, Place, caffemodels, make_place, processes, wait_for
from tests.sweep.hosts import Hosts, hosts

pytest.importorskip("distributed")

# A training of generation 2 stands at its twentieth iteration until a file called open is there.
GATE = '''
import os, time
from pathlib import Path
import caffe

HERE = Path(__file__).parent

class Gate(caffe.Layer):
    def setup(self, bottom, top):
        self.passes = 0

    def reshape(self, bottom, top): ...

    def forward(self, bottom, top):
        self.passes += 1
        folder = Path.cwd()
        if folder.name == ".gen002.unfinished" and self.passes == 20:
            (HERE / f"{folder.parent.name}.{os.getpid()}.stands").touch()
            while not (HERE / "open").exists():
                time.sleep(0.02)

    def backward(self, top, propagate_down, bottom): ...
'''
GATED = """layer { name: "gate" type: "Python" bottom: "ip1" top: "ip1" include { phase: TRAIN }
  python_param { module: "gate" layer: "Gate" } }
layer { name: "ip2" """
TYPES = """from evolve.network.layers import LayerType, register
register(LayerType("Gate", module="gate", constant=lambda given: [given.first]))
"""
NOTICED = "12s"  # after which a connection that nothing comes through is given up; Dask takes no less


class Cluster:
    """A scheduler on host 1, and a worker on each host."""

    def __init__(self, folder: Path, network: Hosts, modules: Path) -> None:
        self._folder, self._network = folder, network
        self._stack = contextlib.ExitStack()
        more = {"PYTHONPATH": f"{modules}:{environment()['PYTHONPATH']}"}
        self.environment = {**environment(), **more, "DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": NOTICED}
        self.address = f"tcp://{network.address(1)}:8786"
        folder.mkdir()

    def __enter__(self) -> "Cluster":
        self._start(1, "scheduler", "--host", self._network.address(1), "--port", "8786")
        self.workers = {number: self.start_worker(number) for number in self._network.names}
        wait_for(lambda: self.registered() == len(self.workers) or any(self.ended()))
        assert not self.ended(), self._folder
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def start_worker(self, number: int) -> subprocess.Popen[bytes]:
        """A worker of one thread on a host."""
        words = ("--nthreads", "1", "--no-nanny", "--local-directory", str(self._folder))
        return self._start(number, "worker", self.address, *words)

    def sweep(self, folder: Path) -> subprocess.Popen[str]:
        """Two runs of three generations, asked for on host 1."""
        command = (sys.executable, "-m", "evolve.command.command", "sweep", "NET=tiny", "SEEDS=1,2", "GEN=3")
        return subprocess.Popen(
            self._network.on(1, *command, f"SCHEDULER={self.address}"), cwd=folder, env=self.environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def ended(self) -> list[int]:
        """The hosts whose worker has ended."""
        return [number for number, worker in self.workers.items() if worker.poll() is not None]

    def registered(self) -> int:
        """How many workers the scheduler has ever met."""
        return (self._folder / "scheduler1.log").read_text().count("Register worker")

    def _start(self, number: int, name: str, *words: str) -> subprocess.Popen[bytes]:
        command = (sys.executable, "-m", f"distributed.cli.dask_{name}", "--no-dashboard", *words)
        log = self._stack.enter_context(open(self._folder / f"{name}{number}.log", "ab"))
        process = subprocess.Popen(
            self._network.on(number, *command), cwd=self._folder, env=self.environment, stdout=log, stderr=log
        )
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)
        return process


@contextlib.contextmanager
def watched(runs: Path) -> Iterator[set[tuple[str, int]]]:
    """Every generation that is ever there while the context is, by its place and its folder's inode."""
    seen: set[tuple[str, int]] = set()
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.01):
            for path in runs.glob("*/gen[0-9]*"):
                with contextlib.suppress(OSError):
                    seen.add((str(path.relative_to(runs)), path.stat().st_ino))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "gate.py").write_text(GATE)
    return folder


@pytest.fixture
def gated(tmp_path: Path) -> Callable[[str], Place]:
    def _gated(name: str) -> Place:
        place = make_place(tmp_path / name)
        network = place.folder / "tiny"
        text = (network / "train_val.prototxt").read_text()
        (network / "train_val.prototxt").write_text(text.replace('layer { name: "ip2" ', GATED))
        (network / "layer_types.py").write_text(TYPES)
        return place

    return _gated


def holder(run: Path) -> int:
    with contextlib.suppress(OSError, ValueError):
        return int((run / ".holder").read_text())
    return 0


def _cut_off_for_a_second(network: Hosts, host: int) -> None:
    """So short that nobody notices."""
    network.cut_off(host)
    time.sleep(1)
    network.join(host)
    time.sleep(1)


def test_a_host_that_is_cut_off_and_joined_again(
    tmp_path: Path, modules: Path, gated: Callable[[str], Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = gated("place")
    seeds = [place.runs / f"seed{number}" for number in (1, 2)]

    def stands(run: Path) -> int:
        return len(list(modules.glob(f"{run.name}.*.stands")))

    with hosts(3) as network, Cluster(tmp_path / "dask", network, modules) as cluster, watched(place.runs) as seen:
        sweep = cluster.sweep(place.folder)
        wait_for(lambda: all(map(stands, seeds)), sweep)
        struck = next(run for run in seeds if network.of(holder(run)) in (2, 3))
        first, host = holder(struck), network.of(holder(struck))
        assert host
        _cut_off_for_a_second(network, host)
        assert holder(struck) == first and stands(struck) == 1 and cluster.registered() == 3

        network.cut_off(host)
        # Its worker ends, and the run with it; the scheduler gives it to another host, which trains generation 2 anew.
        wait_for(lambda: stands(struck) == 2, sweep)
        assert network.of(holder(struck)) not in (None, host)
        wait_for(lambda: cluster.ended() == [host], sweep)
        network.join(host)
        cluster.start_worker(host)
        wait_for(lambda: cluster.registered() == 4, sweep)
        (modules / "open").touch()
        out, errors = sweep.communicate(timeout=SECONDS)
        assert sweep.returncode == 0, errors
    assert f"{cluster.address}: 3 workers, 3 runs side by side\n" in out
    assert sorted(name for name, _ in seen) == [f"seed{n}/gen00{g}" for n in (1, 2) for g in (1, 2, 3)]
    assert not list(place.runs.rglob("*.unfinished")) and not processes(str(place.folder))

    undisturbed = gated("undisturbed")
    monkeypatch.syspath_prepend(modules)
    for seed in (1, 2):
        undisturbed.evolve(seed, "", 3)
    assert caffemodels(place.runs) == caffemodels(undisturbed.runs) and len(caffemodels(place.runs)) == 6
