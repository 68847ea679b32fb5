"""`make frontier`: what every run reaches, accuracy against compression, beside what others published.

A picture for each data set, frontier-<data set>.png and .svg, and frontier.csv with every point of all of them.

The frontier in figures: a table to print, a row a line of the picture, and a CSV file, a row a point.
"""

import csv
import io
import textwrap
from dataclasses import dataclass
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D

from evolve.base import sheet
from evolve.base.sheet import BLANK, Sheet
from evolve.figures import curves, frontier_panel, series
from evolve.figures.measured import Measured
from evolve.figures.series import MACS, SYNAPSES, Point, Series
from evolve.runs import generation

COLUMNS = (
    "data_set network method kind generation seeds compression compression_spread score score_spread counted source"
).split()

# So much less accuracy than at the start, and a network is still as good to most people.
_ALLOWED = 0.005


def frontier_sheet(run: Measured, counted: str, lines: list[Series]) -> Sheet:
    """The lines of one panel, each as far as it goes; the most compressed first."""
    score = "AP" if run.is_detection else "accuracy"
    ratio = "fewer MACs" if counted == MACS else "A-E"
    rows = [_row(each, ratio, score) for each in sorted(lines, key=lambda each: -each.points[-1].compression)]
    sources = [f"{each.title}: {each.source}." for each in lines if each.kind != "run"]
    return Sheet.of(
        f"{run.dataset}: {score} against compression, counted in {counted}",
        rows,
        notice=run.notice,
        notes=[about({counted: lines}), *dict.fromkeys(sources)],
    )


def about(lines: dict[str, list[Series]]) -> str:
    """How to read the picture, in one paragraph."""
    every = [each for group in lines.values() for each in group]
    words = ["A-E: synapses of a network's own generation 1 ÷ synapses now, biases counted."]
    networks: dict[str, list[str]] = {}
    for each in every:
        if each.kind == "peer" and each.title not in networks.setdefault(each.network, []):
            networks[each.network].append(each.title)
    if networks:
        words.append("Published points count what their papers count.")
        words += [f"Of {name}: {', '.join(titles)}." for name, titles in networks.items() if name]
    if any(point.count > 1 for each in every for point in each.points):
        words.append("± and bars: sample standard deviation (n − 1) over the seeds that have the generation.")
    return " ".join(words)


def text(sets: list[tuple[str, dict[str, list[Series]]]]) -> str:
    """frontier.csv: every point of every line."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(COLUMNS)
    for dataset, lines in sets:
        for counted, group in lines.items():
            for each in group:
                for point in each.points:
                    writer.writerow(_cells(dataset, counted, each, point))
    return written.getvalue()


def _cells(dataset: str, counted: str, each: Series, point: Point) -> list[object]:
    seeds = point.count if each.kind == "run" else ""
    spread = (point.compression_spread, point.score_spread) if point.count > 1 else ("", "")
    what = each.counted if each.kind == "peer" else counted
    return [
        dataset, each.network, each.title, each.kind, point.generation or "", seeds, point.compression, spread[0],
        point.score, spread[1], what, each.source,
    ]  # fmt: skip


def _row(each: Series, ratio: str, score: str) -> dict[str, str]:
    last, kept = each.points[-1], each.within(_ALLOWED)
    times, scores = f"{last.compression:.2f}", sheet.score(last.score)
    if last.count > 1:
        times, scores = f"{times} ± {last.compression_spread:.2f}", f"{scores} ± {last.score_spread:.4f}"
    return {
        "": each.title,
        "network": each.network,
        "counted": each.counted,
        "seeds": str(last.count) if each.kind == "run" else BLANK,
        "generation": str(last.generation) if last.generation else BLANK,
        ratio: times,
        score: scores,
        f"{ratio} within {100 * _ALLOWED:g} points": f"{kept:.2f}" if kept else BLANK,
    }


_INCHES = (9.5, 6.2)
_DOTS_PER_INCH = 180
_FAINT = "#57606a"
_LETTERS = 125  # that fit into a line below the panels
_TITLES = {
    SYNAPSES: "architectural efficiency A-E: how many times fewer synapses",
    MACS: "how many times fewer multiply-accumulates",
}


@dataclass(frozen=True)
class Frontier:
    """One picture: `lines` by what is counted, of runs on one data set, and whatever is published of it."""

    dataset: str  # as NET='s settings name it
    run: Measured  # any of the runs, for what all have in common
    lines: dict[str, list[Series]]

    @property
    def measure(self) -> str:
        """What accuracy is here."""
        return "average precision" if self.run.is_detection else "test accuracy"

    def sheets(self) -> list[Sheet]:
        """Its tables, one for each thing counted."""
        return [frontier_sheet(self.run, counted, lines) for counted, lines in self.lines.items()]


def gather(runs: list[Path]) -> tuple[list[Frontier], list[str]]:
    """The pictures that there are to be drawn of these runs, and a line for each run that is left out."""
    found, left_out = series.groups(runs)
    sets: dict[tuple[str, bool], list[list[series.Seed]]] = {}
    for group in found:
        run = group[0].run
        sets.setdefault((str(run.ancestor["dataset"]["name"]), run.is_detection), []).append(group)
    return [_frontier(name, sets[name, boxes]) for name, boxes in sorted(sets)], left_out


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
    generation.write_whole(table, text([(each.dataset, each.lines) for each in frontiers]))
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
    _caption(drawn, each, int(_LETTERS * size[0] / width))
    # Where labels go is known once everything else has its place.
    drawn.canvas.draw()
    drawn.set_layout_engine("none")
    for axes, lines in zip(panels, each.lines.values(), strict=True):
        frontier_panel.label(axes, lines)
    return drawn


def _frontier(dataset: str, found: list[list[series.Seed]]) -> Frontier:
    run = found[0][0].run
    others = [] if run.is_detection else series.series(run.paper, run.paper.dataset if run.paper else run.dataset)
    counted = [SYNAPSES, *({MACS} & {series.axis(each) for each in others})]
    lines = {
        axis: _named_apart([series.of(group, axis) for group in found])
        + [each for each in others if series.axis(each) == axis]
        for axis in counted
    }
    return Frontier(dataset, run, lines)


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
    handles = [Line2D([], [], label=words, **look) for words, look in frontier_panel.key(each.lines, looks)]
    drawn.legend(
        handles=handles,
        title=textwrap.fill(f"{each.run.dataset}: {each.measure} against compression", 70),
        title_fontproperties={"size": 15, "weight": "bold"},
        prop={"size": 10},
        loc="outside upper left",
        alignment="left",
        ncols=2,
        frameon=False,
    )


def _caption(drawn: Figure, each: Frontier, letters: int) -> None:
    """Below the panels: how to read them, and what must be known of the data."""
    words = textwrap.fill(about(each.lines), letters)
    if each.run.notice:
        words = "\n".join([textwrap.fill(f"NOTE: {each.run.notice}", letters), words])
    drawn.supxlabel(words, x=0.012, ha="left", fontsize=9, color=curves.WARNING if each.run.notice else _FAINT)
