"""How many processors this process may use: its affinity says so, and the quota of the container that it is in.

A container with a quota shows all of the machine's processors, and stops its processes for a part of every tenth of a
second once they have used it up: of as many threads as there are processors most wait, and the others for them.
"""

import os
from collections.abc import Iterator
from pathlib import Path

_MEMBERSHIP, _GROUPS = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")


def usable() -> int:
    """How many to use: those of the affinity, and no more than the quota, rounded down; at least one."""
    most = allowed()
    return max(1, min(most, int(quota() or most)))


def allowed() -> int:
    """How many the process may be put on, whatever time it has on them."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def quota() -> float | None:
    """Processors' worth of time, the least of all control groups that the process is in; None where it has all."""
    return min(_quotas(), default=None)


def _quotas() -> Iterator[float]:
    # Without a line, as where /proc is hidden, what the container itself was given can still be there.
    for line in _words(_MEMBERSHIP).splitlines() or ["0::/"]:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            for root in (_GROUPS, _GROUPS / "unified"):
                for group in _upwards(root, path):
                    yield from _ratio(_words(group / "cpu.max"))
        elif "cpu" in controllers.split(","):
            for root in {_GROUPS / controllers, _GROUPS / "cpu"}:
                for group in _upwards(root, path):
                    yield from _ratio(" ".join(_words(group / f"cpu.cfs_{each}_us") for each in ("quota", "period")))


def _upwards(root: Path, path: str) -> Iterator[Path]:
    """The group and those that it lies in, up to `root`, which in a container may be what `path` begins with."""
    parts = [part for part in path.split("/") if part]
    while parts and not root.joinpath(*parts).is_dir():
        del parts[0]
    yield from (root.joinpath(*parts[:depth]) for depth in range(len(parts), -1, -1))


def _ratio(words: str) -> Iterator[float]:
    """Of microseconds in so many; "max", -1 and nothing are no quota."""
    match words.split():
        case [part, whole] if part.isdecimal() and whole.isdecimal() and int(part) and int(whole):
            yield int(part) / int(whole)


def _words(file: Path) -> str:
    try:
        return file.read_text(errors="surrogateescape")  # a group may be named in any bytes
    except OSError:
        return ""
