"""A line chart as inline SVG: what it shows stands in its caption, in its text alternative, and under the pointer.

Where a value lies along an axis, and which values get a tick.

The curves of a run: whatever its generations measured, over the generations, the papers' points where they fit.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from evolve.base import sheet
from evolve.figures import papers
from evolve.figures.measured import Measured
from evolve.figures.papers import SOURCE
from evolve.figures.report.markup import Markup, element, join, section

# On 10,000 images chance alone moves an accuracy by 0.001: its axis shows at least ten times as much.
_LEAST_OF_A_SCORE = 0.01
# Values this far apart, as a ratio, are read on a logarithmic axis.
_FAR_APART = 3.0


@dataclass(frozen=True)
class Scale:
    """From `low` to `high`, which are not the same; both above zero where it is logarithmic."""

    low: float
    high: float
    logarithmic: bool = False

    def at(self, value: float) -> float:
        """0 at the low end, 1 at the high one."""
        if self.logarithmic:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def ticks(self) -> list[float]:
        """Round numbers within it, three to ten of them where there are so many."""
        return self._decades() if self.logarithmic else self._steps()

    def _decades(self) -> list[float]:
        """Powers of ten; numbers between them as well where these are few."""
        decades = math.log10(self.high / self.low)
        parts = (1.0, 2.0, 3.0, 5.0, 7.0) if decades < 1.2 else (1.0, 2.0, 5.0) if decades < 2.5 else (1.0,)
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        every = [part * 10.0**power for power in powers for part in parts]
        return [value for value in every if self.low <= value <= self.high]

    def _steps(self) -> list[float]:
        step = 10.0 ** math.floor(math.log10((self.high - self.low) / 6))
        while (self.high - self.low) / step > 6:
            # 1, 2, 5, 10, …
            step *= 2.5 if f"{step:e}".startswith("2") else 2
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [round(count * step, 12) for count in range(first, last + 1)]


def of_counts(values: list[float]) -> Scale:
    """For synapses and their like: logarithmic where they are far apart, else from zero."""
    least, most = min(values), max(values)
    if least > 0 and most / least >= _FAR_APART:
        room = (most / least) ** 0.07
        return Scale(least / room, most * room, logarithmic=True)
    return Scale(0, 1.1 * most or 1)


def of_scores(values: list[float]) -> Scale:
    """For accuracy and its like: close around them, within 0 and 1."""
    least, most = min(values), max(values)
    span = max(1.2 * (most - least), _LEAST_OF_A_SCORE)
    low = max(0.0, min((least + most - span) / 2, 1 - span))
    return Scale(low, min(1.0, low + span))


def of_generations(last: int) -> Scale:
    """Whole numbers from 1, with room for half a generation on both sides."""
    return Scale(0.5, last + 0.5)


# Units of the picture, which is as wide as its column: letters stay readable on a phone.
_WIDTH, _HEIGHT = 400, 236
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 10, 10, 34
_REACH = 11  # how near to a point a finger has to come


@dataclass(frozen=True)
class Line:
    """`points` are (x, y), in the order in which they are joined; `look` is a class of the style sheet."""

    name: str
    points: list[tuple[float, float]]
    look: str = "ours"


@dataclass(frozen=True)
class Chart:
    """At least one line with a point in it; `say` writes a value of the y axis out in full."""

    title: str
    lines: list[Line]
    x: Scale
    y: Scale
    say: Callable[[float], str]
    across: str = "generation"
    say_x: Callable[[float], str] = field(default="{:g}".format)
    short: Callable[[float], str] = field(default="{:,g}".format)

    def figure(self) -> Markup:
        """The chart with its caption: the title, and of each line its colour, name, first and last value."""
        caption = element("figcaption", element("strong", self.title), *map(self._key, self.lines))
        return element("figure", caption, self._picture(), class_="chart")

    def _key(self, line: Line) -> Markup:
        swatch = element("span", class_=f"swatch {line.look}", aria_hidden="true")
        name = f"{line.name}: " if len(self.lines) > 1 else ""
        return element("span", swatch, f"{name}{self._ends(line)}", class_="key")

    def _ends(self, line: Line) -> str:
        return " → ".join(dict.fromkeys(self.say(y) for _, y in (line.points[0], line.points[-1])))

    def _picture(self) -> Markup:
        lines = "; ".join(
            f"{line.name} {self._ends(line)}, {self.across} {self.say_x(line.points[0][0])} to "
            f"{self.say_x(line.points[-1][0])}"
            for line in self.lines
        )
        drawn = [*self._grid(), *(self._line(line) for line in self.lines), *self._hits()]
        return element(
            "svg", *drawn, viewBox=f"0 0 {_WIDTH} {_HEIGHT}", role="img", aria_label=f"Chart of {self.title}: {lines}"
        )

    def _grid(self) -> list[Markup]:
        drawn = []
        for value in self.y.ticks():
            y = self._y(value)
            drawn.append(element("path", d=f"M{_LEFT} {y}H{_WIDTH - _RIGHT}", class_="grid"))
            drawn.append(element("text", self.short(value), x=_LEFT - 6, y=y + 4, text_anchor="end"))
        for value in self._x_ticks():
            drawn.append(element("text", self.say_x(value), x=self._x(value), y=_HEIGHT - 20, text_anchor="middle"))
        middle = (_LEFT + _WIDTH - _RIGHT) / 2
        drawn.append(element("text", self.across, x=middle, y=_HEIGHT - 4, text_anchor="middle", class_="axis"))
        return drawn

    def _x_ticks(self) -> list[float]:
        if self.x.logarithmic:
            return self.x.ticks()
        last = int(self.x.high)
        return [float(number) for number in range(1, last + 1, ceil(last / 14))]

    def _line(self, line: Line) -> Markup:
        places = [(self._x(x), self._y(y)) for x, y in line.points]
        path = "M" + "L".join(f"{x} {y}" for x, y in places)
        dots = [element("circle", cx=x, cy=y, r=3) for x, y in places]
        return element("g", element("path", d=path), *dots, class_=f"line {line.look}")

    def _hits(self) -> list[Markup]:
        """What nobody sees: a column each generation, or a circle each point, that knows the values there."""
        if self.x.logarithmic:
            return [self._circle(line, *point) for line in self.lines for point in line.points]
        half = 0.5 / (self.x.high - self.x.low) * (_WIDTH - _LEFT - _RIGHT)
        return [self._column(x, half) for x in sorted({x for line in self.lines for x, _ in line.points})]

    def _column(self, x: float, half: float) -> Markup:
        found = [(line, y) for line in self.lines for at, y in line.points if at == x]
        words = [f"{self.across} {self.say_x(x)}", *(f"{line.name}: {self.say(y)}" for line, y in found)]
        title = element("title", "\n".join(words))
        left, height = round(self._x(x) - half, 1), _HEIGHT - _TOP - _BOTTOM
        box = element("rect", title, x=left, y=_TOP, width=round(2 * half, 1), height=height, class_="hit")
        return join([box])

    def _circle(self, line: Line, x: float, y: float) -> Markup:
        title = element("title", f"{line.name}\n{self.across}: {self.say_x(x)}\n{self.title}: {self.say(y)}")
        return element("circle", title, cx=self._x(x), cy=self._y(y), r=_REACH, class_="hit")

    def _x(self, value: float) -> float:
        return round(_LEFT + self.x.at(value) * (_WIDTH - _LEFT - _RIGHT), 1)

    def _y(self, value: float) -> float:
        return round(_TOP + (1 - self.y.at(value)) * (_HEIGHT - _TOP - _BOTTOM), 1)


Say = Callable[[float], str]

# What a generation has how much of, and how it is called.
_COUNTS = {
    "synapses": "synapses",
    "clusters": "clusters",
    "macs": "MACs of one image",
    "caffemodel_bytes": "bytes of the caffemodel",
}
_LOOKS = ("ours", "second", "third", "fourth")


def curves(run: Measured) -> Markup:
    """The section with every chart that there is something for."""
    counts = [_over(run, title, [(name, name, "ours")]) for name, title in _COUNTS.items()]
    charts = [*counts, *_scores(run), _trade(run), _speed(run)]
    found = [chart.figure() for chart in charts if chart]
    return section("Curves", element("div", *found, class_="charts"), about="Point at a generation for its values.")


def _scores(run: Measured) -> list[Chart | None]:
    if not run.is_detection:
        return [_accuracy(run)]
    first = [("precision", "precision", "ours"), ("recall", "recall", "second")]
    second = [("mAP", "map", "ours"), ("AP", "ap", "second")]
    return [_over(run, "precision and recall", first, scored=True), _over(run, "mAP and AP", second, scored=True)]


def _over(run: Measured, title: str, named: list[tuple[str, str, str]], scored: bool = False) -> Chart | None:
    """Metrics over generations; `named` are a line's name, its metric and its look. None if no generation has any."""
    lines = [Line(name, _points(run, metric), look) for name, metric, look in named]
    return _chart(run, title, lines, scored)


