"""How many cores something else keeps busy: what is timed meanwhile is not the machine's own speed."""

import time
from pathlib import Path

LOADED = 0.5  # cores; what a desk's background takes is less

_STAT = Path("/proc/stat")


def busy_cores(seconds: float = 0.25) -> float:
    """Cores at work on whatever while this process waits; its own children must wait too. 0 where nobody says."""
    before = _ticks()
    time.sleep(seconds)
    after = _ticks()
    whole = sum(after) - sum(before)
    # user nice system idle iowait irq softirq steal; a guest's are among the user's. A stolen core is a busy one.
    idle = sum(after[3:5]) - sum(before[3:5])
    return round(_cores() * (whole - idle) / whole, 2) if whole > 0 else 0.0


def warning(busy: float) -> str:
    """What to say before anything is timed; "" on a machine that is quiet."""
    if busy < LOADED:
        return ""
    return f"about {busy:.1f} cores are at work on something else: fps are worse than this machine's own, and marked"


def _ticks() -> list[int]:
    return [int(each) for each in _first_line().split()[1:9]]


def _first_line() -> str:
    try:
        return _STAT.read_text().partition("\n")[0]
    except OSError:
        return ""


def _cores() -> int:
    return sum(line.startswith("cpu") for line in _STAT.read_text().splitlines()) - 1
