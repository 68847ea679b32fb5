"""A child that is stopped or stands still is told from one that takes long over a step, from outside."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from evolve.base import pulse
from evolve.base.pulse import Pulse
from evolve.training.caffe_process import CaffeKilled, CaffeProcess

ENDED = "; it was ended, and the same command resumes"


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks often, and waits for little."""
    monkeypatch.setattr(pulse, "SECONDS", 0.05)
    monkeypatch.setattr(pulse, "STOPPED", 6)
    monkeypatch.setattr(pulse, "STILL", 20)


@pytest.fixture
def child() -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    """``child(code)``: Python at work on it; it has begun."""
    started = []

    def _child(code: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", f"print(flush=True)\n{code}"]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE))
        assert started[-1].stdout and started[-1].stdout.readline() == b"\n"
        return started[-1]

    yield _child
    for each in started:
        each.kill()
        each.communicate()


def test_a_child_that_computes_is_left_alone(
    child: Callable[[str], subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulse, "STILL", 4)
    _left_alone(child("while True: pass"))


def test_so_is_one_whose_own_child_computes(
    child: Callable[[str], subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulse, "STILL", 4)
    of_its_own = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'while True: pass'])"
    waiting = child(of_its_own)
    _left_alone(waiting)
    for pid, state in pulse._states().items():
        if state.parent == waiting.pid:
            os.kill(pid, signal.SIGKILL)


def test_one_that_is_stopped_is_noticed(child: Callable[[str], subprocess.Popen[bytes]]) -> None:
    stopped = child("while True: pass")
    stopped.send_signal(signal.SIGSTOP)
    assert _looked_at(stopped, looks=100) == "was stopped (SIGSTOP) and did not go on for 0 s"


def test_one_that_goes_on_in_time_is_not(child: Callable[[str], subprocess.Popen[bytes]]) -> None:
    stopped = child("while True: pass")
    watched = Pulse(stopped.pid)
    for _ in range(3):
        stopped.send_signal(signal.SIGSTOP)
        assert _looked_at(stopped, looks=4, watched=watched) == ""
        stopped.send_signal(signal.SIGCONT)
        assert _looked_at(stopped, looks=2, watched=watched) == ""


def test_one_that_computes_nothing_is_noticed(child: Callable[[str], subprocess.Popen[bytes]]) -> None:
    said = _looked_at(child("import time; time.sleep(600)"), looks=200)
    assert said == "has computed nothing for 1 s; see what its disk waits for"


def test_one_that_is_gone_says_nothing(child: Callable[[str], subprocess.Popen[bytes]]) -> None:
    gone = child("pass")
    gone.wait()
    assert _looked_at(gone, looks=2 * pulse.STILL) == ""


def test_a_stopped_caffe_is_ended_and_said(tmp_path: Path) -> None:
    _write_training(tmp_path, images=4, side=4)
    with CaffeProcess(tmp_path, tmp_path / "log", tmp_path / "net.prototxt") as caffe:
        pid = caffe.pid

        def stop(progress: dict[str, float]) -> None:
            os.kill(pid, signal.SIGSTOP)

        with pytest.raises(CaffeKilled) as stopped:
            caffe.call("train", stop, solver="solver.prototxt", output="trained")
    assert str(stopped.value) == f"Caffe's process was stopped (SIGSTOP) and did not go on for 0 s{ENDED}"
    assert not (Path("/proc") / str(pid)).exists()


def test_a_long_iteration_is_no_standstill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step of many times what a standstill takes, in which no thread of the child gets a turn."""
    monkeypatch.setattr(pulse, "SECONDS", 0.02)
    monkeypatch.setattr(pulse, "STILL", 4)
    _write_training(tmp_path, images=64, side=48, iterations=1, passes=10)
    look = Pulse.look
    looks: list[str] = []
    reports: list[dict[str, float]] = []

    def counted(self: Pulse) -> str:
        # Where others take the cores, it may get none between two looks.
        _await_work(self._pid)
        looks.append(look(self))
        return looks[-1]

    with CaffeProcess(tmp_path, tmp_path / "log", tmp_path / "net.prototxt") as caffe:
        caffe.call("versions")
        with monkeypatch.context() as patch:
            patch.setattr(Pulse, "look", counted)
            caffe.call("train", reports.append, solver="solver.prototxt", output="out")
    assert len(reports) == 1 and len(looks) > 3 * pulse.STILL and not any(looks)


def _await_work(pid: int, asleep: bool = False) -> None:
    """Until the process, or one that descends from it, has computed a little more; one asleep only if `asleep`."""
    before = pulse._computed(pid, pulse._states())
    while pulse._computed(pid, states := pulse._states()) == before and (asleep or states[pid].letter != "S"):
        time.sleep(0.002)


def _left_alone(process: subprocess.Popen[bytes]) -> None:
    """Looked at more often than a standstill is borne, each time it has computed a little, nothing is said of it."""
    watched = Pulse(process.pid)
    for _ in range(pulse.STILL + 5):
        _await_work(process.pid, asleep=True)
        assert watched.look() == ""


def _looked_at(process: subprocess.Popen[bytes], looks: int, watched: Pulse | None = None) -> str:
    """The first word of trouble in so many looks."""
    watched = watched or Pulse(process.pid)
    for _ in range(looks):
        time.sleep(pulse.SECONDS)
        if said := watched.look():
            return said
    return ""


def _write_training(
    folder: Path, images: int, side: int, iterations: int = 1_000_000_000, passes: int = 1
) -> None:
    """`passes` of an iteration are all in one step of the solver."""
    (folder / "net.prototxt").write_text(
        'layer { name: "data" type: "DummyData" top: "data" top: "label" dummy_data_param {\n'
        f"  shape {{ dim: {images} dim: 32 dim: {side} dim: {side} }} data_filler {{ type: \"constant\" value: 1 }}\n"
        f"  shape {{ dim: {images} }} }} }}\n"
        'layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"\n'
        '  convolution_param { num_output: 32 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } } }\n'
        'layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "ip"\n'
        '  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }\n'
        'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }\n'
    )
    (folder / "solver.prototxt").write_text(
        f'net: "net.prototxt" base_lr: 0 lr_policy: "fixed" max_iter: {iterations} random_seed: 1\n'
        f"iter_size: {passes} snapshot_after_train: false solver_mode: CPU\n"
    )
