"""Side by side: every engine in turn, round after round, so that what slows the machine down slows all of them."""

import statistics
import time
from collections.abc import Callable, Mapping

Runner = Callable[[int], float]  # takes a number of steps, returns the seconds that they took

WARM_STEPS = 3
PAUSE = 0.02  # seconds in which the threads of the engine before stop spinning


def interleaved(
    runners: Mapping[str, Runner], rounds: int, seconds: float, pause: float = PAUSE
) -> dict[str, list[float]]:
    """Milliseconds a step of every runner in every round; a round runs each for about `seconds`.

    Each is warmed up first; each goes first in turn.
    """
    steps = {name: steps_for(run, seconds) for name, run in runners.items()}
    times: dict[str, list[float]] = {name: [] for name in runners}
    for number in range(rounds):
        for name in rotated(list(runners), number):
            time.sleep(pause)
            times[name].append(runners[name](steps[name]) / steps[name] * 1e3)
    return times


def steps_for(run: Runner, seconds: float) -> int:
    """How many steps fill `seconds`, after a warm-up; at least one."""
    run(WARM_STEPS)
    return max(1, round(seconds / run(1)))


def rotated(names: list[str], number: int) -> list[str]:
    """The names in their order, another one first in every round."""
    first = number % len(names)
    return names[first:] + names[:first]


def medians(times: Mapping[str, list[float]]) -> dict[str, float]:
    """The median round of each."""
    return {name: statistics.median(each) for name, each in times.items()}
