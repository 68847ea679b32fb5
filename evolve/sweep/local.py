"""A sweep on this machine has as many runs side by side as its cores have room for."""

import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from evolve.base import signals
from evolve.base.child import end_all
from evolve.base.errors import UserError
from evolve.sweep.child import Ended, RunAtWork
from evolve.sweep.plan import PlannedRun
from evolve.sweep.watch import Watch

_SECONDS = 0.1


def run_all(runs: list[PlannedRun], at_once: int, watch: Watch, gpus: Sequence[str] = ()) -> dict[PlannedRun, Ended]:
    """Runs all of them, `at_once` at a time, and says how each ended. One that fails stops no other.

    Each gets the one of `gpus` that the fewest are at work on.
    """
    waiting = deque(runs)
    ended: dict[PlannedRun, Ended] = {}
    with _at_work() as children:
        while waiting or children:
            while waiting and len(children) < at_once:
                run = waiting.popleft()
                try:
                    # One that a signal parted from us would be killed where the others are asked to end.
                    with signals.held_back():
                        children[run] = RunAtWork(run, _free(gpus, children.values()))
                except (UserError, OSError) as error:
                    ended[run] = Ended(2, str(error))
                    watch.ended(run, ended[run])
            time.sleep(_SECONDS)
            for run, found in [(run, found) for run, each in children.items() if (found := each.ended())]:
                del children[run]
                ended[run] = found
                watch.ended(run, found)
            if watch.due():
                watch.look(list(children))
    return ended


def _free(gpus: Sequence[str], at_work: Iterable[RunAtWork]) -> str:
    used = Counter(child.gpu for child in at_work)
    return min(gpus, key=lambda gpu: used[gpu], default="")


@contextmanager
def _at_work() -> Iterator[dict[PlannedRun, RunAtWork]]:
    children: dict[PlannedRun, RunAtWork] = {}
    try:
        yield children
    finally:
        end_all(children.values())
