"""What the `cavefish` command can do, a module a verb: WHAT it does, the WORDS that it knows, and `run`.

What a verb needs is imported when it runs: Caffe and the figures take seconds to load. A new verb is a module here,
its name below, and one in the Makefile's VERBS.
"""

from typing import Protocol

from evolve.command.arguments import Words
from evolve.command.verbs import check, count, data, doctor, evolve, frontier, plot, report, shrink, sweep, table
from trt.verbs import bench, engine, onnx, tx1


class Verb(Protocol):
    """The first one of the space-separated WORDS is required where words.py says what it is for."""

    WHAT: str
    WORDS: str

    def run(self, words: Words) -> int:
        """Exit status 0, or 2 where something is not sound. Raises UserError."""


VERBS: dict[str, Verb] = {
    "evolve": evolve,
    "sweep": sweep,
    "data": data,
    "check": check,
    "shrink": shrink,
    "table": table,
    "plot": plot,
    "report": report,
    "frontier": frontier,
    "count": count,
    "onnx": onnx,
    "engine": engine,
    "tx1": tx1,
    "bench": bench,
    "doctor": doctor,
}
