"""A run as the figures see it: its generations, and which of the paper's lineages belongs beside them.

A lineage.csv that was kept without its run, as results/ has them: what the table does not say, the user does.

``mnist:lenet-seed1.csv`` was measured on mnist; so was ``mnist:lenet/seed1.csv``. Network, run and seed: in the name.
"""

import csv
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evolve.base.errors import UserError
from evolve.datasets import registry
from evolve.figures import papers
from evolve.runs import device_table, measurements, paths, run_folder
from evolve.settings import networks

# A detector's, by the names that metrics.json and lineage.csv have for them.
DETECTION_SCORES = {"precision": "precision", "recall": "recall", "map": "mAP", "ap": "AP"}
ABOUT_SCORES = (
    "precision and recall: against the labels, at the settings' overlap; mAP: NVIDIA's simplified score, precision × "
    "recall at overlap 0.7, against what the grid shows of the labels; AP: average precision, the mean of the classes."
)
MEAN_TITLE = "E (without the last classifier)"


@dataclass(frozen=True)
class Measured:
    """The metrics of a run's committed generations, generation 1 first; at least one."""

    generations: list[dict[str, Any]]
    # Frames per second by generation, by what they were measured with; the one of lineage.csv first.
    groups: dict[str, dict[int, float]] = field(default_factory=dict)
    # Of a detector: what the TX1 is predicted to do at the paper's size, by generation.
    predicted: dict[int, float] = field(default_factory=dict)

    @property
    def is_detection(self) -> bool:
        """Whether boxes are what it finds: precision and recall are its scores then, and it has no accuracy."""
        return all("recall" in made for made in self.generations)

    @property
    def scores(self) -> dict[str, str]:
        """What a generation is judged by: the metric's name and its title."""
        return DETECTION_SCORES if self.is_detection else {"accuracy": "accuracy"}

    @property
    def ancestor(self) -> dict[str, Any]:
        """Generation 1."""
        return self.generations[0]

    @property
    def last(self) -> dict[str, Any]:
        """The last generation that there is."""
        return self.generations[-1]

    @property
    def network(self) -> str:
        """Its name, as NET= has it."""
        return str(self.ancestor["network"])

    @property
    def seed(self) -> int:
        """What decided its every draw."""
        return int(self.ancestor["seed"])

    @property
    def dataset(self) -> str:
        """The data set that it was really made from: the paper's spelling, marked where another one stands in."""
        name = str(self.ancestor["dataset"]["name"])
        if self.paper is None:
            return name
        return f"{name} (not {self.paper.dataset})" if papers.stands_in(name) else self.paper.dataset

    @property
    def notice(self) -> str:
        """What whoever looks at the numbers must know of their data set; "" if nothing."""
        said = next((made["dataset"]["notice"] for made in self.generations if made["dataset"]["notice"]), "")
        name = str(self.ancestor["dataset"]["name"])
        if self.paper is None or not papers.stands_in(name):
            return said
        return f"measured on {name}, another data set than the paper's {self.paper.dataset}. {said}".strip()

    @property
    def paper(self) -> papers.Reported | None:
        """The paper's lineage on this data set, whatever its network."""
        return papers.of(str(self.ancestor["dataset"]["name"]))

    @property
    def is_the_papers_network(self) -> bool:
        """Whether the ancestor has the layers and neurons of the network that the paper evolved on this data set."""
        return self.paper is not None and self.paper.is_of([layer["neurons"] for layer in self.ancestor["layers"]])


def read(run: Path, table: Path | None = None) -> Measured:
    """The run in that folder, with a device's `table` of frames per second. UserError where it has no generation."""
    generations = run_folder.read_lineage(run)
    found = measurements.grouped([*measurements.read(run), *(device_table.read(table, run) if table else [])])
    titles = _titles(found)
    groups = {title: {one.generation: one.fps for one in group} for title, group in zip(titles, found, strict=True)}
    run_is_of_boxes = Measured(generations).is_detection
    return Measured(generations, groups, _predicted(run, len(generations)) if run_is_of_boxes else {})


def _predicted(run: Path, generations: int) -> dict[int, float]:
    every = {number: paths.generation(run, number) for number in range(1, generations + 1)}
    fps = {number: measurements.predicted_tx1_fps(folder, papers.HALF17_SHAPE) for number, folder in every.items()}
    return {number: value for number, value in fps.items() if value}


