"""What test_child has children do: ``python -m evolve.base.serving PID tests.base.obedient [serve|stay|polite]``."""

import errno
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from evolve.base.errors import MachineError, UserError
from evolve.base.machine import of_this_process
from evolve.base.serving import serve


def add(one: int, other: int) -> dict[str, Any]:
    print("this is said, and no answer")
    return {"sum": one + other}


def count(to: int, report: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    for number in range(to):
        report({"at": number})
    return {}


def fail(how: str) -> dict[str, Any]:
    raise {
        "user": UserError("net.prototxt:3: no such layer"),
        "machine": MachineError("memory ran out"),
        "memory": MemoryError(),
        "disk": OSError(errno.ENOSPC, "No space left on device"),
        "file": OSError(errno.ENOSPC, "No space left on device", "/there/file"),
        "fault": ValueError("two\nlines"),
        "wordless": ValueError(),
    }[how]


def leave(folder: str) -> dict[str, Any]:
    """Goes into a folder that is then no longer there."""
    os.chdir(folder)
    os.rmdir(folder)
    return {}


def surroundings() -> dict[str, Any]:
    return {"machine": repr(of_this_process()), "folder": str(Path.cwd()), "environment": dict(os.environ)}


def end(status: int) -> dict[str, Any]:
    print("its last words")
    os._exit(status)


def sleep(seconds: float) -> dict[str, Any]:
    time.sleep(seconds)
    return {}


def _polite() -> None:
    def goodbye(*_: Any) -> None:
        print("cleared away", flush=True)
        sys.exit(0)

    signal.signal(signal.SIGTERM, goodbye)
    print("ready", flush=True)
    time.sleep(600)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        tasks = (add, count, fail, leave, surroundings, end, sleep)
        serve(lambda: {task.__name__: task for task in tasks}, called="echo: ")
    elif sys.argv[1] == "polite":
        _polite()
    else:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print("ready", flush=True)
        time.sleep(600)
