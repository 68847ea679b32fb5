"""Which processor the figures come from, how fast its clock ran, and whether others were at work on it."""

import os
import platform
import statistics
from pathlib import Path

from evolve.training import threads

_CPUINFO = Path("/proc/cpuinfo")


def device() -> str:
    """``AMD EPYC 7763, 2 cores``: the processor, and how many of its cores this process may use."""
    named = _field("model name")
    cores = threads.cores()
    return f"{named[0] if named else platform.machine()}, {cores} core{'s' * (cores > 1)}"


def clocks() -> str:
    """The cores' clocks just now, as the system says them; "" where it does not."""
    megahertz = [float(each) for each in _field("cpu MHz")]
    return f"clock {statistics.median(megahertz):,.0f} MHz" if megahertz else "clock not known"


def others_at_work() -> str:
    """A warning where another process wants a core; "" if none does. Ask before anything is measured."""
    load = os.getloadavg()[0]
    if load < 0.5:
        return ""
    return f"load average {load:.2f}: others are at work on this machine, and figures will be worse than its own"


def _field(name: str) -> list[str]:
    if not _CPUINFO.exists():
        return []
    pairs = (line.partition(":") for line in _CPUINFO.read_text().splitlines())
    return [value.strip() for key, _, value in pairs if key.strip() == name]
