"""The worker is the process in which one engine runs: it loads generations, and runs them when it is asked.

Its word is the engine's name.
"""

import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from evolve.base.machine import of_this_process
from evolve.base.serving import Task, serve
from trt.speed.engines import ENGINES, Engine


class Worker:
    """Networks of one engine, by number."""

    def __init__(self, engine: str) -> None:
        self._known, self._machine = ENGINES[engine], of_this_process()
        self._loaded: dict[int, Engine] = {}

    def tasks(self) -> Mapping[str, Task]:
        """By name."""
        return {"load": self.load, "time": self.time}

    def load(self, number: int, folder: str, outputs: str) -> dict[str, Any]:
        """Makes a prepared folder's network ready, runs it once and saves what it computes; says what it is."""
        made = self._known.make(self._machine)
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


if __name__ == "__main__":
    serve(Worker(sys.argv[1]).tasks, called=f"{sys.argv[1]}: ")
