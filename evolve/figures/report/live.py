"""The training that is at work: how far, how fast, what is left of it, and how its loss falls."""

from pathlib import Path

from evolve.base import sheet
from evolve.base.durations import duration
from evolve.figures.report import losses
from evolve.figures.report.markup import Markup, element, section
from evolve.runs import paths, state, training_log
from evolve.runs.state import State


def live(folder: Path, now: State) -> Markup | None:
    """The section; None where nobody is at work, or Caffe has not shown anything yet."""
    if not (now.at_work and now.iterations):
        return None
    number = now.done + 1
    unfinished = state.under_way(folder, number)
    chart = losses.under_way(unfinished, number, now.iterations)
    words = [_pace(training_log.read(unfinished / paths.TRAIN_LOG), now)]
    drawn = element("div", chart.figure(), class_="charts") if chart else None
    return section("Training now", *(element("p", each) for each in words if each), drawn)


def _pace(shown: list[training_log.Shown], now: State) -> str:
    """Iterations a second, and the time that the others take at that pace; "" before there is a pace."""
    # The first display is that of iteration 0, over no time at all.
    paces = [each.pace for each in shown[1:] if each.pace > 0]
    if not paces:
        return ""
    left = (now.iterations - now.iteration) / paces[-1]
    return f"{sheet.rate(paces[-1])} iterations a second, {duration(left)} left of this generation"
