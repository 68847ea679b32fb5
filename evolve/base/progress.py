"""Progress is a bar with an estimate on a terminal, and now and then a line without one."""

import functools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from rich.console import Console

from evolve.base.counted import counted
from evolve.base.durations import duration

if TYPE_CHECKING:
    # Imported where bars are shown: most that is said is a line.
    from rich.progress import BarColumn, Progress, TextColumn

Report = Callable[[str], None]  # takes what is said, one line a call

_SECONDS_BETWEEN_LINES = 60.0
_BAR, _NARROW = 40, 8  # letters of a bar, and on a terminal with no room for it
_WIDE = 112  # letters of one that has

# Names of files and classes are shown as they are: [x] is no markup, :cat: no picture.
console = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)


def say(line: str) -> None:
    """Prints one line, at once."""
    console.print(line)


def say_words(line: str) -> None:
    """Prints one line, which a terminal breaks between words."""
    console.print(line, soft_wrap=not console.is_terminal)


def say_parts(parts: Sequence[str]) -> None:
    """Prints one line of parts; on a terminal as many of them, the first ones, as it has room for."""
    line = parts[0]
    for part in parts[1:]:
        if console.is_terminal and len(line) + 2 + len(part) > console.width:
            break
        line = f"{line}  {part}"
    say(line)


def bar() -> "BarColumn":
    """A bar that leaves room for words."""
    from rich.progress import BarColumn

    return BarColumn(_BAR if console.width >= _WIDE else _NARROW)


def text(form: str) -> "TextColumn":
    """Words beside a bar, as they are."""
    from rich.progress import TextColumn

    return TextColumn(form, markup=False)


@contextmanager
def quiet() -> Iterator[None]:
    """Nothing is said or shown in the block."""
    before, console.quiet = console.quiet, True
    try:
        yield
    finally:
        console.quiet = before


@functools.cache
def say_once(line: str) -> None:
    """Prints a line that this process has not printed so before."""
    say(line)


@contextmanager
def training(title: str, ahead: float = 0.0) -> Iterator[Any]:
    """A function to hand to CaffeProcess.call as `report`: shows iteration, loss and what is left.

    `ahead` are iterations of the run that come after this training, each taken for as long as these. Trainings side by
    side have a bar each.
    """
    left = _Left(ahead)
    with _bar(title, left) if console.is_terminal else nullcontext(_Lines(title, left)) as shown:

        def report(progress: dict[str, Any]) -> None:
            if "words" in progress:
                return say(progress["words"])
            shown(progress)

        yield report


@contextmanager
def counting(title: str, of: int, report: Report) -> Iterator[Callable[[int], None]]:
    """A function that takes how many of so many images are done; a bar on a terminal, else now and then a line."""
    if console.is_terminal:
        from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

        columns = (text("{task.description}"), bar(), MofNCompleteColumn(), TimeRemainingColumn())
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


class _Left:
    """How long a training, and the run, will still take at the pace so far."""

    def __init__(self, ahead: float) -> None:
        self._ahead, self._started = ahead, time.monotonic()
        self._first: int | None = None  # a training that goes on does not begin at 0

    def __call__(self, progress: dict[str, Any]) -> tuple[float, float]:
        """Seconds of this training, and of the run; the same where nothing comes after."""
        self._first = progress["iteration"] if self._first is None else self._first
        pace = (time.monotonic() - self._started) / max(1, progress["iteration"] - self._first)
        left = progress["of"] - progress["iteration"]
        return pace * left, pace * (left + self._ahead)

    def words(self, progress: dict[str, Any]) -> str:
        """``1 min left · run 9 min left``."""
        own, run = self(progress)
        return f"{duration(own)} left" + (f" · run {duration(run)} left" if self._ahead else "")


class _Bars:
    """The bars of all trainings under way in one display: a terminal has room for one at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shown: Progress | None = None
        self._trainings = 0

    def begin(self) -> "Progress":
        from rich.progress import MofNCompleteColumn, Progress

        with self._lock:
            if self._shown is None:
                loss = [text("loss {task.fields[loss]}")] if console.width >= _WIDE else []
                left = text("· {task.fields[left]}")
                columns = (text("{task.description}"), bar(), MofNCompleteColumn(), *loss, left)
                self._shown = Progress(*columns, console=console, transient=True)
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
def _bar(title: str, left: _Left) -> Iterator[Any]:
    bars = _bars.begin()
    task = bars.add_task(title, loss="", left="begins", total=None)

    def show(progress: dict[str, Any]) -> None:
        loss = f"{progress['loss']:.4f}"
        words = left.words(progress)
        bars.update(task, completed=progress["iteration"], total=progress["of"], loss=loss, left=words)

    try:
        yield show
    finally:
        bars.remove_task(task)
        _bars.end()


class _Lines:
    def __init__(self, title: str, left: _Left) -> None:
        self._title, self._left = title, left
        self._said = time.monotonic()

    def __call__(self, progress: dict[str, Any]) -> None:
        now, words = time.monotonic(), self._left.words(progress)
        if now - self._said < _SECONDS_BETWEEN_LINES:
            return
        self._said = now
        done = f"{progress['iteration']:,} of {counted(progress['of'], 'iteration')}, loss {progress['loss']:.4f}"
        say(f"{self._title}: {done}, about {words}")
