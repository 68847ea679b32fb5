"""The process in which one engine runs: loads generations, runs them when asked, until its parent ends it.

Run as ``python -m trt.speed.worker PARENT_PID ENGINE THREADS``. One JSON object a line: in ``{"do", "with"}``; out
``{"answer"}``, or ``{"error"}`` with what the user reads.
"""

import json
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from evolve.base.answers import die_with, private_stdout
from evolve.base.errors import UserError
from trt.speed.engines import ENGINES, Engine


class Worker:
    """Networks of one engine, by number."""

    def __init__(self, engine: str, threads: int) -> None:
        self._known, self._threads = ENGINES[engine], threads
        self._loaded: dict[int, Engine] = {}

    def load(self, number: int, folder: str, outputs: str) -> dict[str, Any]:
        """Makes a prepared folder's network ready, runs it once and saves what it computes; says what it is."""
        made = self._known.make(self._threads)
        made.load(Path(folder))
        made.run()
        np.savez(outputs, **made.outputs())  # type: ignore[arg-type]
        self._loaded[number] = made
        return {"version": made.describe(), "precision": made.precision, "device": made.device}

    def time(self, number: int, calls: int, samples: int) -> dict[str, Any]:
        """Seconds a run in each of `samples` rows of `calls` runs, after a row that is not timed."""
        run = self._loaded[number].run
        _row(run, calls)
        return {"seconds": [_row(run, calls) / calls for _ in range(samples)]}


def _row(run: Callable[[], None], calls: int) -> float:
    begin = time.perf_counter()
    for _ in range(calls):
        run()
    return time.perf_counter() - begin


def main() -> None:
    """Serves requests from standard input until it closes."""
    die_with(parent=int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = private_stdout()
    worker = Worker(sys.argv[2], int(sys.argv[3]))
    tasks: dict[str, Callable[..., dict[str, Any]]] = {"load": worker.load, "time": worker.time}
    for line in sys.stdin:
        request = json.loads(line)
        try:
            message: dict[str, Any] = {"answer": tasks[request["do"]](**request["with"])}
        except UserError as error:
            message = {"error": str(error)}
        except Exception as error:
            traceback.print_exc()
            words = " ".join(str(error).split()) or type(error).__name__
            message = {"error": f"{sys.argv[2]}: {words}"}
        answers.write(json.dumps(message) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
