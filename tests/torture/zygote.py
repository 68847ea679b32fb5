"""A process that has everything imported, Caffe too, and forks into `cavefish` commands: starts cost next to nothing.

Run as ``python -m tests.torture.zygote``, preloaded with faults.c. A line of JSON is a command: its words, folder,
environment and where its output goes. Answers are its pid at once, and its wait status at its end. The command forks
its worker as it would start it, as its own child in a session of its own, with no descriptor but the three.
"""

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from evolve.base import child, serving
from evolve.command import command

_ENVIRONMENT = dict(os.environ)


class ForkedWorker:
    """What a Child asks of subprocess.Popen, by fork alone."""

    def __init__(self, words: list[str], *, stderr: int, cwd: Path, env: dict[str, str], **others: Any) -> None:
        requests, self._ours = os.pipe()
        answers, theirs = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            _take((requests, theirs, stderr), cwd, env)
            os.setsid()
            sys.argv = words[2:]
            _end(serving.main)
        os.close(requests)
        os.close(theirs)
        self.stdin, self.stdout = open(self._ours, "wb"), open(answers, "rb")
        self._status: int | None = None

    def kill(self) -> None:
        if self._status is None:
            os.kill(self.pid, signal.SIGKILL)

    def poll(self) -> int | None:
        if self._status is None:
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            self._status = os.waitstatus_to_exitcode(status) if ended else None
        return self._status

    def wait(self, timeout: float | None = None) -> int:
        began = time.monotonic()
        while (status := self.poll()) is None:
            if timeout is not None and time.monotonic() - began >= timeout:
                raise subprocess.TimeoutExpired("the forked worker", timeout)
            time.sleep(0.001)
        return status


def main() -> None:
    """Serves commands from standard input until it closes."""
    # What the worker imports as it starts, and the verbs.
    for module in ("detect", "evaluate", "train", "versions"):
        importlib.import_module(f"evolve.training.{module}")
    for module in ("evolve.figures.report", "evolve.figures.table", "evolve.lineage.lineage"):
        importlib.import_module(module)
    child.subprocess.Popen = ForkedWorker  # type: ignore[assignment,misc]
    for line in sys.stdin:
        job = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _command(job)
        print(pid, flush=True)
        print(os.waitpid(pid, 0)[1], flush=True)


def _command(job: dict[str, Any]) -> None:
    nothing, output = os.open(os.devnull, os.O_RDONLY), os.open(job["output"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    environment = _ENVIRONMENT | {"TORTURE_DRIVER": str(os.getpid())} | job["environment"]
    _take((nothing, output, output), Path(job["folder"]), environment)
    _end(lambda: command.main(job["words"]))


def _take(descriptors: tuple[int, int, int], folder: Path, environment: dict[str, str]) -> None:
    """Becomes a process of those descriptors alone, there, with that environment."""
    copies = [os.dup2(each, 60 + number) for number, each in enumerate(descriptors)]
    for number, each in enumerate(copies):
        os.dup2(each, number)
    os.closerange(3, 256)
    sys.stdin, sys.stdout, sys.stderr = open(0, closefd=False), open(1, "w", closefd=False), open(2, "w", closefd=False)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def _end(work: Any) -> None:
    status = 1
    try:
        status = work() or 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main()