def _chart(run: Measured, title: str, lines: list[Line], scored: bool, say: Say = sheet.whole) -> Chart | None:
    lines = [line for line in lines if line.points]
    if not lines:
        return None
    values = [y for line in lines for _, y in line.points]
    x = of_generations(len(run.generations))
    if scored:
        return Chart(title, lines, x, of_scores(values), sheet.score)
    return Chart(title, lines, x, of_counts(values), say, short=sheet.short)


def _accuracy(run: Measured) -> Chart | None:
    lines = [Line("this run", _points(run, "accuracy"))]
    if lines[0].points and run.paper:
        known = {n: y for n, y in run.paper.accuracy.items() if n <= len(run.generations)}
        lines.append(Line(f"{SOURCE}, {run.paper.dataset}", [(float(n), y) for n, y in known.items()], "paper"))
    return _chart(run, "test accuracy", lines, scored=True)


def _trade(run: Measured) -> Chart | None:
    """Accuracy against what it cost in synapses: where the paper's whole lineage can stand beside a young run."""
    ours = [(m["architectural_efficiency"], m["accuracy"]) for m in run.generations if "accuracy" in m]
    if run.is_detection or not ours:
        return None
    lines = [Line("this run", ours)]
    if run.paper:
        theirs = zip(run.paper.architectural_efficiency.values(), run.paper.accuracy.values(), strict=True)
        lines.append(Line(f"{SOURCE}, {run.paper.dataset}", list(theirs), "paper"))
    across, values = zip(*(point for line in lines for point in line.points), strict=True)
    x = Scale(min(across) / 1.12, 1.12 * max([*across, 2]), logarithmic=True)
    y, title = of_scores(list(values)), "accuracy for its A-E"
    named = "architectural efficiency A-E"
    return Chart(title, lines, x, y, sheet.score, across=named, say_x=lambda x: f"{sheet.rate(x)}×")


def _speed(run: Measured) -> Chart | None:
    """Frames per second on every engine; of a detector what is predicted for the paper's device, and its points."""
    lines = [
        Line(title, [(float(n), fps) for n, fps in sorted(group.items())], _LOOKS[k % len(_LOOKS)])
        for k, (title, group) in enumerate(run.groups.items())
    ]
    if run.is_detection:
        ends = {n: fps for n, fps in papers.HALF17_FPS.items() if n <= len(run.generations)}
        predicted = [(float(n), fps) for n, fps in sorted(run.predicted.items())]
        lines.append(Line(f"TX1, predicted, {papers.HALF17_SHAPE}", predicted, "predicted"))
        lines.append(Line(f"TX1, {papers.HALF17_SOURCE}", [(float(n), fps) for n, fps in ends.items()], "paper"))
    return _chart(run, "frames per second", lines, scored=False, say=sheet.rate)


def _points(run: Measured, metric: str) -> list[tuple[float, float]]:
    every: list[tuple[int, Any]] = [(made["generation"], made.get(metric)) for made in run.generations]
    # metrics.json's type of numbers has the name of a detector's precision.
    return [(float(number), float(value)) for number, value in every if isinstance(value, int | float)]
