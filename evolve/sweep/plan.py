"""Which runs a sweep is: the product of its seeds and its settings, all of them checked before one begins."""

import itertools
import os
from dataclasses import dataclass
from pathlib import Path

from evolve.base.errors import UserError
from evolve.command.arguments import Arguments, seeds, whole
from evolve.lineage import experiment, problems
from evolve.runs import paths, run_folder
from evolve.settings import changes, settings

# Arguments of `make sweep` that every run gets as they are.
_HANDED_ON = ("NET", "GEN", "SCHEDULE", "WEIGHTS", "HALF_BLOBS", "FAST")


@dataclass(frozen=True)
class Run:
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
    """The runs, first seed first, and their settings, without doubles."""

    runs: list[Run]
    settings: list[settings.Settings]


def make(words: Arguments) -> Plan:
    """The plan of `make sweep`. UserError for what would stop one of its runs before it begins."""
    combined = [tuple(found) for found in itertools.product(*changes.parse(words.get("SET", "")))]
    chosen = {changed: _checked(words, changed) for changed in combined}
    default = next(iter(chosen.values())).settings.seed
    runs = [
        _run(words, chosen[changed], changed, seed) for seed in seeds(words) or [default] for changed in combined
    ]
    for run in runs:
        alike = [one for one in runs if one.folder == run.folder]
        if len(alike) > 1:
            raise UserError(f"SET={changes.text(run.changed)}: {len(alike)} runs would be {run.name}; take one away")
    return Plan(runs, [each.settings for each in chosen.values()])


def prepare_data(plan: Plan) -> None:
    """Makes every data set that the runs need, once, so that they do not wait for each other. UserError."""
    wanted = {each.dataset.SerializeToString(deterministic=True): each for each in plan.settings}
    for seed, chosen in itertools.product(dict.fromkeys(run.seed for run in plan.runs), wanted.values()):
        experiment.prepare(chosen, seed)


def _checked(words: Arguments, changed: changes.Changes) -> experiment.Experiment:
    chosen = experiment.load(words["NET"], words.get("SCHEDULE", ""), changed)
    problems.refuse(chosen, Path(words["WEIGHTS"]) if "WEIGHTS" in words else None)
    return chosen


def _run(words: Arguments, chosen: experiment.Experiment, changed: changes.Changes, seed: int) -> Run:
    name = run_folder.name(words.get("SCHEDULE", ""), changed, seed)
    given = [f"{word}={words[word]}" for word in _HANDED_ON if word in words]
    # With another number of threads the last bits differ: one each, however many runs are at work.
    given += [f"SEED={seed}", f"THREADS={whole(words, 'THREADS', least=1) or 1}"]
    return Run(
        folder=paths.runs() / chosen.name / name,
        seed=seed,
        changed=changed,
        generations=whole(words, "GEN", least=1) or chosen.settings.generations,
        words=("evolve", *given, *([f"SET={changes.text(changed)}"] if changed else [])),
        place=Path(os.getcwd()),
        environment=tuple((name, value) for name, value in os.environ.items() if name.startswith("CAVEFISH_")),
    )
