"""One format's damaged files, read one after the other in a process of their own, which may die of them.

For each: an error of the user's, a result, or a fault. A fault is any other exception, more than SECONDS of a core, or
memory beyond twice the file's size and SPARE. Memory is the process's own peak (VmHWM, set back before each file), and
what is asked for and not touched is limited too (RLIMIT_AS). The file's number is kept in `place`: a crash leaves it.
"""

import ctypes
import faulthandler
import gc
import json
import os
import resource
import signal
import time
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from evolve.base.errors import UserError
from tests.fuzz.formats import Format, Prepare
from tests.fuzz.mutations import mutants

SECONDS = 5.0
SPARE = 16 << 20  # bytes: an object in Python for each of some thousand words, taken by the MiB
UNTOUCHED = 256 << 20  # bytes of address space
_MALLOC, _BACK_AT_ONCE = (-3, -1), 1 << 16  # M_MMAP_THRESHOLD, M_TRIM_THRESHOLD: memory that is freed is given back


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


def main(prepare: Prepare, folder: Path, count: int, begin: int) -> None:
    """Reads the files from number ``begin`` on; leaves what came of it as JSON in ``folder``/found."""
    faulthandler.disable()  # a death is told by its number
    os.environ.pop("CAVEFISH_DATA", None)
    os.environ["CAVEFISH_OFFLINE"] = "1"
    for what in _MALLOC:
        ctypes.CDLL(None).mallopt(what, _BACK_AT_ONCE)
    (folder / "work").mkdir()
    made = Format(*prepare(folder / "work"))
    warnings.simplefilter("ignore")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libtiff, for one, says on stderr what it thinks
    for content in made.good:
        for _ in range(2):  # what is imported or built the first time is not the file's
            made.read(made.seal(content) if made.seal else content)
    resource.setrlimit(resource.RLIMIT_AS, (_now("VmSize") + UNTOUCHED,) * 2)
    signal.signal(signal.SIGPROF, _hang)
    gc.collect()
    gc.freeze()
    found: dict[str, Any] = {"errors": 0, "results": 0, "faults": [], "seconds": 0.0, "slowest": 0.0, "peak": 0,
                             "largest": 0}  # fmt: skip
    with open(folder / "number", "w+b", buffering=0) as numbered:
        for number, content in enumerate(damaged(made, count, begin), begin):
            os.pwrite(numbered.fileno(), b"%09d" % number, 0)
            _one(made, number, content, found)
    (folder / "found").write_text(json.dumps(found))


def _one(made: Format, number: int, content: bytes, found: dict[str, Any]) -> None:
    Path("/proc/self/clear_refs").write_text("5")
    before, began = _now("VmRSS"), time.process_time()
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    outcome, said = _read(made, content)
    signal.setitimer(signal.ITIMER_PROF, 0)
    seconds, taken = time.process_time() - began, max(0, _now("VmHWM") - before)
    if outcome and taken > 2 * len(content) + SPARE:
        outcome, said = "", f"{taken} bytes for a file of {len(content)}"
    if outcome:
        found[outcome] += 1
    else:
        found["faults"].append(f"{number}: {said}")
    found["seconds"] += seconds
    for name, value in (("slowest", seconds), ("peak", taken), ("largest", len(content))):
        found[name] = max(found[name], value)


def _read(made: Format, content: bytes) -> tuple[str, str]:
    """ "errors", "results" or "" for a fault, and what was said."""
    try:
        made.read(content)
    except UserError as error:
        said = str(error)
        many = len(said.splitlines()) > made.lines
        return ("", f"a message of many lines: {said[:300]}") if many else ("errors", said)
    except (Exception, Hang) as error:
        return "", "".join(traceback.format_exception(error))[-1500:]
    return "results", ""


def _hang(number: int, frame: FrameType | None) -> None:
    raise Hang(f"more than {SECONDS:g} seconds")


def _now(what: str) -> int:
    """Bytes, as the kernel counts them."""
    status = Path("/proc/self/status").read_text()
    return int(status.split(f"{what}:", 1)[1].split(None, 1)[0]) << 10
