"""Panels of the picture are drawn here, a function each. Lines are labelled where they end, in their own colours."""

import math
from collections.abc import Callable
from statistics import mean
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from evolve.base import sheet
from evolve.figures import label_placement, papers
from evolve.figures.papers import Reported
from evolve.figures.run import Run, common_generations

# Okabe and Ito's colours, told apart by every kind of colour vision.
OURS = "#0072B2"
PAPER = "#D55E00"

Line = tuple[list[float], list[float]]

OUR_LINE: dict[str, Any] = {"color": OURS, "linewidth": 2.2, "marker": "o", "markersize": 5, "clip_on": False}
PAPERS_LINE: dict[str, Any] = {
    "color": PAPER, "linewidth": 1.4, "linestyle": (0, (4, 2)), "marker": "o", "markersize": 6.5, "mfc": "white"
}  # fmt: skip
_RECALL = {"color": "#009E73", "marker": "s"}

# Of accuracy, an axis shows at least this much: on 10,000 images chance alone moves it by 0.001.
_LEAST_ACCURACY_SHOWN = 0.01


def synapses(axes: Axes, seeds: list[Run]) -> None:
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


def judged(axes: Axes, seeds: list[Run]) -> None:
    """Test accuracy over generations; the test loss where there is none."""
    metric = _metric(seeds)
    line = lines(axes, seeds, metric)
    axes.set_xlabel("generation")
    _judged(axes, metric, every(seeds, metric))
    generations(axes, seeds)
    _label_ends(axes, line, lambda y: f"{y:.4f}")


def trade(axes: Axes, seeds: list[Run]) -> None:
    """Test accuracy, or the loss, against architectural efficiency, with the paper's Table 1."""
    metric = _metric(seeds)
    theirs = _table_1(seeds[0].paper) if seeds[0].paper and metric == "accuracy" else ([], [])
    axes.plot(*theirs, **PAPERS_LINE)
    ours = lines(axes, seeds, metric, over="architectural_efficiency")
    axes.set_xscale("log")
    axes.set_xlim(0.85, 2.6 * max([1.5, *theirs[0], *every(seeds, "architectural_efficiency")]))
    log_ticks(axes.xaxis, axes.get_xlim(), lambda value: f"{value:,g}×")
    axes.set_xlabel("architectural efficiency: how many times fewer synapses")
    _judged(axes, metric, [*theirs[1], *every(seeds, metric)])
    _label_trade(axes, ours, theirs)


def precision_and_recall(axes: Axes, seeds: list[Run]) -> None:
    """Both over the generations, on one scale."""
    precision = lines(axes, seeds, "precision", label=_named("precision", seeds))
    recall = lines(axes, seeds, "recall", label=_named("recall", seeds), **_RECALL)
    values = [value for what in ("precision", "recall") for value in every(seeds, what)]
    least, most = min(values), max(values)
    room = max(0.12 * (most - least), 0.02)
    axes.set_ylim(max(0.0, least - room), most + 3 * room)
    # Above 1 there is only room for words.
    axes.set_yticks([tick for tick in axes.get_yticks() if axes.get_ylim()[0] <= tick <= 1])
    axes.set_ylabel("on the validation images")
    axes.set_xlabel("generation")
    generations(axes, seeds)
    higher_first = precision[1][-1] >= recall[1][-1]
    _end(axes, precision, OURS, above=higher_first)
    _end(axes, recall, str(_RECALL["color"]), above=not higher_first)
    title = f"{papers.HALF17_SOURCE}, Figure 3, generation {max(papers.HALF17_FPS)} against 1:\n{papers.HALF17_CHANGES}"
    look: dict[str, Any] = {"frameon": False, "fontsize": 9, "alignment": "left", "borderaxespad": 0.1}
    key = axes.legend(loc="upper left", title=title, title_fontproperties={"size": 9}, **look)
    key.get_title().set_color(PAPER)


def _named(what: str, seeds: list[Run]) -> str:
    """The metric with the mean of its first value, and of the last that all have."""
    ends = (1, common_generations(seeds))
    values = [f"{mean(run.values(what)[number] for run in seeds):.3f}" for number in dict.fromkeys(ends)]
    return f"{what}: {' → '.join(values)}"


def _end(axes: Axes, line: Line, colour: str, above: bool) -> None:
    xs, ys = line
    label_placement.at(axes, (xs[-1], ys[-1]), f"{ys[-1]:.3f}", colour, "above" if above else "below")


def every(seeds: list[Run], what: str) -> list[float]:
    """That metric of each generation of each seed."""
    return [value for run in seeds for value in run.values(what).values()]


def _table_1(paper: Reported) -> Line:
    return list(paper.architectural_efficiency.values()), list(paper.accuracy.values())


def lines(axes: Axes, seeds: list[Run], y: str, over: str = "", **look: Any) -> Line:
    """Draws a metric of each seed thin and their mean thick; returns the mean, over the generations that all have.

    `over` is the metric on the x axis, by default the generation's number; `look` is what is other than OUR_LINE.
    """
    single = [_points(run, y, over) for run in seeds]
    if len(single) > 1:
        for xs, ys in single:
            axes.plot(xs, ys, color=look.get("color", OURS), linewidth=1, alpha=0.45)
    shared = range(common_generations(seeds))
    middle = [mean(xs[k] for xs, _ in single) for k in shared], [mean(ys[k] for _, ys in single) for k in shared]
    axes.plot(*middle, **(OUR_LINE | look))
    return middle


def _points(run: Run, y: str, over: str) -> Line:
    heights = run.values(y)
    return list(run.values(over).values()) if over else [float(number) for number in heights], list(heights.values())


def generations(axes: Axes, seeds: list[Run]) -> None:
    """Whole generations on the x axis, and room for the last one's label."""
    last = max(len(each.generations) for each in seeds)
    span = max(last - 1, 1)
    axes.set_xlim(1 - 0.05 * span, last + 0.24 * span)
    axes.set_xticks(range(1, last + 1, math.ceil(last / 16)))


def _metric(seeds: list[Run]) -> str:
    return next(iter(seeds[0].scores))


def _judged(axes: Axes, metric: str, values: list[float]) -> None:
    """The y axis: all values with some room, of accuracy none of it above 1, of a loss none below 0."""
    room = 0.2 * max(max(values) - min(values), _LEAST_ACCURACY_SHOWN / 1.4)
    middle = (max(values) + min(values)) / 2
    half = max((max(values) - min(values)) / 2 + room, _LEAST_ACCURACY_SHOWN / 2)
    is_loss = metric == "loss"
    axes.set_ylim(max(middle - half, min(0, *values)) if is_loss else middle - half,
                  middle + half if is_loss else min(middle + half, 1))  # fmt: skip
    axes.set_ylabel("test loss" if is_loss else "test accuracy")
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
        label_placement.at(axes, (xs[0], ys[0]), title(ys[0]), OURS, "beneath" if ys[1] > ys[0] else "over")
    label_placement.at(axes, (xs[-1], ys[-1]), title(ys[-1]), OURS)


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
    label_placement.at(axes, (xs[-1], ys[-1]), f"{sheet.times(xs[-1])}\n{ys[-1]:.4f}", colour, place)
