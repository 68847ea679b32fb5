"""One format's damaged files, read one after the other in a process of their own: `python -m tests.fuzz.child`.

For each: an error of the user's, a result, or a fault. A fault is any other exception, more than SECONDS, or memory
beyond twice the file's size and SPARE. Memory is the process's own peak (VmHWM, set back before each file), and what is
asked for and not touched is limited too (RLIMIT_AS). The file's number is kept in `place`: a crash leaves it there.
"""

import gc
import json
import os
import random
import resource
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from evolve.errors import UserError
from tests.fuzz.formats import Format, prepared
from tests.fuzz.mutations import mutants

SECONDS = 5.0
SPARE = 16 << 20  # bytes: an object in Python for each of some thousand words, taken by the MiB
UNTOUCHED = 256 << 20  # bytes of address space


class Hang(BaseException):
    """It took too long."""


def damaged(made: Format, count: int, begin: int = 0, seed: int = 1) -> Iterator[bytes]:
    """The files of a format from number ``begin`` on: where it is sealed, half of them are damaged inside."""
    sealed = tuple(map(made.seal, made.good)) if made.seal else made.good
    outside = mutants(sealed, count, seed, begin)
    if not made.seal:
        yield from outside
        return
    for number, (out, inside) in enumerate(zip(outside, mutants(made.good, count, seed, begin), strict=True), begin):
        yield made.seal(inside) if number % 2 else out


def main(name: str, folder: str, place: str, count: int, begin: int) -> None:
    """Prints what came of it as JSON."""
    made = prepared(name, Path(folder))
    warnings.simplefilter("ignore")
    for content in made.good:
        for _ in range(2):  # what is imported or built the first time is not the file's
            made.read(made.seal(content) if made.seal else content)
    resource.setrlimit(resource.RLIMIT_AS, (_now("VmSize") + UNTOUCHED,) * 2)
    signal.signal(signal.SIGALRM, _hang)
    gc.collect()
    gc.freeze()
    found: dict[str, Any] = {"errors": 0, "results": 0, "faults": [], "seconds": 0.0, "slowest": 0.0, "most": 0.0,
                             "largest": 0, "messages": {}}  # fmt: skip
    with open(place, "w+b", buffering=0) as numbered:
        for number, content in enumerate(damaged(made, count, begin), begin):
            os.pwrite(numbered.fileno(), b"%09d" % number, 0)
            _one(made, number, content, found)
    print(json.dumps(found))


def _one(made: Format, number: int, content: bytes, found: dict[str, Any]) -> None:
    Path("/proc/self/clear_refs").write_text("5")
    before, began = _now("VmRSS"), time.perf_counter()
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        made.read(content)
        outcome, said = "results", ""
    except UserError as error:
        outcome, said = "errors", str(error)
    except (Exception, Hang) as error:
        outcome, said = "", "".join(traceback.format_exception(error))[-1500:]
    signal.setitimer(signal.ITIMER_REAL, 0)
    seconds, taken = time.perf_counter() - began, _now("VmHWM") - before
    if outcome:
        found[outcome] += 1
        if outcome == "errors" and random.random() < 0.01:
            found["messages"][said[:300]] = number
        if taken > 2 * len(content) + SPARE:
            said, outcome = f"{taken} bytes for a file of {len(content)}", ""
        elif "\n" in said.strip() and len(said.splitlines()) > 7 or "Traceback" in said:
            said, outcome = f"a message of many lines: {said[:300]}", ""
    if not outcome:
        found["faults"].append({"number": number, "said": said})
    found["seconds"] += seconds
    found["slowest"] = max(found["slowest"], seconds)
    found["largest"] = max(found["largest"], len(content))
    found["most"] = max(found["most"], (taken - SPARE) / max(1, len(content)))
    found["peak"] = max(found.get("peak", 0), taken)


def _hang(number: int, frame: FrameType | None) -> None:
    raise Hang(f"more than {SECONDS:g} seconds")


def _now(what: str) -> int:
    """Bytes, as the kernel counts them."""
    status = Path("/proc/self/status").read_text()
    return int(status.split(f"{what}:", 1)[1].split(None, 1)[0]) << 10


if __name__ == "__main__":
    main(*sys.argv[1:4], *map(int, sys.argv[4:]))
