"""Caffe in a child process: a failed CHECK kills the child, and the parent says what it was about.

The child is `python -m evolve.training.worker`: requests go in and answers come out as JSON lines, and what Caffe
logs goes to a file. It runs with one BLAS thread, and never outlives its parent. One that is stopped, or computes
nothing, while it owes an answer is noticed by its pulse and ended.
"""

import json
import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from evolve.base import pulse
from evolve.base.errors import MachineError, UserError
from evolve.base.prototxt_text import line_of

Report = Callable[[dict[str, Any]], None]

_CHECK = re.compile(r"^F\d+ [\d:.]+\s+\d+ (?P<source>\S+?)\] (?P<text>.*)$", re.MULTILINE)
_LAYER = re.compile(r"(?:Creating [Ll]ayer|Setting up) (\S+)$", re.MULTILINE)
_NAMED = re.compile(r"(?:layer '|for layer )([^'\s]+)")
_WRITING = "SerializeToOstream"
_READY = "Network initialization done."


class CaffeError(UserError):
    """Caffe refused or failed: its own words, with the file and the layer that it was at."""


class CaffeKilled(CaffeError, MachineError):
    """Its process ended without a word of Caffe's: killed, standing still, or an environment that broke under it."""


class CaffeProcess:
    """A Caffe of its own to call tasks on; use it as a context, which ends it.

    `folder` is its working directory, against which Caffe resolves relative paths; `log` gets its stderr;
    `prototxt` is the user's own file, in which errors name the line of the layer.
    """

    def __init__(self, folder: Path, log: Path, prototxt: Path) -> None:
        self._log = log
        self._prototxt = prototxt
        self._from = log.stat().st_size if log.exists() else 0
        with open(log, "ab") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "evolve.training.worker", str(os.getpid())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                cwd=folder,
                env=_environment(),
                text=True,
                # Ctrl-C in a terminal reaches every process of the group; ending the child is the parent's to do.
                start_new_session=True,
            )

    def __enter__(self) -> "CaffeProcess":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            # Closing writes what a dead child did not read.
            with suppress(BrokenPipeError):
                stream.close()  # type: ignore[union-attr]

    def kill(self) -> None:
        """Ends it at once, from any thread: a call under way raises CaffeKilled."""
        self._process.kill()

    def call(self, task: str, report: Report = lambda progress: None, **arguments: Any) -> dict[str, Any]:
        """Runs one of worker.TASKS and returns its answer; `report` gets its progress. Raises CaffeError."""
        assert self._process.stdin
        try:
            self._process.stdin.write(json.dumps({"task": task, "arguments": arguments}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._death() from None
        for message in self._messages():
            if "progress" in message:
                report(message["progress"])
            elif "error" in message:
                raise (MachineError if message["of_disk"] else CaffeError)(message["error"])
            else:
                return dict(message["answer"])
        raise self._death()

    def _messages(self) -> Iterator[dict[str, Any]]:
        """What the child says, until its end. CaffeKilled where it is silent and will stay so."""
        assert self._process.stdout
        out, watched, said = self._process.stdout.fileno(), pulse.Pulse(self._process.pid), b""
        ready = select.poll()
        ready.register(out, select.POLLIN)
        while True:
            if not ready.poll(1000 * pulse.SECONDS):
                if why := watched.look():
                    raise CaffeKilled(f"{why}; it was ended, and the same command resumes")
                continue
            part = os.read(out, 1 << 16)
            if not part:
                return
            *lines, said = (said + part).split(b"\n")
            yield from map(json.loads, lines)

    def _death(self) -> CaffeError:
        status = self._process.wait()
        with open(self._log, "rb") as file:
            file.seek(self._from)
            text = file.read().decode(errors="replace")
        check = _CHECK.findall(text)
        if check:
            source, words = check[-1]
            if _WRITING in words:
                return CaffeKilled(
                    f"Caffe could not write a file ({source}): see whether the disk is full, failing, or not yours to "
                    "write to; nothing committed is lost, and the same command resumes"
                )
            return CaffeError(f"{_place(words, text, self._prototxt)}Caffe: {words} ({source})")
        if status == -signal.SIGKILL:
            return CaffeKilled("Caffe's process was killed; most often because memory ran out")
        last = (text.strip().splitlines() or ["nothing"])[-1]
        return CaffeKilled(f"Caffe's process ended with status {status}; it last said: {last}")


def _environment() -> dict[str, str]:
    # More BLAS threads help Caffe little and collapse when another process is busy; the user's own settings stay.
    return {
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        **os.environ,
        "GLOG_minloglevel": "0",
        "GLOG_logtostderr": "1",
        "PYTHONPATH": os.pathsep.join([*(path for path in sys.path if path), *_python_path()]),
        "PYTHONUNBUFFERED": "1",
    }


def _python_path() -> list[str]:
    return [str(Path(__file__).resolve().parents[2])]


def _place(words: str, log: str, prototxt: Path) -> str:
    """``file:line: layer 'x': `` of the layer that Caffe's words name, or that it was setting up, or nothing."""
    layers = _NAMED.findall(words) or _LAYER.findall(log.rpartition(_READY)[2])
    if not layers or not prototxt.is_file():
        return ""
    text = prototxt.read_text(encoding="utf-8", errors="replace")
    return f"{prototxt}:{line_of(text, layers[-1])}: layer '{layers[-1]}': "
