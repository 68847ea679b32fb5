"""How the loss fell while a generation was trained: of the first and last one, and up to three between."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from evolve.base import sheet
from evolve.figures.report.chart import Chart, Line, Scale, of_counts
from evolve.figures.report.kernels import spread
from evolve.figures.run import Run
from evolve.runs import paths, training_log
from evolve.runs.training_log import Shown

# Means of so many parts of a training: batches differ more than a whole training changes the loss in a while.
_PARTS = 25


def losses(folder: Path, run: Run) -> Chart | None:
    """The chart, over parts of each training; None where no log tells of any."""
    lines = []
    for place, metrics in enumerate(spread(run.generations)):
        shown = training_log.read(paths.generation(folder, metrics.generation) / paths.TRAIN_LOG)
        if points := smoothed(shown, metrics.training.iterations):
            lines.append(Line(f"generation {metrics.generation}", points, f"age{1 + place}"))
    return _chart("loss in training", lines, Scale(0, 100), "per cent of the training") if lines else None


def under_way(folder: Path, number: int, iterations: int) -> Chart | None:
    """The chart of the training of generation `number` in `folder`, the one that is at work, over its `iterations`."""
    points = smoothed(training_log.read(folder / paths.TRAIN_LOG), iterations)
    if not points:
        return None
    line = Line(f"generation {number}", points, "ours")
    return _chart(f"loss of generation {number} so far", [line], Scale(0, 100), "per cent of the training")


def smoothed(shown: Sequence[Shown], iterations: int) -> list[tuple[float, float]]:
    """(per cent of `iterations`, mean loss there): a point a part of the training that has a loss above zero."""
    parts: dict[int, list[Shown]] = {}
    for each in shown:
        if math.isfinite(each.loss) and each.loss > 0:
            parts.setdefault(_PARTS * each.iteration // max(1, iterations), []).append(each)
    return [
        (round(100 * float(np.mean([each.iteration for each in part])) / max(1, iterations), 2),
         float(np.mean([each.loss for each in part])))
        for part in parts.values()
    ]  # fmt: skip


def _chart(title: str, lines: list[Line], x: Scale, across: str) -> Chart:
    values = [y for line in lines for _, y in line.points]
    return Chart(title, lines, x, of_counts(values), sheet.score, across=across, dots=False)
