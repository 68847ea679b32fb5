"""`make frontier`: what every run reaches, accuracy against compression, beside what others published.

A picture for each data set, frontier-<data set>.png and .svg, and frontier.csv with every point of all of them. Data
sets of one's own are others where they lie in other folders, whatever these are called.
"""

import textwrap
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D

from evolve.base.files import write_whole
from evolve.base.sheet import Sheet
from evolve.figures import curves, data_place, frontier_panel, frontier_table, series
from evolve.figures.run import Run
from evolve.figures.series import MACS, SYNAPSES, Series

_INCHES = (9.5, 6.2)
_DOTS_PER_INCH = 180
_FAINT = "#57606a"
_LETTERS = 125  # that fit into a line below the panels
_ROW = 0.21  # inches that a line of the key takes
_TITLES = {
    SYNAPSES: "architectural efficiency A-E: how many times fewer synapses",
    MACS: "how many times fewer multiply-accumulates",
}


@dataclass(frozen=True)
class Frontier:
    """One picture: `lines` by what is counted, of runs on one data set, and whatever is published of it."""

    dataset: str  # as NET='s settings name it, and files are called; of one's own with what tells it from others
    title: str  # the same for whoever reads it; of one's own with the folder
    run: Run  # any of the runs, for what all have in common
    lines: dict[str, list[Series]]

    @property
    def measure(self) -> str:
        """What accuracy is here."""
        return "average precision" if self.run.is_detection else "test accuracy"

    def sheets(self) -> list[Sheet]:
        """The picture's tables, one for each thing counted."""
        return [frontier_table.sheet(self.run, self.title, counted, lines) for counted, lines in self.lines.items()]


def gather(runs: list[Path]) -> tuple[list[Frontier], list[str]]:
    """The pictures that there are to be drawn of these runs, and a line for each run that is left out."""
    groups, left_out = series.groups(runs)
    sets: dict[tuple[str, str, bool], list[list[series.Seed]]] = {}
    for group in groups:
        run, place = group[0].run, data_place.of(group[0].path, group[0].run)
        sets.setdefault((run.ancestor.dataset.name, place, run.is_detection), []).append(group)
    return [_frontier(name, place, sets[name, place, boxes]) for name, place, boxes in sorted(sets)], left_out


def draw(frontiers: list[Frontier], output: Path) -> list[Path]:
    """Draws them into the folder `output`, with their table; returns the files."""
    output.mkdir(parents=True, exist_ok=True)
    files = []
    for each in frontiers:
        png, svg = (output / f"frontier-{each.dataset}.{kind}" for kind in ("png", "svg"))
        with curves.style():
            drawn = figure(each)
            drawn.savefig(png, dpi=_DOTS_PER_INCH)
            drawn.savefig(svg, metadata={"Date": None})
        files += [png, svg]
    table = output / "frontier.csv"
    write_whole(table, frontier_table.text([(each.dataset, each.lines) for each in frontiers]))
    return [*files, table]


def figure(each: Frontier) -> Figure:
    """A panel for each thing counted, under one title and one key."""
    width, height = _INCHES
    layout = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.1, wspace=0.03)
    size = (width + 3.5 * (len(each.lines) - 1), height)
    drawn = Figure(figsize=size, layout=layout, facecolor="white")
    FigureCanvasAgg(drawn)
    panels = drawn.subplots(1, len(each.lines), squeeze=False, sharey=True)[0]
    looks = frontier_panel.looks(line for lines in each.lines.values() for line in lines)
    for axes, (counted, lines) in zip(panels, each.lines.items(), strict=True):
        frontier_panel.lines(axes, lines, looks)
        axes.set_xlabel(_TITLES[counted])
    panels[0].set_ylabel(each.measure)
    frontier_panel.scores(panels[0], [line for lines in each.lines.values() for line in lines])
    _key(drawn, each, looks)
    _caption(drawn, each, list(panels), int(_LETTERS * size[0] / width))
    # Where labels go is known once everything else has its place.
    drawn.canvas.draw()
    drawn.set_layout_engine("none")
    for axes, lines in zip(panels, each.lines.values(), strict=True):
        frontier_panel.label(axes, lines)
    return drawn


def _frontier(name: str, place: str, groups: list[list[series.Seed]]) -> Frontier:
    run = groups[0][0].run
    others = [] if run.is_detection else series.series(run.papers_data, run.dataset)
    counted = [SYNAPSES, *({MACS} & {series.axis(each) for each in others})]
    lines = {
        axis: _named_apart([series.of(group, axis) for group in groups])
        + [each for each in others if series.axis(each) == axis]
        for axis in counted
    }
    return Frontier(data_place.named(name, place), ", ".join(filter(None, (run.dataset, place))), run, lines)


def _named_apart(lines: list[Series]) -> list[Series]:
    """Series of other settings under one name get a number."""
    seen: dict[str, int] = {}
    named = []
    for each in lines:
        seen[each.title] = seen.get(each.title, 0) + 1
        number = f" ({seen[each.title]})" if seen[each.title] > 1 else ""
        named.append(each.titled(each.title + number))
    return named


def _key(drawn: Figure, each: Frontier, looks: frontier_panel.Looks) -> None:
    """Above the panels and inside the picture: in two columns, or in one where names are long; the picture grows."""
    handles = [Line2D([], [], label=words, **look) for words, look in frontier_panel.key(each.lines, looks)]
    width, height = drawn.get_size_inches()
    for columns in (2, 1):
        key = drawn.legend(
            handles=handles,
            title=textwrap.fill(f"{each.title}: {each.measure} against compression", 70),
            title_fontproperties={"size": 15, "weight": "bold"},
            prop={"size": 10},
            loc="outside upper left",
            alignment="left",
            ncols=columns,
            frameon=False,
        )
        if columns == 1 or key.get_window_extent().width < 0.98 * drawn.bbox.width:
            break
        key.remove()
    drawn.set_size_inches(width, height + _ROW * max(0, -(-len(handles) // columns) - 3))


def _caption(drawn: Figure, each: Frontier, panels: list[Axes], letters: int) -> None:
    """Below the panels: how to read them, what they do not show, and what must be known of the data."""
    below = [frontier_panel.below(*pair) for pair in zip(panels, each.lines.values(), strict=True)]
    said = dict.fromkeys(line for lines in below for line in lines)
    words = textwrap.fill(" ".join([frontier_table.about(each.lines), *said]), letters)
    if each.run.notice:
        words = "\n".join([textwrap.fill(f"NOTE: {each.run.notice}", letters), words])
    drawn.supxlabel(words, x=0.012, ha="left", fontsize=9, color=curves.WARNING if each.run.notice else _FAINT)
