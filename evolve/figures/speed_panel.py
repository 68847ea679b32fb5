"""The panel of frames per second shows what was measured, what is predicted, and the paper's end points."""

import math
from collections.abc import Iterable
from statistics import mean
from typing import Any

from matplotlib.axes import Axes

from evolve.figures import label_placement, panels, papers
from evolve.figures.run import Run

# Okabe and Ito's colours again, of what is neither ours (blue) nor the paper's (vermilion) yet.
_OTHERS = ("#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_PREDICTED: dict[str, Any] = {
    "color": "#57606a", "linewidth": 1.4, "linestyle": (0, (1, 1.5)), "marker": "o", "markersize": 3.5
}  # fmt: skip
_ENDS: dict[str, Any] = panels.PAPERS_LINE | {"linestyle": "none"}


def is_known(seeds: list[Run]) -> bool:
    """Whether any generation was measured."""
    return any(each.groups for each in seeds)


def panel(axes: Axes, seeds: list[Run], with_paper: bool) -> None:
    """fps on a log scale; `with_paper` adds what is predicted for the paper's device, and what the paper says of it."""
    titles = list(dict.fromkeys(title for each in seeds for title in each.groups))
    drawn: list[float] = []
    for number, title in enumerate(titles):
        line = _mean(each.groups.get(title, {}) for each in seeds)
        colour = {"color": _OTHERS[(number - 1) % len(_OTHERS)]} if number else {}
        axes.plot(*line, **(panels.OUR_LINE | colour), label=_named(title, line))
        drawn += line[1]
    if with_paper:
        drawn += _the_papers(axes, seeds)
    axes.set_ylabel("frames per second")
    axes.set_yscale("log")
    axes.set_ylim(min(drawn) / 1.6, max(drawn) * 1.6 * (max(drawn) / min(drawn)) ** (0.16 * len(axes.lines)))
    panels.log_ticks(axes.yaxis, axes.get_ylim(), lambda value: f"{value:,g}")
    panels.generations(axes, seeds)
    axes.legend(loc="upper left", frameon=False, fontsize=9, borderaxespad=0.1, handlelength=2.4)


def _the_papers(axes: Axes, seeds: list[Run]) -> list[float]:
    predicted = _mean(each.predicted for each in seeds)
    if predicted[0]:
        axes.plot(*predicted, **_PREDICTED, label=_named(f"TX1, predicted, {papers.HALF17_SHAPE}", predicted))
    last = max(len(each.generations) for each in seeds)
    ends = {number: fps for number, fps in papers.HALF17_FPS.items() if number <= last}
    both = " → ".join(f"{fps:g}" for fps in papers.HALF17_FPS.values())
    axes.plot(list(ends), list(ends.values()), **_ENDS, label=f"TX1, {papers.HALF17_SOURCE}, Figure 2: {both} fps")
    if last > 1:
        number = max(ends)
        label_placement.at(axes, (number, ends[number]), f"{ends[number]:g}", panels.PAPER)
    return [*predicted[1], *ends.values()]


def _mean(runs: Iterable[dict[int, float]]) -> panels.Line:
    """fps over generations: the mean of those runs that have the generation."""
    listed = [run for run in runs if run]
    numbers = sorted({number for run in listed for number in run})
    return [float(number) for number in numbers], [mean(run[n] for run in listed if n in run) for n in numbers]


def _named(title: str, line: panels.Line) -> str:
    first, last = line[1][0], line[1][-1]
    return f"{title}: {_figure(first)} → {_figure(last)} fps" if len(line[1]) > 1 else f"{title}: {_figure(first)} fps"


def _figure(fps: float) -> str:
    """Three figures at most before the comma."""
    return f"{fps:,.{max(0, 1 - math.floor(math.log10(fps)))}f}" if fps < 100 else f"{fps:,.0f}"
