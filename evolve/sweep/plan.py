"""A plan is the runs of a sweep: the product of its seeds and its settings, all checked before one begins."""

import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evolve.base.errors import UserError
from evolve.lineage import experiment, problems
from evolve.lineage.experiment import Experiment
from evolve.runs import paths, run_folder
from evolve.settings import changes

_LONGEST = 34  # letters of a run's short name


@dataclass(frozen=True)
class Wanted:
    """What a sweep is asked for: values of settings, an axis each, times seeds; without seeds the settings' own.

    `generations` 0 are as many as settings say; `threads` are a run's; `words` those that every run's `cavefish evolve`
    gets as they are.
    """

    network: str
    schedule: str = ""
    axes: Sequence[Sequence[changes.Change]] = ()
    seeds: Sequence[int] = ()
    generations: int = 0
    pretrained: Path | None = None
    threads: int = 1
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class PlannedRun:
    """One lineage: its folder, what it has otherwise than others, and the words of the `cavefish evolve` that makes it.

    `place` is the directory in which that is typed, `environment` what it has to know besides; `generations` is how
    many it is to have.
    """

    folder: Path
    seed: int
    changed: changes.Changes
    generations: int
    words: tuple[str, ...]
    place: Path
    environment: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        """The folder's."""
        return self.folder.name

    @property
    def title(self) -> str:
        """Its setting, whatever its seed: what SET= has in it; "" where it has nothing."""
        return ", ".join(change.name for change in self.changed)


@dataclass(frozen=True)
class Plan:
    """The runs, first seed first, and their experiments, without doubles."""

    runs: list[PlannedRun]
    experiments: list[Experiment]


def make(wanted: Wanted) -> Plan:
    """The plan of `make sweep`. UserError for what would stop one of its runs before it begins."""
    combined = [tuple(found) for found in itertools.product(*wanted.axes)]
    experiments = {changed: _checked(wanted, changed) for changed in combined}
    default = next(iter(experiments.values())).settings.seed
    runs = [
        _run(wanted, experiments[changed], changed, seed) for seed in wanted.seeds or [default] for changed in combined
    ]
    for run in runs:
        alike = [one for one in runs if one.folder == run.folder]
        if len(alike) > 1:
            raise UserError(f"SET={changes.text(run.changed)}: {len(alike)} runs would be {run.name}; take one away")
    return Plan(runs, list(experiments.values()))


def labels(runs: Sequence[PlannedRun]) -> dict[PlannedRun, str]:
    """A short name for each run: what it has otherwise than others of them, as its folder's name has it."""
    words = {run: (*(change.name for change in run.changed), f"seed{run.seed}") for run in runs}
    everywhere = set.intersection(*(set(each) for each in words.values())) if len(runs) > 1 else set()
    short = {run: "-".join(word for word in each if word not in everywhere) for run, each in words.items()}
    return {run: word if len(word) <= _LONGEST else f"{word[: _LONGEST - 1]}…" for run, word in short.items()}


def prepare_data(plan: Plan) -> None:
    """Makes every data set that the runs need, once, so that they do not wait for each other. UserError."""
    wanted = {each.settings.dataset.SerializeToString(deterministic=True): each for each in plan.experiments}
    for seed, each in itertools.product(dict.fromkeys(run.seed for run in plan.runs), wanted.values()):
        experiment.prepare(each, seed)


def _checked(wanted: Wanted, changed: changes.Changes) -> Experiment:
    found = experiment.load(wanted.network, wanted.schedule, changed)
    problems.refuse(found, wanted.pretrained)
    return found


def _run(wanted: Wanted, of: Experiment, changed: changes.Changes, seed: int) -> PlannedRun:
    # With another number of threads the last bits differ: the same for each, however many runs are at work.
    own = (f"SEED={seed}", f"THREADS={wanted.threads}")
    return PlannedRun(
        folder=paths.runs() / of.name / run_folder.name(wanted.schedule, changed, seed),
        seed=seed,
        changed=changed,
        generations=wanted.generations or of.settings.generations,
        words=("evolve", *wanted.words, *own, *([f"SET={changes.text(changed)}"] if changed else [])),
        place=Path(os.getcwd()),
        environment=tuple((name, value) for name, value in os.environ.items() if name.startswith("CAVEFISH_")),
    )
