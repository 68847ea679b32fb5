"""The panels of the picture, one function each. Lines are labelled where they end.

Words beside lines, in the lines' colours.

The panel of frames per second over generations: measured, predicted, and the paper's end points.
"""

import math
from collections.abc import Callable, Iterable
from statistics import mean
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from evolve.base import sheet
from evolve.figures import measured, papers
from evolve.figures.measured import Measured
from evolve.figures.papers import Reported

# Okabe and Ito's colours, told apart by every kind of colour vision.
OURS = "#0072B2"
PAPER = "#D55E00"

# A line that must pass behind a word leaves it readable.
_HALO = [withStroke(linewidth=3, foreground="white")]

# Where words stand to their point: offset in points, vertical and horizontal alignment.
_PLACES = {
    "level": ((8, 0), "center", "left"),
    "above": ((8, 2), "bottom", "left"),
    "below": ((8, -2), "top", "left"),
    "under": ((4, -9), "top", "right"),
    "over": ((-2, 7), "bottom", "left"),
    "beneath": ((-2, -7), "top", "left"),
}


def at(axes: Axes, point: tuple[float, float], words: str, colour: str = OURS, place: str = "level") -> None:
    """Writes `words` at one of the places around the point that _PLACES names."""
    offset, va, ha = _PLACES[place]
    axes.annotate(
        words,
        point,
        offset,
        textcoords="offset points",
        color=colour,
        va=va,
        ha=ha,
        fontweight="bold",
        path_effects=_HALO,
    )


Line = tuple[list[float], list[float]]

OUR_LINE: dict[str, Any] = {"color": OURS, "linewidth": 2.2, "marker": "o", "markersize": 5, "clip_on": False}
PAPERS_LINE: dict[str, Any] = {
    "color": PAPER, "linewidth": 1.4, "linestyle": (0, (4, 2)), "marker": "o", "markersize": 6.5, "mfc": "white"
}  # fmt: skip

# Of accuracy, an axis shows at least this much: on 10,000 images chance alone moves it by 0.001.
_LEAST_ACCURACY_SHOWN = 0.01


def synapses(axes: Axes, seeds: list[Measured]) -> None:
    """Synapses, on a log scale, over generations."""
    line = lines(axes, seeds, "synapses")
    axes.set_ylabel("synapses")
    axes.set_yscale("log")
    most, least = line[1][0], min(every(seeds, "synapses"))
    axes.set_ylim(least / 1.8, most * max(1.8, (most / least) ** 0.2))
    log_ticks(axes.yaxis, axes.get_ylim(), lambda value: f"{value:,.0f}")
    generations(axes, seeds)
    axes.tick_params(labelbottom=False)
    _label_ends(axes, line, lambda y: f"{y:,.0f}")


def accuracy(axes: Axes, seeds: list[Measured]) -> None:
    """Test accuracy over generations."""
    line = lines(axes, seeds, "accuracy")
    axes.set_xlabel("generation")
    _accuracies(axes, every(seeds, "accuracy"))
    generations(axes, seeds)
    _label_ends(axes, line, lambda y: f"{y:.4f}")


def trade(axes: Axes, seeds: list[Measured]) -> None:
    """Test accuracy against architectural efficiency, with the paper's Table 1."""
    theirs = _table_1(seeds[0].paper) if seeds[0].paper else ([], [])
    axes.plot(*theirs, **PAPERS_LINE)
    ours = lines(axes, seeds, "accuracy", over="architectural_efficiency")
    axes.set_xscale("log")
    axes.set_xlim(0.85, 2.6 * max([1.5, *theirs[0], *every(seeds, "architectural_efficiency")]))
    log_ticks(axes.xaxis, axes.get_xlim(), lambda value: f"{value:,g}×")
    axes.set_xlabel("architectural efficiency: how many times fewer synapses")
    _accuracies(axes, [*theirs[1], *every(seeds, "accuracy")])
    _label_trade(axes, ours, theirs)


def every(seeds: list[Measured], what: str) -> list[float]:
    """That metric of each generation of each seed."""
    return [float(made[what]) for each in seeds for made in each.generations]


def _table_1(paper: Reported) -> Line:
    return list(paper.architectural_efficiency.values()), list(paper.accuracy.values())


def lines(axes: Axes, seeds: list[Measured], y: str, over: str = "generation", **look: Any) -> Line:
    """Draws a metric of each seed thin and their mean thick; returns the mean, over the generations that all have.

    `look` is what is other than OUR_LINE, a label for one.
    """
    single = [tuple([float(made[what]) for made in each.generations] for what in (over, y)) for each in seeds]
    if len(single) > 1:
        for xs, ys in single:
            axes.plot(xs, ys, color=look.get("color", OURS), linewidth=1, alpha=0.45)
    shared = range(measured.common_generations(seeds))
    middle = [mean(xs[k] for xs, _ in single) for k in shared], [mean(ys[k] for _, ys in single) for k in shared]
    axes.plot(*middle, **(OUR_LINE | look))
    return middle


def generations(axes: Axes, seeds: list[Measured]) -> None:
    """Whole generations on the x axis, and room for the last one's label."""
    last = max(len(each.generations) for each in seeds)
    span = max(last - 1, 1)
    axes.set_xlim(1 - 0.05 * span, last + 0.24 * span)
    axes.set_xticks(range(1, last + 1, math.ceil(last / 16)))


