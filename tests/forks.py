"""Processes that tests start are forked from one that has imported what they need: a small part of a start's time.

These are Caffe's workers and engines, which a Child starts, scripts that use Caffe, and commands; and what a Child of
those starts, which they are lent. The first of each environment, which may be read before a process begins, is started
as ever.
"""

import ctypes
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from evolve.base import child
from tests.forked import Forked, as_child
from tests.lending import lend

_ROOT = Path(__file__).resolve().parents[1]
_SERVING, _WORKER, _COMMAND = "evolve.base.serving", "evolve.training.worker", "evolve.command.command"
# What a worker imports before it trains, scores or says its versions. Each loads the fast layers itself.
_WITH_CAFFE = ("caffe", "fastcaffe", _SERVING, *(f"evolve.training.{name}" for name in ("train", "evaluate", "gpu")))
# What most verbs import; none of it is Caffe.
_WITHOUT = (_COMMAND, "evolve.lineage.check", "evolve.lineage.lineage", "evolve.figures.table")
# What a Child runs, and a sweep; and an engine's process, with the first of its words. ONNX Runtime starts a thread.
_CHILDREN: dict[tuple[str, ...], tuple[str, ...]] = {(_WORKER,): _WITH_CAFFE, (_COMMAND,): _WITHOUT} | {
    ("trt.speed.worker", name): ("trt.speed.engines", _SERVING, f"trt.speed.engines.{module}_")
    for name, module in {"caffe": "caffe", "openvino": "openvino", "openvino-int8": "openvino"}.items()
}
# Read when they are needed, none by what a zygote has imported. The path is put into place by the zygote.
_READ_LATER = ("CAVEFISH_", "FASTCAFFE_", "PYTEST_CURRENT_TEST", "PYTHONPATH", "XDG_CACHE_HOME")
# With more of OpenBLAS's threads, no process can be forked into a whole one.
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}
_PR_SET_CHILD_SUBREAPER = 36


class _Zygote:
    """One with that environment and those modules."""

    def __init__(self, environment: dict[str, str], modules: Sequence[str]) -> None:
        self.modules = modules
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.zygote", str(theirs.fileno()), *modules], cwd=_ROOT,
                env=environment | {"PYTHONPATH": str(_ROOT)}, pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        # Not where something cannot be imported, or starts threads.
        self.ready = self._socket.recv(16) == b"ready"

    def fork(
        self, words: Sequence[str], folder: Path | None, environment: Mapping[str, str], descriptors: Sequence[int]
    ) -> int:
        """The pid of a child of this process that does what ``python <words>`` would, with those descriptors."""
        asked = {"words": words, "folder": os.path.abspath(folder or "."), "environment": dict(environment)}
        with _adopting():
            socket.send_fds(self._socket, [json.dumps(asked).encode()], descriptors)
            return int(self._socket.recv(32))

    def end(self) -> None:
        """Ends it, and returns when it is gone."""
        self._socket.close()
        self._process.wait()


