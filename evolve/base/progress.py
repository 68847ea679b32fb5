"""Progress is a bar with an estimate on a terminal, and now and then a line without one."""

import functools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Report = Callable[[str], None]  # takes what is said, one line a call

_SECONDS_BETWEEN_LINES = 60.0

console = Console(highlight=False, soft_wrap=True)


def say(line: str) -> None:
    """Prints one line, at once, markup left alone."""
    console.print(line, markup=False)


@functools.cache
def say_once(line: str) -> None:
    """Prints a line that this process has not printed so before."""
    say(line)


@contextmanager
def training(title: str) -> Iterator[Any]:
    """A function to hand to CaffeProcess.call as `report`: shows iteration, loss and what is left.

    Trainings side by side have a bar each.
    """
    with _bar(title) if console.is_terminal else nullcontext(_Lines(title)) as shown:

        def report(progress: dict[str, Any]) -> None:
            if "words" in progress:
                return say(progress["words"])
            shown(progress)

        yield report


@contextmanager
def counting(title: str, of: int, report: Report) -> Iterator[Callable[[int], None]]:
    """A function that takes how many of so many images are done; a bar on a terminal, else now and then a line."""
    if console.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console, transient=True) as shown:
            task = shown.add_task(title, total=of)
            yield lambda done: shown.update(task, completed=done)
        return
    started = said = time.monotonic()

    def say_some(done: int) -> None:
        nonlocal said
        now = time.monotonic()
        if now - said >= _SECONDS_BETWEEN_LINES:
            said = now
            rate = done / (now - started)
            report(f"{title}: {done} of {of} images, {rate:.0f} a second, about {(of - done) / rate:.0f} s left")

    yield say_some


class _Bars:
    """The bars of all trainings under way in one display: a terminal has room for one at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shown: Progress | None = None
        self._trainings = 0

    def begin(self) -> Progress:
        with self._lock:
            if self._shown is None:
                loss = TextColumn("loss {task.fields[loss]}")
                columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), loss)
                self._shown = Progress(*columns, TimeRemainingColumn(), console=console, transient=True)
                self._shown.start()
            self._trainings += 1
            return self._shown

    def end(self) -> None:
        with self._lock:
            self._trainings -= 1
            if self._shown and not self._trainings:
                self._shown.stop()
                self._shown = None


_bars = _Bars()


@contextmanager
def _bar(title: str) -> Iterator[Any]:
    bars = _bars.begin()
    task = bars.add_task(title, loss="")

    def show(progress: dict[str, Any]) -> None:
        loss = f"{progress['loss']:.4f}"
        bars.update(task, completed=progress["iteration"], total=progress["of"], loss=loss)

    try:
        yield show
    finally:
        bars.remove_task(task)
        _bars.end()


class _Lines:
    def __init__(self, title: str) -> None:
        self._title = title
        self._started = self._said = time.monotonic()
        self._first: int | None = None  # a training that goes on does not begin at 0

    def __call__(self, progress: dict[str, Any]) -> None:
        now = time.monotonic()
        self._first = progress["iteration"] if self._first is None else self._first
        if now - self._said < _SECONDS_BETWEEN_LINES:
            return
        self._said = now
        done = max(1, progress["iteration"] - self._first)
        left = (now - self._started) / done * (progress["of"] - progress["iteration"])
        say(
            f"{self._title}: {progress['iteration']} of {progress['of']} iterations, "
            f"loss {progress['loss']:.4f}, about {left:.0f} s left"
        )
