"""The protocol takes networks in turn, round after round, so that what slows the machine down slows all of them.

A turn begins with a run that is not timed. A sample is one run or, where that takes next to no time, the mean of as
many in a row as make the clock's own time no part of it. Median and 95th percentile are of the samples.

With the figures goes which processor they come from, and how fast its clock ran.
"""

import math
import platform
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evolve.base import processors
from evolve.base.counted import counted

_CPUINFO = Path("/proc/cpuinfo")


def device() -> str:
    """``AMD EPYC 7763, 2 cores``: the processor, and how many of its cores this process may use."""
    named = _field("model name")
    return f"{named[0] if named else platform.machine()}, {counted(processors.usable(), 'core')}"


def clocks() -> str:
    """The cores' clocks just now, as the system says them; "" where it does not."""
    megahertz = [float(each) for each in _field("cpu MHz")]
    return f"clock {statistics.median(megahertz):,.0f} MHz" if megahertz else "clock not known"


def _field(name: str) -> list[str]:
    if not _CPUINFO.exists():
        return []
    pairs = (line.partition(":") for line in _CPUINFO.read_text().splitlines())
    return [value.strip() for key, _, value in pairs if key.strip() == name]


# time(calls, samples) returns the seconds a run of each sample; a row of `calls` runs that is not timed comes before.
Timer = Callable[[int, int], Sequence[float]]

LEAST_SECONDS = 0.005  # of a sample
ROUNDS = 20


@dataclass(frozen=True)
class Timing:
    """Of the samples of one network."""

    runs: int
    median_ms: float
    p95_ms: float


def measure(
    timers: Mapping[int, Timer], runs: int, report: Callable[[float], None] = lambda seconds: None
) -> dict[int, Timing]:
    """At least `runs` samples of each network, in rounds in which another one is first each time.

    `report` is told, once all are warm, about how many seconds the rest takes.
    """
    alone = {number: min(timer(1, 3)) for number, timer in timers.items()}
    calls = {number: calls_for(each) for number, each in alone.items()}
    rounds = min(runs, ROUNDS)
    samples = math.ceil(runs / rounds)
    report(rounds * sum((samples + 1) * calls[number] * alone[number] for number in timers))
    times: dict[int, list[float]] = {number: [] for number in timers}
    for turn in range(rounds):
        for number in rotated(list(timers), turn):
            times[number].extend(timers[number](calls[number], samples))
    return {number: timing(each) for number, each in times.items()}


def calls_for(seconds: float) -> int:
    """How many runs of so many seconds make a sample."""
    return max(1, math.ceil(LEAST_SECONDS / seconds)) if seconds > 0 else 1000


def timing(seconds: Sequence[float]) -> Timing:
    """Median and 95th percentile, between samples by straight lines, in milliseconds."""
    median, p95 = 1000 * np.percentile(seconds, [50, 95])
    return Timing(len(seconds), round(float(median), 6), round(float(p95), 6))


def rotated(numbers: list[int], turn: int) -> list[int]:
    """The numbers in their order, another one first in every turn."""
    first = turn % len(numbers)
    return numbers[first:] + numbers[:first]
