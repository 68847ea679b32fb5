"""The pulse tells from outside whether a child computes, is stopped, or stands still.

Caffe holds Python's lock as long as it steps, minutes with a large net: no thread of the child could beat meanwhile.
What a child and its own children have computed, as Linux says, grows in every step, however long that takes.
"""

import time
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

SECONDS = 1.0  # between looks
STOPPED = 10  # looks
STILL = 300  # looks
_PROC = Path("/proc")


class Pulse:
    """That of process `pid`, looked at every SECONDS while it owes an answer.

    `may_wait` says that it may well compute nothing for a while. Looks are counted, not time: who stops the whole run
    for a while, or has the machine sleep, ends nothing.
    """

    def __init__(self, pid: int, may_wait: bool = False) -> None:
        self._pid, self._may_wait = pid, may_wait
        self._computed = -1
        self._stopped = self._still = 0
        self._looked = time.monotonic()

    def look(self) -> str:
        """Why no answer will come, in words that follow what the process is called; "" while one may."""
        self._looked = time.monotonic()
        states = _states([self._pid] if self._may_wait else None)
        if self._pid not in states:
            return ""
        computed = _computed(self._pid, states)
        self._still = self._still + 1 if computed == self._computed else 0
        self._stopped = self._stopped + 1 if states[self._pid].letter == "T" else 0
        self._computed = computed
        if self._stopped >= STOPPED:
            return f"was stopped (SIGSTOP) and did not go on for {STOPPED * SECONDS:.0f} s"
        if self._still >= STILL and not self._may_wait:
            return f"has computed nothing for {STILL * SECONDS:.0f} s; see what its disk waits for"
        return ""

    def look_in_time(self) -> str:
        """As look, where it is called more often than every SECONDS."""
        return self.look() if time.monotonic() - self._looked >= SECONDS else ""


def kept_waiting(pid: int) -> float:
    """Seconds in which the process's main thread was ready and others had the cores; 0 where Linux does not say."""
    try:
        return int((_PROC / str(pid) / "schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError):
        return 0.0


class _State(NamedTuple):
    letter: str
    parent: int
    computed: int


def _states(pids: list[int] | None = None) -> dict[int, _State]:
    """That of these processes, or of every one, by their pids; none where this is not Linux."""
    found = {}
    for folder in _PROC.glob("[0-9]*") if pids is None else (_PROC / str(pid) for pid in pids):
        try:
            # The name before the last ) may have anything in it.
            fields = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        found[int(folder.name)] = _State(fields[0], int(fields[1]), int(fields[11]) + int(fields[12]))
    return found


def _computed(pid: int, states: dict[int, _State]) -> int:
    """Clock ticks of processor time of a process and of all that descend from it."""
    children = defaultdict(list)
    for each, state in states.items():
        children[state.parent].append(each)
    ticks, waiting = 0, [pid]
    while waiting:
        each = waiting.pop()
        ticks += states[each].computed
        waiting += children[each]
    return ticks