def _accuracies(axes: Axes, values: list[float]) -> None:
    """The y axis: all values with some room, none of it above 1."""
    room = 0.2 * max(max(values) - min(values), _LEAST_ACCURACY_SHOWN / 1.4)
    middle = (max(values) + min(values)) / 2
    half = max((max(values) - min(values)) / 2 + room, _LEAST_ACCURACY_SHOWN / 2)
    axes.set_ylim(middle - half, min(middle + half, 1))
    axes.set_ylabel("test accuracy")
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))


def log_ticks(axis: Axis, limits: tuple[float, float], title: Callable[[float], str]) -> None:
    """Every decade; 2 and 5 between them where there are fewer than two and a half."""
    few = math.log10(limits[1] / limits[0]) < 2.5
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if few else (1,), numticks=10))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: title(value)))


def _label_ends(axes: Axes, line: Line, title: Callable[[float], str]) -> None:
    """The first value, on the side that the line leaves free, and the last one."""
    xs, ys = line
    if len(xs) > 1:
        at(axes, (xs[0], ys[0]), title(ys[0]), place="beneath" if ys[1] > ys[0] else "over")
    at(axes, (xs[-1], ys[-1]), title(ys[-1]))


def _label_trade(axes: Axes, ours: Line, theirs: Line) -> None:
    """What each line reaches, on the side that the other line leaves free."""
    lower = bool(theirs[0]) and ours[1][-1] < np.interp(math.log(ours[0][-1]), np.log(theirs[0]), theirs[1])
    _label_reached(axes, ours, OURS, _below(ours) if lower else "above")
    if theirs[0]:
        _label_reached(axes, theirs, PAPER, "above" if lower else "below")


def _below(line: Line) -> str:
    """The place below a line's end: to the left, where the other line does not come down, if this one did not rise."""
    xs, ys = line
    return "under" if len(xs) > 1 and ys[-1] <= ys[-2] and xs[-1] > 3 else "below"


def _label_reached(axes: Axes, line: Line, colour: str, place: str) -> None:
    xs, ys = line
    at(axes, (xs[-1], ys[-1]), f"{sheet.times(xs[-1])}\n{ys[-1]:.4f}", colour, place)


# Okabe and Ito's colours again, of what is neither ours (blue) nor the paper's (vermilion) yet.
_OTHERS = ("#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_PREDICTED: dict[str, Any] = {
    "color": "#57606a", "linewidth": 1.4, "linestyle": (0, (1, 1.5)), "marker": "o", "markersize": 3.5
}  # fmt: skip
_ENDS: dict[str, Any] = PAPERS_LINE | {"linestyle": "none"}


def known(seeds: list[Measured]) -> bool:
    """Whether any generation was measured."""
    return any(each.groups for each in seeds)


def frames(axes: Axes, seeds: list[Measured], with_paper: bool) -> None:
    """fps on a log scale; `with_paper` adds what is predicted for the paper's device, and what the paper says of it."""
    titles = list(dict.fromkeys(title for each in seeds for title in each.groups))
    drawn: list[float] = []
    for number, title in enumerate(titles):
        line = _mean(each.groups.get(title, {}) for each in seeds)
        colour = {"color": _OTHERS[(number - 1) % len(_OTHERS)]} if number else {}
        axes.plot(*line, **(OUR_LINE | colour), label=_named(title, line))
        drawn += line[1]
    if with_paper:
        drawn += _the_papers(axes, seeds)
    axes.set_ylabel("frames per second")
    axes.set_yscale("log")
    axes.set_ylim(min(drawn) / 1.6, max(drawn) * 1.6 * (max(drawn) / min(drawn)) ** (0.16 * len(axes.lines)))
    log_ticks(axes.yaxis, axes.get_ylim(), lambda value: f"{value:,g}")
    generations(axes, seeds)
    axes.legend(loc="upper left", frameon=False, fontsize=9, borderaxespad=0.1, handlelength=2.4)


def _the_papers(axes: Axes, seeds: list[Measured]) -> list[float]:
    predicted = _mean(each.predicted for each in seeds)
    if predicted[0]:
        axes.plot(*predicted, **_PREDICTED, label=_named(f"TX1, predicted, {papers.HALF17_SHAPE}", predicted))
    last = max(len(each.generations) for each in seeds)
    ends = {number: fps for number, fps in papers.HALF17_FPS.items() if number <= last}
    both = " → ".join(f"{fps:g}" for fps in papers.HALF17_FPS.values())
    axes.plot(list(ends), list(ends.values()), **_ENDS, label=f"TX1, {papers.HALF17_SOURCE}, Figure 2: {both} fps")
    if last > 1:
        number = max(ends)
        at(axes, (number, ends[number]), f"{ends[number]:g}", PAPER)
    return [*predicted[1], *ends.values()]


def _mean(runs: Iterable[dict[int, float]]) -> Line:
    """fps over generations: the mean of those runs that have the generation."""
    listed = [run for run in runs if run]
    numbers = sorted({number for run in listed for number in run})
    return [float(number) for number in numbers], [mean(run[n] for run in listed if n in run) for n in numbers]


def _named(title: str, line: Line) -> str:
    first, last = line[1][0], line[1][-1]
    return f"{title}: {_figure(first)} → {_figure(last)} fps" if len(line[1]) > 1 else f"{title}: {_figure(first)} fps"


def _figure(fps: float) -> str:
    """Three figures at most before the comma."""
    return f"{fps:,.{max(0, 1 - math.floor(math.log10(fps)))}f}" if fps < 100 else f"{fps:,.0f}"
