"""The network is drawn with a box each layer, as high as it has neurons, and in it what is left of them.

An area is compared more easily than a number, and the eye wants to know where a network became narrow.
"""

import math
from pathlib import Path

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.counted import counted
from evolve.base.errors import UserError
from evolve.figures.report import flow
from evolve.figures.report.flow import Stop
from evolve.figures.report.markup import Markup, element, section
from evolve.figures.run import Run
from evolve.runs import paths

# Units of the picture, which are pixels: a wide one scrolls.
_COLUMN, _JOIN, _BOX, _HIGHEST, _ROW = 92, 34, 40, 84, 136
_TOP = 12
_LONGEST = 14  # letters of a name below its box


def diagram(folder: Path, run: Run) -> Markup | None:
    """The section; None where generation 1's deploy prototxt cannot be read."""
    try:
        net = prototxt_text.read(paths.generation(folder, 1) / paths.DEPLOY, caffe_pb2.NetParameter())
    except UserError:
        return None
    about = (
        "A box a layer with synapses, as high as the logarithm of its neurons at generation 1; filled is what the last "
        "generation has. Several layers meet in a point. Point at a box for its widths in every generation."
    )
    picture = _Drawing(flow.stops(net), run).picture()
    scrolled = element("div", picture, class_="scroll", tabindex=0, role="region", aria_label="the network")
    return section("Network", scrolled, about=about)


class _Drawing:
    """Where everything lies in the picture, and its elements."""

    def __init__(self, stops: list[Stop], run: Run) -> None:
        self._stops = stops
        self._run = run
        columns = range(1 + max(stop.column for stop in stops))
        named = {stop.column for stop in stops if stop.name}
        widths = [_COLUMN if column in named else _JOIN for column in columns]
        self._middles = [sum(widths[:column]) + widths[column] / 2 for column in columns]
        self._rows = 1 + max(stop.row for stop in stops)
        self._width = sum(widths)
        layers = [{layer.name: layer.neurons for layer in each.layers} for each in run.generations]
        self._neurons = {name: [each.get(name, 0) for each in layers] for name in layers[0]}
        self._most = max([2, *(counts[0] for counts in self._neurons.values())])

    def picture(self) -> Markup:
        drawn = [self._edge(source, stop) for stop in self._stops for source in stop.sources]
        drawn += [self._stop(stop) for stop in self._stops]
        height = _TOP + self._rows * _ROW
        return element(
            "svg", *drawn, viewBox=f"0 0 {self._width} {height}", width=self._width, height=height, role="img",
            class_="network", aria_label=f"Diagram of {self._run.network}: {self._words()}",
        )  # fmt: skip

    def _words(self) -> str:
        return ", ".join(f"{name} {counts[0]} → {counts[-1]}" for name, counts in self._neurons.items())

    def _place(self, stop: Stop) -> tuple[float, float]:
        """The middle of a stop; a column with fewer rows than others is centred."""
        rows = 1 + max(other.row for other in self._stops if other.column == stop.column)
        return self._middles[stop.column], _TOP + _HIGHEST / 2 + _ROW * (stop.row + (self._rows - rows) / 2)

    def _edge(self, source: Stop, target: Stop) -> Markup:
        (x, y), (to_x, to_y) = self._place(source), self._place(target)
        skips = target.column - source.column > 1 and y == to_y
        # What passes other boxes goes above them.
        bend = y - _HIGHEST / 2 - 8 if skips else y
        middle = (x + to_x) / 2
        return element("path", d=f"M{x} {y}C{middle} {bend} {middle} {bend if skips else to_y} {to_x} {to_y}",
                       class_="edge")  # fmt: skip

    def _stop(self, stop: Stop) -> Markup:
        x, y = self._place(stop)
        if not stop.name:
            return element("circle", cx=x, cy=y, r=4, class_="join")
        counts = self._neurons.get(stop.name)
        name = stop.name if len(stop.name) <= _LONGEST else f"…{stop.name[1 - _LONGEST :]}"
        label = element("text", name, x=x, y=y + _HIGHEST / 2 + 14, text_anchor="middle")
        if not counts or not counts[0]:
            return element("g", element("circle", cx=x, cy=y, r=7, class_="join"), label)
        change = element("text", self._change(counts), x=x, y=y + _HIGHEST / 2 + 28, text_anchor="middle")
        return element("g", *self._boxes(x, y, stop.name, counts), label, change)

    def _boxes(self, x: float, y: float, name: str, counts: list[int]) -> list[Markup]:
        whole = 10 + (_HIGHEST - 10) * math.log(max(counts[0], 1)) / math.log(self._most)
        left = whole * counts[-1] / counts[0]
        box = {"x": x - _BOX / 2, "width": _BOX}
        values = [f"generation {each.generation}: {count:,} of {counted(counts[0], 'neuron')}"
                  for each, count in zip(self._run.generations, counts, strict=True)]  # fmt: skip
        return [
            element("rect", **box, y=round(y - whole / 2, 1), height=round(whole, 1), class_="whole"),
            element("rect", **box, y=round(y + whole / 2 - left, 1), height=round(left, 1), class_="left"),
            element("rect", element("title", "\n".join([name, *values])), **box, y=round(y - whole / 2, 1),
                    height=round(whole, 1), class_="hit"),
        ]  # fmt: skip

    @staticmethod
    def _change(counts: list[int]) -> str:
        return f"{counts[0]:,} → {counts[-1]:,}" if counts[0] != counts[-1] else f"{counts[0]:,}"
