"""A format's thousands of files in a process that may die of them, and is then started again behind the fatal one."""

import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from tests.fuzz import child
from tests.fuzz.formats import PREPARED, Prepare

SILENCE = 300.0  # seconds with one file, after which the process is killed: not even a signal reaches it
DEATHS = 20  # after which no more is learnt
_MEMORY = "/dev/shm"  # where a file written ten thousand times costs no disk


@dataclass
class Outcome:
    """What came of ``inputs`` files: each an error, a result, or a fault."""

    format: str
    inputs: int
    errors: int = 0
    results: int = 0
    faults: list[str] = field(default_factory=list)  # each a file's number, and what happened
    seconds: float = 0.0
    slowest: float = 0.0  # seconds of a core
    peak: int = 0  # bytes, of one file
    largest: int = 0  # bytes, a file's size

    def add(self, found: dict[str, Any]) -> None:
        """What one process counted."""
        self.errors += found["errors"]
        self.results += found["results"]
        self.faults += found["faults"]
        self.seconds += found["seconds"]
        for name in ("slowest", "peak", "largest"):
            setattr(self, name, max(getattr(self, name), found[name]))


def fuzz(name: str, inputs: int, formats: Mapping[str, Prepare] = PREPARED) -> Outcome:
    """The first ``inputs`` damaged files of that format, one after the other."""
    outcome, begin = Outcome(name, inputs), 0
    while begin < inputs and len(outcome.faults) < DEATHS:
        with tempfile.TemporaryDirectory(dir=_MEMORY if os.access(_MEMORY, os.W_OK) else None) as folder:
            begin = _some(outcome, formats[name], Path(folder), begin)
    return outcome


def _some(outcome: Outcome, prepare: Prepare, folder: Path, begin: int) -> int:
    """Files from number ``begin`` on, up to the end or to one that ends the process; the number of the next one."""
    place = folder / "number"
    place.touch()
    # Forked: what is imported is there already.
    process = multiprocessing.get_context("fork").Process(
        target=child.main, args=(prepare, folder, outcome.inputs, begin)
    )
    process.start()
    _wait(process, place)
    if process.exitcode == 0:
        outcome.add(json.loads((folder / "found").read_text()))
        return outcome.inputs
    at = place.read_bytes()
    if not at:
        raise RuntimeError(f"{outcome.format}: the process ended with {process.exitcode} before its first file")
    outcome.faults.append(f"{int(at)}: the process ended with {process.exitcode}")
    return int(at) + 1


def _wait(process: BaseProcess, place: Path) -> None:
    last, since = b"", time.monotonic()
    while process.is_alive():
        process.join(0.05)
        if (now := place.read_bytes()) != last:
            last, since = now, time.monotonic()
        elif time.monotonic() - since > SILENCE:
            process.kill()
            process.join()
