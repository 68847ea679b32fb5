"""A line chart as inline SVG: what it shows stands in its caption, in its text alternative, and under the pointer."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil

from evolve.figures.report.markup import Markup, element, join
from evolve.figures.report.scale import Scale

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
