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
        return {"load": self.load, "time": self.time, "answer": self.answer}

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

    def answer(self, number: int, inputs: str, outputs: str) -> dict[str, Any]:
        """Runs it on each example of the .npz `inputs` (blob -> values, examples first); saves what it computes."""
        made, answers = self._loaded[number], []
        with np.load(inputs) as kept:
            given = {name: kept[name] for name in kept}
        for place in range(min(map(len, given.values()))):
            made.show({name: np.ascontiguousarray(values[place : place + 1]) for name, values in given.items()})
            made.run()
            answers.append(made.outputs())
        together = {name: np.concatenate([each[name] for each in answers]) for name in answers[0]}
        np.savez(outputs, **together)  # type: ignore[arg-type]
        return {}


def _row(run: Callable[[], None], calls: int) -> float:
    begin = time.perf_counter()
    for _ in range(calls):
        run()
    return time.perf_counter() - begin


if __name__ == "__main__":
    serve(Worker(sys.argv[1]).tasks, called=f"{sys.argv[1]}: ")
