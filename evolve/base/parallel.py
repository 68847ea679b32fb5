"""Tasks run side by side in threads, each of which mostly waits for a process of its own."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

from evolve.base import signals

Result = TypeVar("Result")

_SECONDS = 0.5  # after which a signal is dealt with at the latest


class Stopped(BaseException):
    """What a task raises that was asked to stop: no fault, nobody's to mend."""


class Stop:
    """How tasks at work are ended: by ending what they wait for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stopped = False
        self._ends: list[Callable[[], None]] = []

    @contextmanager
    def by(self, end: Callable[[], None]) -> Iterator[None]:
        """For the block, a task is stopped by a call of `end`. Raises Stopped where it has been already."""
        with self._lock:
            if self._stopped:
                raise Stopped
            self._ends.append(end)
        try:
            yield
        finally:
            with self._lock:
                self._ends.remove(end)

    def now(self) -> None:
        """Stops all tasks, and those that begin later."""
        with self._lock:
            self._stopped = True
            for end in self._ends:
                end()


def run(tasks: Sequence[Callable[[], Result]], at_a_time: int, stop: Stop) -> list[Result]:
    """What the tasks return, in their order, so many of them at a time.

    One that raises does not stop the others; once all have ended, the first error is raised. A signal does stop them,
    and those that have not begun never do.
    """
    with ThreadPoolExecutor(at_a_time) as pool:
        try:
            # One that begins when a signal comes would be nobody's: its pool does not know it yet.
            with signals.held_back():
                begun = [pool.submit(task) for task in tasks]
            # Python hears of a signal that comes just before it waits only afterwards, so no wait is long.
            while wait(begun, _SECONDS).not_done:
                pass
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            stop.now()
            raise
    return [each.result() for each in begun]
