"""Figures of runs as they are drawn: what is written in one, and whether all of it can be read."""

import itertools
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text

from evolve.figures import curves
from evolve.figures.run import read_seeds


def drawn(runs: list[Path], device: Path | None = None) -> Figure:
    """The curves of runs."""
    with curves.style():
        figure = curves.figure(read_seeds(runs, device))
        figure.canvas.draw()
    return figure


def words(figure: Figure) -> list[str]:
    """Each text in it, on one line."""
    return [" ".join(each.get_text().split()) for each in figure.findobj(Text) if each.get_text().strip()]


def assert_nothing_is_cut_off(figure: Figure) -> None:
    """What is drawn lies within the picture."""
    tight, whole = figure.get_tightbbox(), figure.bbox_inches
    assert tight.x0 >= 0 and tight.y0 >= 0 and tight.x1 <= whole.x1 and tight.y1 <= whole.y1, (tight, whole)


def assert_labels_keep_apart(figure: Figure) -> None:
    """No label of a panel lies on another."""
    for axes in figure.axes:
        boxes = [each.get_window_extent() for each in axes.texts if isinstance(each, Annotation)]
        assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))
