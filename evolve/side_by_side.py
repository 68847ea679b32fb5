"""Tasks side by side in threads, each of which mostly waits for a process of its own."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

Result = TypeVar("Result")


class Stopped(BaseException):
    """What a task raises that was asked to stop: no fault, nobody's to mend."""


def run(tasks: Sequence[Callable[[], Result]], at_a_time: int, stop: threading.Event) -> list[Result]:
    """What the tasks return, in their order, so many of them at a time.

    One that raises does not stop the others; once all have ended, the first error is raised. A signal does: `stop` is
    set, which they look at, and those that have not begun never do.
    """
    with ThreadPoolExecutor(at_a_time) as pool:
        begun = [pool.submit(task) for task in tasks]
        try:
            wait(begun)
        except BaseException:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [each.result() for each in begun]
