"""What others published, as lines and points of the frontier: the papers' lineages, and frontier_points.csv."""

import csv
from functools import cache
from pathlib import Path

from evolve.figures import papers
from evolve.figures.papers import SOURCE
from evolve.figures.series import MACS, SYNAPSES, Point, Series

FILE = Path(__file__).with_name("frontier_points.csv")


def series(paper: papers.Reported | None, dataset: str) -> list[Series]:
    """Everything published on that data set, in the papers' spelling, `paper`'s lineage first if there is one."""
    lines = [_table_1(paper)] if paper else []
    return lines + [each for name, each in _methods() if name == dataset]


def _table_1(paper: papers.Reported) -> Series:
    ratios, scores = paper.architectural_efficiency, paper.accuracy
    points = [Point(ratios[number], scores[number], generation=number) for number in scores]
    source = f"{SOURCE}, arXiv 1609.01360, Table 1"
    return Series(f"{SOURCE} Table 1", "paper", paper.network, SYNAPSES, points, source)


@cache
def _methods() -> list[tuple[str, Series]]:
    """The rows of one method on one network as one series, with its data set."""
    found: dict[tuple[str, ...], list[Point]] = {}
    with open(FILE, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            what = tuple(row[name] for name in ("data_set", "method", "network", "counted", "source"))
            found.setdefault(what, []).append(Point(float(row["compression"]), float(row["accuracy"])))
    return [
        (dataset, Series(method, "peer", network, counted, points, source))
        for (dataset, method, network, counted, source), points in found.items()
    ]


def axis(each: Series) -> str:
    """Which axis it belongs to: MACs are no synapses, weights and parameters nearly are."""
    return MACS if each.counted == MACS else SYNAPSES
