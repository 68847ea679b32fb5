"""The watch says how far a sweep's runs are: bars of all at work on a terminal, now and then a line without one.

What a run has done is read from its folder, which is all that this machine knows of a run on another one.
"""

import time
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from types import TracebackType

from rich.console import Group
from rich.live import Live
from rich.progress import MofNCompleteColumn, Progress, TaskID, TimeRemainingColumn

from evolve.base import progress
from evolve.base.counted import counted
from evolve.base.errors import UserError
from evolve.lineage import lineage
from evolve.runs import paths, run_folder, state
from evolve.runs.metrics import Metrics
from evolve.runs.score import Score
from evolve.sweep import plan
from evolve.sweep.child import Ended
from evolve.sweep.plan import PlannedRun

_SECONDS_BETWEEN_LINES = 60.0
_SECONDS_BETWEEN_LOOKS = 1.0
_SHOWN = 30  # runs at work that fit on a terminal


class Watch(AbstractContextManager["Watch"]):
    """Follows the runs of a sweep; use it as a context."""

    def __init__(self, runs: list[PlannedRun]) -> None:
        self._wanted = {run: run.generations for run in runs}
        self._labels = plan.labels(runs)
        self._done = {run: min(run.generations, len(run_folder.committed(run.folder))) for run in runs}
        self._scores: dict[tuple[PlannedRun, int], Score] = {}
        self._ended = 0
        self._failed = 0
        self._looked = time.monotonic()
        there = (sum(self._wanted.values()), sum(self._done.values()))
        self._bars = _Bars(*there) if progress.console.is_terminal else None

    def __enter__(self) -> "Watch":
        if self._bars:
            self._bars.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars:
            self._bars.live.stop()

    def due(self) -> bool:
        """Whether another look is of use, so long after the last one."""
        return time.monotonic() - self._looked >= (_SECONDS_BETWEEN_LOOKS if self._bars else _SECONDS_BETWEEN_LINES)

    def look(self, at_work: list[PlannedRun]) -> None:
        """Shows how far the runs at work are."""
        self._looked = time.monotonic()
        shown = {run: self._state(run) for run in at_work}
        failed = f", {self._failed} failed" if self._failed else ""
        title = f"{self._ended} of {counted(len(self._wanted), 'run')} done{failed}"
        if self._bars:
            self._bars.show(title, sum(self._done.values()), {self._labels[run]: each for run, each in shown.items()})
            return
        lines = [f"{self._labels[run]}: {_words(run, each)}" for run, each in shown.items()]
        more = [f"{len(lines) - _SHOWN} more at work"] if len(lines) > _SHOWN else []
        progress.say("; ".join([title, *lines[:_SHOWN], *more]))

    def ended(self, run: PlannedRun, how: Ended) -> None:
        """Says how a run ended."""
        self._ended += 1
        self._failed += how.status != 0
        numbers = run_folder.committed(run.folder)
        # What is left of a run that ended early, or failed, is not waited for any more.
        self._done[run] = self._wanted[run]
        said = [how.message]
        if not how.status and numbers:
            with suppress(UserError):
                said = lineage.described(Metrics.read(paths.generation(run.folder, numbers[-1])))
        progress.say_parts([f"{self._labels[run]}: {said[0]}", *said[1:]])

    def _state(self, run: PlannedRun) -> "_State":
        number = len(run_folder.committed(run.folder))
        self._done[run] = min(self._wanted[run], number)
        if number and (run, number) not in self._scores:
            # One whose figures cannot be read is its run's to make anew: it stops no other.
            with suppress(UserError):
                self._scores[run, number] = Metrics.read(paths.generation(run.folder, number)).score
        score = self._scores.get((run, number), Score())
        reached = f"{score.judged} {score.value:.4f}" if score.judged else ""
        return _State(number, *state.training(run.folder, number + 1), reached)


@dataclass(frozen=True)
class _State:
    """Generations done, the iteration of the next one's training, and what the last one done scored, or ""."""

    done: int
    iteration: int
    iterations: int
    reached: str


class _Bars:
    """A bar for all, above one for each run at work."""

    def __init__(self, wanted: int, done: int) -> None:
        text = progress.text("{task.description}")
        done_of = (MofNCompleteColumn(), progress.text("generations"), TimeRemainingColumn())
        self._all = Progress(text, progress.bar(), *done_of)
        self._whole = self._all.add_task("", total=wanted, completed=done)
        fields = (progress.text("generation {task.fields[number]}"), progress.bar(), MofNCompleteColumn())
        self._each = Progress(text, *fields, progress.text("{task.fields[reached]}"))
        self._tasks: dict[str, TaskID] = {}
        self.live = Live(
            Group(self._all, self._each), console=progress.console, auto_refresh=False, transient=True,
            redirect_stdout=False, redirect_stderr=False,
        )  # fmt: skip

    def show(self, title: str, done: int, runs: dict[str, _State]) -> None:
        self._all.update(self._whole, description=title, completed=done)
        for run in [run for run in self._tasks if run not in runs]:
            self._each.remove_task(self._tasks.pop(run))
        for run, now in list(runs.items())[:_SHOWN]:
            if run not in self._tasks:
                self._tasks[run] = self._each.add_task(run, number="", reached="", total=None)
            self._each.update(
                self._tasks[run], number=f"{now.done + 1}", completed=now.iteration, total=now.iterations or None,
                reached=now.reached,
            )  # fmt: skip
        self.live.refresh()


def _words(run: PlannedRun, now: _State) -> str:
    trained = f", iteration {now.iteration} of {now.iterations}" if now.iterations else ""
    return f"generation {now.done + 1} of {run.generations}{trained}" + (f" ({now.reached})" if now.reached else "")
