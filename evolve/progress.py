"""What a run says while it works: a bar with an estimate on a terminal, now and then a line without one."""

import functools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

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
    """A function to hand to CaffeProcess.call as `report`: shows iteration, loss and what is left."""
    if not console.is_terminal:
        yield _Lines(title)
        return
    loss = TextColumn("loss {task.fields[loss]}")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), loss, TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(title, loss="")

        def show(progress: dict[str, Any]) -> None:
            if "words" in progress:
                return say(progress["words"])
            loss = f"{progress['loss']:.4f}"
            bar.update(task, completed=progress["iteration"], total=progress["of"], loss=loss)

        yield show


class _Lines:
    def __init__(self, title: str) -> None:
        self._title = title
        self._started = self._said = time.monotonic()
        self._first: int | None = None  # a training that goes on does not begin at 0

    def __call__(self, progress: dict[str, Any]) -> None:
        if "words" in progress:
            return say(progress["words"])
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
