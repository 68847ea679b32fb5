"""The picture of a detection run: [Half17]'s Figure 2, synapses and frames per second, and its Figure 3, the scores."""

from statistics import mean
from typing import Any

from matplotlib.axes import Axes

from evolve.figures import half17, labels, measured, panels
from evolve.figures.measured import Measured

_RECALL = {"color": "#009E73", "marker": "s"}


def precision_and_recall(axes: Axes, seeds: list[Measured]) -> None:
    """Both over the generations, on one scale."""
    precision = panels.lines(axes, seeds, "precision", label=_named("precision", seeds))
    recall = panels.lines(axes, seeds, "recall", label=_named("recall", seeds), **_RECALL)
    values = [value for what in ("precision", "recall") for value in panels.every(seeds, what)]
    least, most = min(values), max(values)
    room = max(0.12 * (most - least), 0.02)
    axes.set_ylim(max(0.0, least - room), most + 3 * room)
    # Above 1 there is only room for words.
    axes.set_yticks([tick for tick in axes.get_yticks() if axes.get_ylim()[0] <= tick <= 1])
    axes.set_ylabel("on the validation images")
    axes.set_xlabel("generation")
    panels.generations(axes, seeds)
    higher_first = precision[1][-1] >= recall[1][-1]
    _end(axes, precision, labels.OURS, above=higher_first)
    _end(axes, recall, str(_RECALL["color"]), above=not higher_first)
    title = f"{half17.SOURCE}, Figure 3, generation {max(half17.FPS)} against 1:\n{half17.CHANGES}"
    look: dict[str, Any] = {"frameon": False, "fontsize": 9, "alignment": "left", "borderaxespad": 0.1}
    key = axes.legend(loc="upper left", title=title, title_fontproperties={"size": 9}, **look)
    key.get_title().set_color(labels.PAPER)


def _named(what: str, seeds: list[Measured]) -> str:
    """The metric with the mean of its first value, and of the last that all have."""
    ends = (0, measured.common_generations(seeds) - 1)
    values = [f"{mean(each.generations[k][what] for each in seeds):.3f}" for k in dict.fromkeys(ends)]
    return f"{what}: {' → '.join(values)}"


def _end(axes: Axes, line: panels.Line, colour: str, above: bool) -> None:
    xs, ys = line
    labels.at(axes, (xs[-1], ys[-1]), f"{ys[-1]:.3f}", colour, "above" if above else "below")
