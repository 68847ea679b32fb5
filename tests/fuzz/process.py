"""A format's thousands of files in a process that may die of them, and is then started again behind the fatal one."""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SILENCE = 60.0  # seconds with one file, after which the process is killed: not even a signal reaches it
DEATHS = 20  # after which no more is learnt
# Memory that was freed goes back at once, so that the next file's shows.
_MALLOC = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536", "MALLOC_ARENA_MAX": "1"}
_ALONE = {"CAVEFISH_OFFLINE": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@dataclass
class Outcome:
    """What came of ``inputs`` files: each an error, a result, or a fault."""

    format: str
    inputs: int
    errors: int = 0
    results: int = 0
    faults: list[str] = field(default_factory=list)  # number of the file, and what happened
    seconds: float = 0.0
    slowest: float = 0.0  # seconds
    peak: int = 0  # bytes, of one file
    largest: int = 0  # bytes, a file's size

    def add(self, found: dict[str, Any]) -> None:
        """What one process counted."""
        self.errors += found["errors"]
        self.results += found["results"]
        self.faults += [f"{fault['number']}: {fault['said']}" for fault in found["faults"]]
        self.seconds += found["seconds"]
        for name in ("slowest", "peak", "largest"):
            setattr(self, name, max(getattr(self, name), found[name]))


def fuzz(name: str, inputs: int, child: str = "tests.fuzz.child") -> Outcome:
    """The first ``inputs`` damaged files of that format, one after the other; ``child`` is the module that reads."""
    outcome, begin = Outcome(name, inputs), 0
    while begin < inputs and len(outcome.faults) < DEATHS:
        with tempfile.TemporaryDirectory() as folder:
            begin = _some(outcome, child, Path(folder), begin)
    return outcome


def _some(outcome: Outcome, child: str, folder: Path, begin: int) -> int:
    """Files from number ``begin`` on, up to the end or to one that ends the process; the number of the next one."""
    place, work = folder / "number", folder / "work"
    work.mkdir()
    place.touch()
    (folder / "found").touch()
    env = {name: value for name, value in os.environ.items() if name != "CAVEFISH_DATA"} | _MALLOC | _ALONE
    words = [outcome.format, str(work), str(place), str(outcome.inputs), str(begin)]
    with open(folder / "found", "w") as output, open(folder / "said", "w") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", child, *words], cwd=ROOT, env=env, stdout=output, stderr=said
        )
        _wait(process, place)
    lines = (folder / "found").read_text().splitlines()
    if process.returncode == 0:
        outcome.add(json.loads(lines[-1]))
        return outcome.inputs
    at = place.read_bytes()
    if not at:
        raise RuntimeError(f"{outcome.format}: {(folder / 'said').read_text()[-2000:]}")
    outcome.faults.append(f"{int(at)}: the process ended with {process.returncode}")
    return int(at) + 1


def _wait(process: "subprocess.Popen[bytes]", place: Path) -> None:
    last, since = b"", time.monotonic()
    while process.poll() is None:
        time.sleep(0.05)
        if (now := place.read_bytes()) != last:
            last, since = now, time.monotonic()
        elif time.monotonic() - since > SILENCE:
            process.kill()
            process.wait()
