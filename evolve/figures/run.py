"""A run is, for the figures, what its generations measured, with the papers' lineage that belongs beside them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import TypeVar

from evolve.base.errors import UserError
from evolve.figures import papers
from evolve.runs import choice, device_table, measurements, run_folder
from evolve.runs.measurements import Measurement, Speed
from evolve.runs.metrics import Metrics

# A detector's, by the names that metrics.json and lineage.csv have for them.
DETECTION_SCORES = {"precision": "precision", "recall": "recall", "map": "mAP", "ap": "AP"}
TEST_LOSS = {"loss": "test loss"}  # of a network that says no accuracy
ABOUT_SCORES = (
    "precision and recall: against the labels, at the settings' overlap; mAP: NVIDIA's simplified score, precision × "
    "recall at overlap 0.7, against what the grid shows of the labels; AP: average precision, the mean of the classes."
)
T = TypeVar("T")

MEAN_TITLE = "E (without the last classifier)"


@dataclass(frozen=True)
class Run:
    """The metrics of a run's committed generations, generation 1 first; at least one."""

    generations: list[Metrics]
    # Of each of them what lineage.csv says; none where nothing can be timed or predicted.
    speeds: list[Speed] = field(default_factory=list)
    # Frames per second by generation, by what they were measured with; the one of lineage.csv first.
    groups: dict[str, dict[int, float]] = field(default_factory=dict)
    # Of a detector: what the TX1 is predicted to do at the paper's size, by generation.
    predicted: dict[int, float] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path, table: Path | None = None) -> "Run":
        """The run in `folder`, with a device's `table` of frames per second. UserError where it has no generation."""
        generations = run_folder.read_lineage(folder)
        known = [*measurements.read(folder), *(device_table.read(table, folder) if table else [])]
        groups = measurements.grouped(known, measurements.own_shape(folder, generations))
        fps = [{one.generation: one.fps for one in group} for group in groups]
        run = cls(generations, measurements.speeds(folder, generations), dict(zip(_titles(groups), fps, strict=True)))
        if run.is_detection:
            run.predicted.update(_predicted(folder, generations))
        return run

    @property
    def is_detection(self) -> bool:
        """Whether boxes are what it finds: precision and recall are its scores then, and it has no accuracy."""
        return all(metrics.score.is_of_boxes for metrics in self.generations)

    @property
    def has_losses_alone(self) -> bool:
        """Whether its generations have a test loss and nothing else to be judged by."""
        scores = [metrics.score for metrics in self.generations]
        return not any(score.judged for score in scores) and any(score.loss is not None for score in scores)

    @property
    def blue_first(self) -> bool:
        """Whether the network sees an image's blue channel first, as OpenCV has it."""
        return self.is_detection or self.ancestor.dataset.colours == "BGR"

    @property
    def scores(self) -> dict[str, str]:
        """What a generation is judged by: the metric's name and its title."""
        of_classes = TEST_LOSS if self.has_losses_alone else {"accuracy": "accuracy"}
        return DETECTION_SCORES if self.is_detection else of_classes

    @property
    def ancestor(self) -> Metrics:
        """Generation 1."""
        return self.generations[0]

    @property
    def last(self) -> Metrics:
        """The last generation that there is."""
        return self.generations[-1]

    @property
    def network(self) -> str:
        """The network's name, as NET= has it."""
        return self.ancestor.network

    @property
    def seed(self) -> int:
        """What decided its every draw."""
        return self.ancestor.seed

    @property
    def dataset(self) -> str:
        """The data set that it was really made from: the paper's spelling, marked where another one stands in."""
        name = self.ancestor.dataset.name
        if self.papers_data:
            return self.papers_data.dataset
        other = self._other_than
        return f"{name} (not {other.dataset})" if other else name

    @property
    def notice(self) -> str:
        """What whoever looks at the numbers must know of their data set; "" if nothing."""
        said = next((each.dataset.notice for each in self.generations if each.dataset.notice), "")
        name, other = self.ancestor.dataset.name, self._other_than
        if other is None:
            return said
        return f"measured on {name}, another data set than the paper's {other.dataset}. {said}".strip()

    @property
    def papers_data(self) -> papers.Reported | None:
        """The paper's lineage on this very data set, whatever its network."""
        data = self.ancestor.dataset
        return None if data.is_own else papers.of(data.name)

    @property
    def paper(self) -> papers.Reported | None:
        """The same, if the ancestor has the layers and neurons of the network that the paper evolved on it."""
        lineage = self.papers_data
        return lineage if lineage and lineage.is_of([layer.neurons for layer in self.ancestor.layers]) else None

    @property
    def _other_than(self) -> papers.Reported | None:
        """The paper's lineage on the data set that this one stands in for, or is called as without being it."""
        data = self.ancestor.dataset
        return papers.of(data.name) if data.is_own else papers.stood_in_for(data.name)

    def values(self, metric: str) -> dict[int, float]:
        """That column of lineage.csv, or ``loss`` of the test images, by generation, as far as it was measured."""
        values = {
            each.generation: getattr(each.score if metric in TEST_LOSS else each.figures(), metric)
            for each in self.generations
        }
        return {number: float(value) for number, value in values.items() if value is not None}

    @property
    def gained(self) -> str:
        """One line says what evolving has brought so far; "" where there is no score to choose a generation by."""
        found = choice.among(self.generations, self.speeds)
        return found.words() if found else ""

    def timed(self) -> list[tuple[Metrics, Speed]]:
        """Each generation with its speed."""
        return list(zip(self.generations, self.speeds, strict=True))

    def layer_title(self, index: int) -> str:
        """A layer's name, marked where E does not count it: the last one, if it is not the only one."""
        layers = self.ancestor.layers
        is_last = 0 < index == len(layers) - 1
        return f"{layers[index].name} (last classifier)" if is_last else layers[index].name


