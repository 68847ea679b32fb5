"""Lines of the frontier are what one setting or one publication reaches: accuracy against compression.

A setting's is the mean over its seeds, with their spread. Published ones are the papers' lineages, and the rows of
frontier_points.csv.
"""

import csv
import re
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from statistics import mean, stdev

from evolve.base.errors import UserError
from evolve.figures import kept_lineage, papers
from evolve.figures.papers import SOURCE
from evolve.figures.run import Run, by_data
from evolve.runs import choice, paths, run_folder, state
from evolve.runs.metrics import Metrics

# What a network became smaller in: our synapses, biases counted, stand for what others call parameters or weights.
SYNAPSES, MACS = "synapses", "MACs"
Setting = tuple[object, ...]  # equal for runs that differ in their seed alone
_SEED = re.compile(r"[-_ ]?seed\d+")


@dataclass(frozen=True)
class Point:
    """`count` seeds' mean compression (times fewer) and score; spreads are sample standard deviations, 0 of one."""

    compression: float
    score: float
    compression_spread: float = 0.0
    score_spread: float = 0.0
    count: int = 1
    generation: int = 0  # 0 where there are none


@dataclass(frozen=True)
class Series:
    """Points of one line, generation 1 first where there are generations. `kind` is run, paper or peer."""

    title: str
    kind: str
    network: str
    counted: str
    points: list[Point]
    source: str
    seeds: list[int] = field(default_factory=list)

    def titled(self, title: str) -> "Series":
        """This line under another name."""
        return replace(self, title=title)

    def within(self, allowed: float) -> float | None:
        """The largest compression at which the score is at most `allowed` below generation 1's; None without one.

        Whatever comes after a point that fell further counts as well: a lineage may recover.
        """
        if self.kind == "peer":
            return None
        first = self.points[0].score
        return max(point.compression for point in self.points if point.score >= first - allowed - 1e-12)


@dataclass(frozen=True)
class Seed:
    """One run of a series: a folder, or a lineage.csv that was kept."""

    path: Path
    run: Run

    @property
    def name(self) -> str:
        """What the run is called."""
        return kept_lineage.named(self.path)[1] if kept_lineage.is_one(self.path) else self.path.name


def groups(runs: list[Path]) -> tuple[list[list[Seed]], list[str]]:
    """Runs of one network, data set and settings together, a seed once; and a line for each that is left out."""
    settings: dict[Setting, list[Seed]] = {}
    left_out = []
    for path in runs:
        kept = kept_lineage.is_one(path)
        try:
            each = Seed(path, kept_lineage.read(path) if kept else Run(run_folder.read_lineage(path)))
        except UserError as error:
            left_out.append(f"{path} is left out: {error}.")
            continue
        if why := choice.unjudged(each.run.generations):
            left_out.append(f"{path} is left out: {why}.")
            continue
        settings.setdefault(_setting(each), []).append(each)
    same = [group for every in settings.values() for group in by_data(every, lambda each: each.run)]
    return [_a_seed_once(group, left_out) for group in same], left_out


def _a_seed_once(seeds: list[Seed], left_out: list[str]) -> list[Seed]:
    """By seed; a line more in `left_out` for each that another one has too."""
    known: dict[int, Seed] = {}
    for each in seeds:
        # The same numbers twice would halve a spread that is not there.
        if (other := known.get(each.run.seed)) is not None:
            each, shorter = sorted((other, each), key=lambda one: -len(one.run.generations))
            left_out.append(f"{shorter.path} is left out: of the same settings and seed as {each.path}.")
        known[each.run.seed] = each
    return [known[number] for number in sorted(known)]


def of(seeds: list[Seed], counted: str) -> Series:
    """The line of runs that differ in their seed alone."""
    run = seeds[0].run
    last = max(len(each.run.generations) for each in seeds)
    points = [_point([s.run for s in seeds if len(s.run.generations) >= n], n, counted) for n in range(1, last + 1)]
    names = dict.fromkeys(_SEED.sub("", each.name).strip("-_ ") for each in seeds)
    title = " ".join(filter(None, (run.network, ", ".join(filter(None, names)))))
    numbers = [each.run.seed for each in seeds]
    source = ", ".join(f"{each.path.parent.name}/{each.path.name}" for each in seeds)
    return Series(title, "run", run.network, counted, points, source, numbers)


def _point(runs: list[Run], number: int, counted: str) -> Point:
    ratios = [_compression(run.ancestor, run.generations[number - 1], counted) for run in runs]
    scores = [run.generations[number - 1].score.value for run in runs]
    return Point(mean(ratios), mean(scores), _spread(ratios), _spread(scores), len(runs), number)


def _compression(ancestor: Metrics, metrics: Metrics, counted: str) -> float:
    return ancestor.macs / metrics.macs if counted == MACS else metrics.architectural_efficiency


def _spread(values: list[float]) -> float:
    return stdev(values) if len(values) > 1 else 0.0


def _setting(seed: Seed) -> Setting:
    """Whatever runs of one setting have in common: all but the seed, and how far they were to go."""
    first = seed.run.ancestor
    return first.network, first.dataset.name, seed.run.is_detection, first.training.pretrained, _kept(seed)


def _kept(seed: Seed) -> Setting:
    """The prototxts that the run keeps; of its settings what they mean, so that comments make no other setting.

    Of a file that has none beside it there is the name alone.
    """
    path = seed.path
    if kept_lineage.is_one(path):
        return path.absolute().parent, _SEED.sub("", seed.name)
    evolution, settings = state.settings_file(path), state.wanted_settings(path)
    texts = {each.name: each.read_bytes() for each in sorted((path / paths.PROTOTXTS).glob("*.prototxt"))}
    if evolution and settings:
        settings.ClearField("seed")
        settings.ClearField("generations")
        texts.pop(evolution.name)
        return settings.SerializeToString(deterministic=True), *texts.items()
    return tuple(texts.items())


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
    methods: dict[tuple[str, ...], list[Point]] = {}
    with open(FILE, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            what = tuple(row[name] for name in ("data_set", "method", "network", "counted", "source"))
            methods.setdefault(what, []).append(Point(float(row["compression"]), float(row["accuracy"])))
    return [
        (dataset, Series(method, "peer", network, counted, points, source))
        for (dataset, method, network, counted, source), points in methods.items()
    ]


def axis(each: Series) -> str:
    """Which axis it belongs to: MACs are no synapses, weights and parameters nearly are."""
    return MACS if each.counted == MACS else SYNAPSES
