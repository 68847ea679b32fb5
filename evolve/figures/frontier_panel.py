"""A panel of the frontier: a line for each setting, with bars of spread, and a mark for each published point."""

from collections.abc import Iterable
from itertools import cycle
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from evolve.base import sheet
from evolve.figures import label_placement, panels
from evolve.figures.series import Point, Series

Looks = dict[str, dict[str, Any]]

# Okabe and Ito's colours, the paper's vermilion left out, and a violet; beyond six lines another mark tells them apart.
_COLOURS = ("#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#5E3C99")
_MARKS = ("o", "s", "^", "v", "P", "X")
_INK = "#24292f"
_PEER: dict[str, Any] = {"color": _INK, "marker": "D", "markersize": 6, "linestyle": "none", "mfc": "white", "mew": 1.4}
# A run's point is shown while it errs at most so many times as often as the best point of all runs, or as little as
# the second figure: what is weaker is of no use, and would flatten the rest.
_TIMES_THE_BEST, _LITTLE = 5.0, 0.04
# And while it is no further below where its line began.
_FALLEN = 0.1
_LONGEST = 64  # letters of a line's name in the key
_BETWEEN = 24  # places on the way from one point of a line to the next that a label is kept from


def looks(lines: Iterable[Series]) -> Looks:
    """How each line looks, by its title."""
    ours = dict.fromkeys(line.title for line in lines if line.kind == "run")
    marks = (mark for mark in cycle(_MARKS) for _ in _COLOURS)
    return {
        title: panels.OUR_LINE | {"color": colour, "marker": mark, "linewidth": 1.8, "clip_on": True}
        for title, colour, mark in zip(ours, cycle(_COLOURS), marks, strict=False)
    }


def key(lines: dict[str, list[Series]], styles: Looks) -> list[tuple[str, dict[str, Any]]]:
    """Words and look of every setting, the paper's line, and one for all published points.

    A line is named with where it ends; where there are several panels, in the first.
    """
    every = {each.title: each for group in reversed(lines.values()) for each in group}
    entries = [(f"{_named(each)}: {_reached(each)}", styles[title]) for title, each in every.items() if title in styles]
    entries += [
        (f"{each.title}, {each.network}: {_reached(each)}", panels.PAPERS_LINE)
        for each in every.values()
        if each.kind == "paper"
    ]
    return entries + ([("published by others", _PEER)] if any(each.kind == "peer" for each in every.values()) else [])


def lines(axes: Axes, every: list[Series], styles: Looks) -> None:
    """Draws them all, on a logarithmic axis of compression."""
    for each in every:
        look = styles.get(each.title) or (panels.PAPERS_LINE if each.kind == "paper" else _PEER)
        xs, ys = [point.compression for point in each.points], [point.score for point in each.points]
        if any(point.count > 1 for point in each.points):
            across, up = [p.compression_spread for p in each.points], [p.score_spread for p in each.points]
            axes.errorbar(xs, ys, up, across, fmt="none", ecolor=look["color"], elinewidth=1, capsize=2, alpha=0.7)
        axes.plot(xs, ys, **look)
    axes.set_xscale("log")
    across = [point.compression for each in every for point in each.points]
    # Names of published points take room.
    room = 2.2 if any(each.kind == "peer" for each in every) else 1.35
    axes.set_xlim(0.85 * min(across), room * max(2, *across))
    panels.log_ticks(axes.xaxis, axes.get_xlim(), lambda value: f"{value:,g}×")


def label(axes: Axes, every: list[Series]) -> None:
    """Names the published points, where it hides nothing; what lines are, and where they end, stands in the key."""
    # Behind a comma stands which of several methods of that name it is: that is for the table.
    words = [(_last(each), each.title.partition(",")[0], _INK) for each in every if each.kind == "peer"]
    label_placement.label(axes, words, _drawn(every))


def scores(axes: Axes, every: list[Series]) -> None:
    """The y axis: as far down as any line is shown."""
    floor = _floor(every)
    shown = [point.score for each in every for point in each.points if _is_shown(each, point, floor)]
    room = 0.08 * max(max(shown) - min(shown), 0.01)
    axes.set_ylim(max(0.0, min(shown) - 2 * room), min(1.0, max(shown) + 2 * room))
    axes.yaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]))


def _floor(every: list[Series]) -> float:
    """The score below which runs' points are not shown."""
    best = max(point.score for each in every if each.kind == "run" for point in each.points)
    return 1 - max(_TIMES_THE_BEST * (1 - best), _LITTLE)


def _is_shown(each: Series, point: Point, floor: float) -> bool:
    return each.kind != "run" or point.score >= max(floor, each.points[0].score - _FALLEN)


def below(axes: Axes, every: list[Series]) -> list[str]:
    """A sentence for each line that leaves the axis downwards: from which compression on, and where it is lowest."""
    low = axes.get_ylim()[0]
    return [_said(each, out) for each in every if (out := [point for point in each.points if point.score < low])]


def _said(each: Series, out: list[Point]) -> str:
    lowest = sheet.score(min(point.score for point in out))
    if len(out) == len(each.points):
        return f"Below the scale: {_short(each.title)}, at most {sheet.score(max(point.score for point in out))}."
    first = sheet.times(min(point.compression for point in out))
    return f"Below the scale: {_short(each.title)} from {first} on, down to {lowest}."


def _last(each: Series) -> tuple[float, float]:
    return each.points[-1].compression, each.points[-1].score


def _reached(each: Series) -> str:
    compression, score = _last(each)
    return f"{sheet.times(compression)}, {sheet.score(score)}"


def _drawn(every: list[Series]) -> list[tuple[float, float]]:
    """Every point, the ends of its bars, and points between: what a label should not lie on."""
    places: list[tuple[float, float]] = []
    for each in every:
        for point in each.points:
            places += [(point.compression, point.score + k * point.score_spread / 2) for k in range(-2, 3)]
        for a, b in zip(each.points, each.points[1:], strict=False):
            ratio = b.compression / a.compression
            parts = [k / _BETWEEN for k in range(1, _BETWEEN)]
            places += [(a.compression * ratio**part, a.score + (b.score - a.score) * part) for part in parts]
    return places


def _named(each: Series) -> str:
    return f"{_short(each.title)}, {len(each.seeds)} seed{'s' * (len(each.seeds) > 1)}"


def _short(title: str) -> str:
    """Of a long name beginning and end: settings differ in either."""
    half = (_LONGEST - 1) // 2
    return title if len(title) <= _LONGEST else f"{title[:half]}…{title[-half:]}"
