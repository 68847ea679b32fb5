"""The curves of a run are whatever its generations measured, over the generations, with the papers' points."""

from collections.abc import Callable
from pathlib import Path

from evolve.base import sheet
from evolve.figures import papers
from evolve.figures.papers import SOURCE
from evolve.figures.report.chart import Chart, Line, Scale, of_counts, of_generations, of_scores
from evolve.figures.report.losses import losses
from evolve.figures.report.markup import Markup, element, section
from evolve.figures.run import Run

Say = Callable[[float], str]

# What a generation has how much of, and how it is called.
_COUNTS = {
    "synapses": "synapses",
    "clusters": "clusters",
    "macs": "MACs of one image",
    "caffemodel_bytes": "bytes of the caffemodel",
}
_LOOKS = ("ours", "second", "third", "fourth")


def curves(folder: Path, run: Run) -> Markup:
    """The section with every chart that there is something for."""
    counts = [_over(run, title, [(name, name, "ours")]) for name, title in _COUNTS.items()]
    charts = [*counts, *_scores(run), _trade(run), losses(folder, run), _speed(run)]
    drawn = [chart.figure() for chart in charts if chart]
    about = "Point at a chart for its values, or go along it with the arrow keys."
    return section("Curves", element("div", *drawn, class_="charts"), about=about)


def _scores(run: Run) -> list[Chart | None]:
    if run.has_losses_alone:
        return [_chart(run, "test loss", [Line("this run", _points(run, "loss"))], scored=False, say=sheet.score)]
    if not run.is_detection:
        return [_accuracy(run)]
    first = [("precision", "precision", "ours"), ("recall", "recall", "second")]
    second = [("mAP", "map", "ours"), ("AP", "ap", "second")]
    return [_over(run, "precision and recall", first, scored=True), _over(run, "mAP and AP", second, scored=True)]


def _over(run: Run, title: str, named: list[tuple[str, str, str]], scored: bool = False) -> Chart | None:
    """Metrics over generations; `named` are a line's name, its metric and its look. None if no generation has any."""
    lines = [Line(name, _points(run, metric), look) for name, metric, look in named]
    return _chart(run, title, lines, scored)


def _chart(run: Run, title: str, lines: list[Line], scored: bool, say: Say = sheet.whole) -> Chart | None:
    lines = [line for line in lines if line.points]
    if not lines:
        return None
    values = [y for line in lines for _, y in line.points]
    x = of_generations(len(run.generations))
    if scored:
        return Chart(title, lines, x, of_scores(values), sheet.score)
    return Chart(title, lines, x, of_counts(values), say, short=sheet.short)


def _accuracy(run: Run) -> Chart | None:
    lines = [Line("this run", _points(run, "accuracy"))]
    if lines[0].points and run.paper:
        known = {n: y for n, y in run.paper.accuracy.items() if n <= len(run.generations)}
        lines.append(Line(f"{SOURCE}, {run.paper.dataset}", [(float(n), y) for n, y in known.items()], "paper"))
    return _chart(run, "test accuracy", lines, scored=True)


def _trade(run: Run) -> Chart | None:
    """Accuracy against what it cost in synapses: where the paper's whole lineage can stand beside a young run."""
    cost = run.values("architectural_efficiency")
    ours = [(cost[number], score) for number, score in run.values("accuracy").items()]
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


def _speed(run: Run) -> Chart | None:
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


def _points(run: Run, metric: str) -> list[tuple[float, float]]:
    return [(float(number), value) for number, value in run.values(metric).items()]