def read_seeds(runs: list[Path], table: Path | None = None) -> list[Measured]:
    """Several runs of one network on one data set, a seed each. UserError if they are not, or if there is none.

    `table`, what a device measured, is of the one run that there is then.
    """
    if not runs:
        raise UserError("expected a run to show, got none; `make evolve` makes one")
    if table and len(runs) > 1:
        raise UserError(f"FPS={table}: expected one run that it is of, got {len(runs)}")
    seeds = [read(run, table) for run in runs]
    known: dict[int, Path] = {}
    for run, each in zip(runs, seeds, strict=True):
        if (each.network, each.dataset) != (seeds[0].network, seeds[0].dataset):
            raise UserError(
                f"{run}: expected {seeds[0].network} on {seeds[0].dataset} as in {runs[0]}, "
                f"got {each.network} on {each.dataset}; name runs that differ in their seed alone"
            )
        # The same numbers twice would halve a spread that is not there.
        if known.setdefault(each.seed, run) is not run:
            raise UserError(
                f"{run}: expected another seed than {known[each.seed]}'s, got {each.seed} too; name it once"
            )
    return seeds


def common_generations(seeds: list[Measured]) -> int:
    """The number of the last generation that every one of the runs has."""
    return min(len(each.generations) for each in seeds)


def seed_numbers(seeds: list[Measured]) -> str:
    """`seed 1`, or `3 seeds (1, 2, 3)`."""
    numbers = ", ".join(str(each.seed) for each in seeds)
    return f"seed {numbers}" if len(seeds) == 1 else f"{len(seeds)} seeds ({numbers})"


def layer_title(run: Measured, index: int) -> str:
    """A layer's name, marked where E does not count it: the last one, if it is not the only one."""
    layers = run.ancestor["layers"]
    return f"{layers[index]['name']} (last classifier)" if 0 < index == len(layers) - 1 else str(layers[index]["name"])


def _titles(groups: list[list[measurements.Frames]]) -> list[str]:
    """A name for each measurement: as much of it as tells it from the others."""
    short = [" ".join(filter(None, (one.title, one.shape))) for one, *_ in groups]
    long = [" ".join((words, f"batch {one.batch}", one.device)) for words, (one, *_) in zip(short, groups, strict=True)]
    return [words if short.count(words) == 1 else more for words, more in zip(short, long, strict=True)]


_WORDS = ("fps_engine",)


def is_one(name: Path) -> bool:
    """Whether RUN= means such a file."""
    return name.suffix == ".csv"


def read_kept(name: Path) -> Measured:
    """Its generations. UserError where the name does not say what it must, or the file is no lineage.csv."""
    dataset, colon, file = str(name).partition(":")
    if not colon or dataset not in registry.names():
        known = ", ".join(registry.names())
        raise UserError(
            f"RUN={name}: expected the data set that it was measured on and a colon before it; known are: {known}"
        )
    network, run = named(name)
    seed = re.search(r"seed(\d+)", run)
    about = {"network": network, "seed": int(seed.group(1)) if seed else 0, "layers": []}
    about |= {"dataset": {"name": dataset, "notice": ""}}
    return Measured([about | row for row in _rows(Path(file))])


def named(name: Path) -> tuple[str, str]:
    """Network and run: lenet and long-seed1 of lenet-long-seed1.csv, or of lenet/long-seed1.csv."""
    file = Path(str(name).partition(":")[2])
    known = [folder.name for folder in networks.root().iterdir() if folder.is_dir()]
    network, _, run = file.stem.partition("-")
    if network in known:
        return network, run
    if file.absolute().parent.name in known:
        return file.absolute().parent.name, file.stem
    raise UserError(f"RUN={name}: expected a name like lenet-seed1.csv, of a network under prototxt/ and its run")


def _rows(file: Path) -> list[dict[str, Any]]:
    try:
        with open(file, encoding="utf-8", newline="") as opened:
            reader = csv.DictReader(opened)
            rows = [_figures(row) for row in reader]
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise UserError(f"{file}: expected a run's lineage.csv, got {error}") from None
    if not rows or not set(reader.fieldnames or ()) <= set(run_folder.COLUMNS):
        raise UserError(f"{file}: expected a run's lineage.csv, got other columns, or no generation")
    return rows


def _figures(row: dict[str, str]) -> dict[str, Any]:
    figures = {name: value if name in _WORDS else float(value) for name, value in row.items() if value}
    return figures | {name: int(figures[name]) for name in ("generation", "synapses", "macs") if name in figures}