def read_seeds(folders: list[Path], table: Path | None = None) -> list[Run]:
    """Several runs of one network on one data set, a seed each. UserError if they are not, or if there is none.

    `table`, what a device measured, is of the one run that there is then.
    """
    if not folders:
        raise UserError("expected a run to show, got none; `make evolve` makes one")
    if table and len(folders) > 1:
        raise UserError(f"FPS={table}: expected one run that it is of, got {len(folders)}")
    seeds = [Run.read(folder, table) for folder in folders]
    _expect_one_data_set(folders, seeds)
    known: dict[int, Path] = {}
    for folder, run in zip(folders, seeds, strict=True):
        # The same numbers twice would halve a spread that is not there.
        if run.seed in known:
            raise UserError(
                f"{folder}: expected another seed than {known[run.seed]}'s, got {run.seed} too; name it once"
            )
        known[run.seed] = folder
    return seeds


def _expect_one_data_set(folders: list[Path], seeds: list[Run]) -> None:
    for folder, run in zip(folders, seeds, strict=True):
        if (run.network, run.dataset) != (seeds[0].network, seeds[0].dataset):
            raise UserError(
                f"{folder}: expected {seeds[0].network} on {seeds[0].dataset} as in {folders[0]}, "
                f"got {run.network} on {run.dataset}; name runs that differ in their seed alone"
            )
    first, *others = by_data(list(zip(folders, seeds, strict=True)), itemgetter(1))
    if others:
        one, wanted = next((each, run.ancestor.dataset) for each, run in first if run.ancestor.dataset.shared_sha256)
        folder, got = others[0][0][0], others[0][0][1].ancestor.dataset
        raise UserError(
            f"{folder}: expected the {wanted.name} that {one} was made from (sha256 {wanted.sha256[:12]}), got another "
            f"one ({got.sha256[:12]}); name runs that differ in their seed alone"
        )


def by_data(seeds: Sequence[T], run_of: Callable[[T], Run]) -> list[list[T]]:
    """Those of other data under one name apart, unless it is drawn by their seed; the first ones first.

    What does not say what it was made from is among the first.
    """
    known = [run_of(each).ancestor.dataset.shared_sha256 for each in seeds]
    first = next(filter(None, known), "")
    groups: dict[str, list[T]] = {}
    for each, sha256 in zip(seeds, known, strict=True):
        groups.setdefault(sha256 or first, []).append(each)
    return list(groups.values())


def common_generations(seeds: list[Run]) -> int:
    """The number of the last generation that every one of the runs has."""
    return min(len(run.generations) for run in seeds)


def seed_numbers(seeds: list[Run]) -> str:
    """`seed 1`, or `3 seeds (1, 2, 3)`."""
    numbers = ", ".join(str(run.seed) for run in seeds)
    return f"seed {numbers}" if len(seeds) == 1 else f"{len(seeds)} seeds ({numbers})"


def _predicted(folder: Path, generations: list[Metrics]) -> dict[int, float]:
    fps = {
        each.generation: measurements.predicted_tx1_fps(folder, each, papers.HALF17_SHAPE) for each in generations
    }
    return {number: value for number, value in fps.items() if value}


def _titles(groups: list[list[Measurement]]) -> list[str]:
    """A name for each measurement: as much of it as tells it from the others."""
    short = [" ".join(filter(None, (one.title, one.shape))) for one, *_ in groups]
    long = [" ".join((words, f"batch {one.batch}", one.device)) for words, (one, *_) in zip(short, groups, strict=True)]
    return [words if short.count(words) == 1 else more for words, more in zip(short, long, strict=True)]