class Forks:
    """Processes as subprocess starts them; an environment that is asked for again has a zygote from then on."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._zygotes: dict[Any, _Zygote | None] = {}

    def start(self, words: list[str], *, env: dict[str, str], **others: Any) -> "Forked | subprocess.Popen[bytes]":
        """A Child's subprocess.Popen: what can be is forked where that makes no difference."""
        if not others["pass_fds"]:
            with self._turn:
                if zygote := self._of_child(words, env):
                    return as_child(partial(self._fork, zygote, words[1:], others["cwd"], env), **others)
        return subprocess.Popen(words, env=env, **others)

    def _of_child(self, words: list[str], environment: Mapping[str, str]) -> _Zygote | None:
        """The zygote of the module that a Child of those words runs."""
        modules = words[2] == _SERVING and (_CHILDREN.get((words[4],)) or _CHILDREN.get(tuple(words[4:6])))
        return self._zygote(environment, modules) if modules and environment.items() >= _ONE_THREAD.items() else None

    def _lent(self, asked: dict[str, Any], descriptors: Sequence[int]) -> Forked | None:
        """What a borrower's Child is to be, as a child of this process; None where it is to be started."""
        _, minus_m, serving, _, *words = asked["words"]
        environment = asked["environment"]
        with self._turn:
            if not (zygote := self._of_child(asked["words"], environment)):
                return None
            words = [minus_m, serving, str(os.getpid()), *words]
            return Forked(self._fork(zygote, words, asked["folder"], environment, descriptors))

    def _fork(
        self, zygote: _Zygote, words: list[str], folder: Path, environment: Mapping[str, str],
        descriptors: Sequence[int],
    ) -> int:  # fmt: skip
        """As the zygote does; whoever may start workers is lent them."""
        if zygote.modules != _WITHOUT:
            return zygote.fork(words, folder, environment, descriptors)
        with lend(self._lent) as lender:
            return zygote.fork(words, folder, environment, [*descriptors, lender.fileno()])

    def script(self, script: str, *words: str, folder: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
        """``python -c <script> <words>``, a script that uses Caffe, there; with more in its environment."""
        environment = {"PYTHONPATH": str(_ROOT), **os.environ, **_ONE_THREAD, **variables}
        return self._run(["-c", script, *words], folder, environment, environment, _WITH_CAFFE)

    def begun(
        self, script: str, *words: str, folder: Path, environment: Mapping[str, str]
    ) -> "Forked | subprocess.Popen[bytes]":
        """``python -c <script> <words>`` at work, a script that evolves, there; what it prints is lost."""
        arguments = ["-c", script, *words]
        with self._turn, open(os.devnull, "r+") as nothing:
            if zygote := self._zygote(environment, _WITHOUT):
                standard = [nothing.fileno(), nothing.fileno(), 2]
                return Forked(self._fork(zygote, arguments, folder, environment, standard))
            return subprocess.Popen([sys.executable, *arguments], cwd=folder, env=environment, stdout=nothing)

    def command(self, *words: str, folder: Path, environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
        """``cavefish <words>``, there, with that environment alone. NumPy has one thread."""
        whole = {"PYTHONPATH": str(_ROOT), **environment}
        return self._run(["-m", _COMMAND, *words], folder, whole, {**whole, **_ONE_THREAD}, _WITHOUT)

    def _run(
        self, words: list[str], folder: Path, environment: Mapping[str, str], begun_with: Mapping[str, str],
        modules: Sequence[str],
    ) -> "subprocess.CompletedProcess[str]":  # fmt: skip
        with self._turn:
            zygote = self._zygote(begun_with, modules)
        if not zygote:
            started = [sys.executable, *words]
            return subprocess.run(started, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors, open(os.devnull) as nothing:
            with self._turn:
                standard = [each.fileno() for each in (nothing, out, errors)]
                pid = self._fork(zygote, words, folder, environment, standard)
            status = _ended(Forked(pid))
            said = [(each.seek(0), each.read())[1] for each in (out, errors)]
        return subprocess.CompletedProcess(words, status, *said)

    def _zygote(self, environment: Mapping[str, str], modules: Sequence[str]) -> _Zygote | None:
        settled = {name: value for name, value in environment.items() if not name.startswith(_READ_LATER)}
        key = (frozenset(settled.items()), modules)
        if key in self._zygotes:
            self._zygotes[key] = self._zygotes[key] or _Zygote(settled, modules)
        zygote = self._zygotes.setdefault(key, None)
        return zygote if zygote and zygote.ready else None

    def end(self) -> None:
        """Ends the zygotes, and returns when they are gone."""
        for zygote in self._zygotes.values():
            if zygote:
                zygote.end()
        self._zygotes.clear()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Every Child of this process is started so."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(child, "subprocess", SimpleNamespace(**{**vars(subprocess), "Popen": self.start}))
            yield


FORKS = Forks()  # this test process's


def environment() -> dict[str, str]:
    """A command's: this checkout's code, nobody's data and runs, and nothing downloaded."""
    kept = {name: value for name, value in os.environ.items() if name not in ("CAVEFISH_DATA", "CAVEFISH_RUNS")}
    return kept | {"PYTHONPATH": str(_ROOT), "CAVEFISH_OFFLINE": "1"}


def _ended(forked: Forked) -> int:
    """Its exit status; as of subprocess.run, it ends with whoever is interrupted while waiting for it."""
    try:
        return forked.wait()
    except BaseException:
        forked.kill()
        forked.wait()
        raise


@contextmanager
def _adopting() -> Iterator[None]:
    """Whoever loses its parent meanwhile is a child of this process."""
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1)
    try:
        yield
    finally:
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 0)
