"""`make plot`: what evolution did to a network, as one picture: curves.png for a page, curves.svg for print.

Of a classifier synapses, accuracy, and what one cost in the other; of a detector [Half17]'s Figures 2 and 3.
"""

import textwrap
from contextlib import AbstractContextManager
from pathlib import Path
from statistics import mean
from typing import Any

import matplotlib.style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D

from evolve.base import files, sheet
from evolve.base.errors import UserError
from evolve.figures import panels, speed_panel
from evolve.figures.papers import SOURCE
from evolve.figures.run import Run, common_generations, read_seeds
from evolve.runs import choice, out_place

_INK = "#24292f"
WARNING = "#B03A00"

# The user's own matplotlibrc is not asked: the same run gives the same picture everywhere.
_STYLE: dict[str, Any] = {
    "font.size": 10.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "text.color": _INK,
    "axes.grid": True,
    "grid.color": "#e6e8eb",
    "grid.linewidth": 0.8,
    "axes.axisbelow": True,
    "text.parse_math": False,  # a name with two $ is a name
    "lines.solid_capstyle": "round",
    # Letters as outlines, and ids from a fixed salt: the SVG looks, and is, the same on every machine.
    "svg.fonttype": "path",
    "svg.hashsalt": "cavefish",
}
_INCHES = (11.0, 5.4)
_MORE = 2.4  # inches in height that another panel takes
_DOTS_PER_INCH = 180


def draw(folders: list[Path], output: Path, table: Path | None = None) -> list[Path]:
    """Draws one run, or several seeds of one network, into the folder `output`; returns the two files.

    `table` is a device's CSV file of frames per second, of that one run.
    UserError if there is nothing to draw, the runs differ in more than their seed, or `output` cannot be written.
    """
    seeds = read_seeds(folders, table)
    by_loss = all(map(_has_every_loss, seeds))
    for folder, run in zip(folders, seeds, strict=True):
        if not run.is_detection and not by_loss and (why := choice.unjudged(run.generations)):
            raise UserError(f"{folder}: {why}")
    out_place.as_folder(output, "a folder for curves.png and curves.svg")
    png, svg = output / "curves.png", output / "curves.svg"
    with style(), files.named_by_out(output):
        output.mkdir(parents=True, exist_ok=True)
        drawn = figure(seeds)
        drawn.savefig(png, dpi=_DOTS_PER_INCH)
        drawn.savefig(svg, metadata={"Date": None})
    return [png, svg]


def _has_every_loss(run: Run) -> bool:
    return run.has_losses_alone and len(run.values("loss")) == len(run.generations)


def style() -> AbstractContextManager[None]:
    """The look of the picture, for as long as it is drawn and saved."""
    return matplotlib.style.context(["default", _STYLE])


def figure(seeds: list[Run]) -> Figure:
    """The panels that there is something for, with title and key."""
    if all(each.is_detection for each in seeds):
        drawn = _detection(seeds)
    else:
        drawn = _classification(seeds)
    _head(drawn, seeds)
    if seeds[0].notice:
        _caption(drawn, seeds[0].notice)
    return drawn


def _classification(seeds: list[Run]) -> Figure:
    """Synapses, frames per second if measured, and accuracy over the generations; accuracy against what it cost.

    The test loss of networks that say no accuracy.
    """
    timed = speed_panel.is_known(seeds)
    left = ["synapses", *(["speed"] if timed else []), "judged"]
    drawn = _empty(_MORE if timed else 0.0)
    heights = [1.4 if name == "speed" else 1.0 for name in left]
    parts = drawn.subplot_mosaic(
        [[name, "trade"] for name in left], width_ratios=[1, 1.15], height_ratios=heights
    )
    panels.synapses(parts["synapses"], seeds)
    if timed:
        speed_panel.panel(parts["speed"], seeds, with_paper=False)
        parts["speed"].tick_params(labelbottom=False)
    panels.judged(parts["judged"], seeds)
    panels.trade(parts["trade"], seeds)
    return drawn


def _detection(seeds: list[Run]) -> Figure:
    """Synapses and frames per second on the left, as in the paper's Figure 2; precision and recall, its Figure 3."""
    drawn = _empty(_MORE / 2)
    left = ["synapses", "speed", "speed"]
    parts = drawn.subplot_mosaic([[name, "scores"] for name in left], width_ratios=[1.1, 1])
    panels.synapses(parts["synapses"], seeds)
    speed_panel.panel(parts["speed"], seeds, with_paper=True)
    parts["speed"].set_xlabel("generation")
    panels.precision_and_recall(parts["scores"], seeds)
    return drawn


def _empty(more_inches: float) -> Figure:
    layout = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.1, wspace=0.03, hspace=0.02)
    width, height = _INCHES
    drawn = Figure(figsize=(width, height + more_inches), layout=layout, facecolor="white")
    FigureCanvasAgg(drawn)
    return drawn


def _head(drawn: Figure, seeds: list[Run]) -> None:
    """Above the panels: the title, and what the lines are, each in its colour."""
    lines = _key(seeds)
    key = drawn.legend(
        handles=lines,
        title=_title(seeds),
        title_fontproperties={"size": 15, "weight": "bold"},
        prop={"size": 10.5, "weight": "bold"},
        loc="outside upper left",
        alignment="left",
        ncols=len(lines),
        frameon=False,
    )
    for words, line in zip(key.get_texts(), lines, strict=True):
        words.set_color(line.get_color())


def _title(seeds: list[Run]) -> str:
    run = seeds[0]
    heading = f"{run.network} on {run.dataset}"
    generations = common_generations(seeds)
    if generations > 1:
        gain = mean(run.generations[generations - 1].architectural_efficiency for run in seeds)
        heading += f": {sheet.times(gain)} fewer synapses in {generations} generations"
    return textwrap.fill(heading, 66)


def _key(seeds: list[Run]) -> list[Line2D]:
    paper = seeds[0].paper
    ours = "this run" if len(seeds) == 1 else f"mean of {len(seeds)} seeds; thin: each of them"
    lines = [Line2D([], [], label=ours, **panels.OUR_LINE)]
    if paper:
        name = f"the paper, {paper.dataset}: {SOURCE}, Table 1"
        lines.append(Line2D([], [], label=name, **panels.PAPERS_LINE))
    return lines


def _caption(drawn: Figure, notice: str) -> None:
    """Below the panels: what must be known of the data."""
    words = textwrap.fill(f"NOTE: {notice}", 118)
    drawn.supxlabel(words, x=0.012, ha="left", fontsize=10.5, fontweight="bold", color=WARNING)
