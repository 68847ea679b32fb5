"""Caffe's log of a training says how far it is, how fast, and how its loss fell."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

_SHOWN = re.compile(r"\] Iteration (\d+) \((\S+) iter/s, [^\n]*\), loss = (\S+)$", re.MULTILINE)
_ITERATION = re.compile(r"\] Iteration (\d+)\b")
_END = 1 << 16  # bytes, of a log of which only the end is read


@dataclass(frozen=True)
class Shown:
    """What the solver showed at its `display`: the loss, and how many iterations a second there were since the last."""

    iteration: int
    loss: float
    pace: float


def read(log: Path) -> list[Shown]:
    """The last training in a log, which may have several one after another; empty where there is none, or no log."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    found: list[Shown] = []
    for iteration, pace, loss in _SHOWN.findall(text):
        shown = Shown(int(iteration), _number(loss), _number(pace))
        if found and shown.iteration <= found[-1].iteration:
            found = []
        found.append(shown)
    return found


def reached(log: Path) -> int:
    """The iteration that a log tells of last; 0 where it tells of none. OSError where it cannot be read."""
    with open(log, "rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _END))
        iterations = _ITERATION.findall(file.read().decode("utf-8", "replace"))
    return int(iterations[-1]) if iterations else 0


def _number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        return float("nan")
