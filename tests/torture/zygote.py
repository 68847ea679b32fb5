"""A process that has everything imported, Caffe too, and forks into `cavefish` commands: starts cost next to nothing.

Run as ``python -m tests.torture.zygote``, preloaded with faults.c. A line of JSON is a command: its words, folder,
environment and where its output goes. Answers are its pid at once, and its wait status at its end. The command forks
its worker as it would start it, as its own child in a session of its own, with no descriptor but the three.
"""

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from evolve.base import child, serving
from evolve.command import command
from tests import forked

_ENVIRONMENT = dict(os.environ)


def _forked_worker(words: list[str], *, stderr: int, cwd: Path, env: dict[str, str], **others: Any) -> forked.Forked:
    """What a Child asks of subprocess.Popen, by fork alone."""

    def fork(requests: int, answers: int) -> int:
        pid = os.fork()
        if pid == 0:
            forked.take((requests, answers, stderr), cwd, env)
            os.setsid()
            sys.argv = words[2:]
            forked.end(serving.main)
        return pid

    return forked.with_pipes(fork)


def main() -> None:
    """Serves commands from standard input until it closes."""
    # What the worker imports as it starts, and the verbs.
    for module in ("detect", "evaluate", "train", "versions"):
        importlib.import_module(f"evolve.training.{module}")
    for module in ("evolve.figures.report", "evolve.figures.table", "evolve.lineage.lineage"):
        importlib.import_module(module)
    child.subprocess.Popen = _forked_worker  # type: ignore[assignment,misc]
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
    forked.take((nothing, output, output), Path(job["folder"]), environment)
    forked.end(lambda: command.main(job["words"]))


if __name__ == "__main__":
    main()
