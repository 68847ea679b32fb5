"""A line chart is inline SVG: what it shows stands in its caption, in its text alternative, and under the pointer.

It is not matplotlib's, whose SVG has its colours fixed and its letters as outlines: this one is as light or dark as the
reader has it, may be pointed at, and is a few kilobytes.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from evolve.figures.report.markup import Markup, element, join

# On 10,000 images chance alone moves an accuracy by 0.001: its axis shows at least ten times as much.
_LEAST_OF_A_SCORE = 0.01
# Values this far apart, as a ratio, are read on a logarithmic axis.
_FAR_APART = 3.0


@dataclass(frozen=True)
class Scale:
    """From `low` to `high`, which are not the same; both above zero where it is logarithmic.

    `counts` generations: every whole number on it is a place of its own.
    """

    low: float
    high: float
    logarithmic: bool = False
    counts: bool = False

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
    return Scale(0.5, last + 0.5, counts=True)


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
    dots: bool = True  # False: so many points that a line alone is seen, and pointed at

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
        if not self.x.counts:
            return self.x.ticks()
        last = int(self.x.high)
        return [float(number) for number in range(1, last + 1, math.ceil(last / 14))]

    def _line(self, line: Line) -> Markup:
        places = [(self._x(x), self._y(y)) for x, y in line.points]
        path = "M" + "L".join(f"{x} {y}" for x, y in places)
        dots = [element("circle", cx=x, cy=y, r=3) for x, y in places if self.dots or len(places) == 1]
        return element("g", element("path", d=path), *dots, class_=f"line {line.look}")

    def _hits(self) -> list[Markup]:
        """What nobody sees: a column each generation, a circle each point, or a broad line, that knows the values."""
        if not self.dots:
            return [self._broad(line) for line in self.lines]
        if not self.x.counts:
            return [self._circle(line, *point) for line in self.lines for point in line.points]
        half = 0.5 / (self.x.high - self.x.low) * (_WIDTH - _LEFT - _RIGHT)
        return [self._column(x, half) for x in sorted({x for line in self.lines for x, _ in line.points})]

    def _column(self, x: float, half: float) -> Markup:
        there = [(line, y) for line in self.lines for at, y in line.points if at == x]
        words = [f"{self.across} {self.say_x(x)}", *(f"{line.name}: {self.say(y)}" for line, y in there)]
        title = element("title", "\n".join(words))
        left, height = round(self._x(x) - half, 1), _HEIGHT - _TOP - _BOTTOM
        box = element("rect", title, x=left, y=_TOP, width=round(2 * half, 1), height=height, class_="hit")
        return join([box])

    def _circle(self, line: Line, x: float, y: float) -> Markup:
        title = element("title", f"{line.name}\n{self.across}: {self.say_x(x)}\n{self.title}: {self.say(y)}")
        return element("circle", title, cx=self._x(x), cy=self._y(y), r=_REACH, class_="hit")

    def _broad(self, line: Line) -> Markup:
        path = "M" + "L".join(f"{self._x(x)} {self._y(y)}" for x, y in line.points)
        return element("path", element("title", f"{line.name}: {self._ends(line)}"), d=path, class_="hit broad")

    def _x(self, value: float) -> float:
        return round(_LEFT + self.x.at(value) * (_WIDTH - _LEFT - _RIGHT), 1)

    def _y(self, value: float) -> float:
        return round(_TOP + (1 - self.y.at(value)) * (_HEIGHT - _TOP - _BOTTOM), 1)
