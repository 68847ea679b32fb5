"""What a run resumes from: its committed generations that verify, and whether they come from the same origin."""

import shutil
from dataclasses import replace
from pathlib import Path

from evolve import datasets
from evolve.base import progress
from evolve.base.errors import UserError
from evolve.datasets.dataset import finished
from evolve.lineage.experiment import Experiment
from evolve.runs import generation, paths
from evolve.runs.metrics import Metrics


def as_begun(run: Path, dataset: datasets.Dataset, seed: int) -> datasets.Dataset:
    """The data set that `run` was begun on, where that was a copy of its seed's own: `dataset` is what all seeds share.

    Such copies were made by earlier releases; where it is gone, `dataset` itself.
    """
    first = paths.generation(run, 1)
    if generation.damage(first) or Metrics.read(first).dataset.sha256 == dataset.sha256:
        return dataset
    name = dataset.folder.name.removesuffix(f"-seed{datasets.SHARED}")
    own = finished(dataset.folder.with_name(f"{name}-seed{seed}"), dataset.name)
    return replace(own, notice=dataset.notice) if own else dataset


def verified(run: Path, last: int, dataset: datasets.Dataset, seed: int) -> list[Path]:
    """The committed generations up to `last` that verify, each the child of the one before.

    What follows a gap is set aside. UserError where they were made with another seed or from other data.
    """
    done: list[Path] = []
    parent = ""
    for number in range(1, last + 1):
        folder = paths.generation(run, number)
        if not folder.exists():
            continue
        why = generation.damage(folder)
        if not why and len(done) < number - 1:
            why = f"generation {len(done) + 1}, from which it comes, is not there"
        if not why and Metrics.read(folder).parent_sha256 != parent:
            why = "it is not of this lineage"
        if why:
            aside = generation.set_aside(folder)
            progress.say(f"{folder}: {why}; moved to {aside.name} and made anew")
            continue
        _check_same_kind(folder, dataset, seed)
        parent = generation.sha256(folder / paths.WEIGHTS)
        done.append(folder)
    return done


def _check_same_kind(folder: Path, dataset: datasets.Dataset, seed: int) -> None:
    metrics = Metrics.read(folder)
    if metrics.seed != seed:
        raise UserError(
            f"{folder}: was made with SEED={metrics.seed}, this is SEED={seed}; begin another run with RUN="
        )
    data = metrics.dataset
    if data.sha256 != dataset.sha256:
        raise UserError(
            f"{folder}: was made from {data.name} (sha256 {data.sha256[:12]}), and this would go on with "
            f"{dataset.name} ({dataset.sha256[:12]}); bring that data back, or begin another run with RUN="
        )


def check_same_ancestor(folder: Path, pretrained: Path | None) -> None:
    """UserError if generation 1, in `folder`, was not made from the caffemodel `pretrained`; None asks nothing."""
    known = Metrics.read(folder).training.pretrained
    if pretrained and generation.sha256(pretrained) != known:
        raise UserError(f"{folder}: is not WEIGHTS={pretrained}; take WEIGHTS= back, or begin another run with RUN=")


def origin(experiment: Experiment) -> dict[str, str]:
    """The texts of the prototxts that a run is made from, by file name: those that must not change on the way."""
    settings = experiment.settings
    nets = (settings.train_val, settings.scratch_train_val)
    solvers = (settings.solver, settings.offspring_solver, settings.scratch_solver)
    # A file may be another network's: ../detectnet/train_val.prototxt.
    names = sorted(filter(None, {*nets, *solvers}))
    texts = {Path(name).name: (experiment.folder / name).read_text(encoding="utf-8") for name in names}
    return dict(sorted((texts | {experiment.evolution.name: experiment.settings_text}).items()))


def remove_leftovers(run: Path) -> None:
    """Removes what a killed process left of an unfinished generation, and finished ones' snapshots and siblings."""
    for leftover in run.glob(".gen*.unfinished"):
        shutil.rmtree(leftover)
    for number in range(1, 1 + len(list(run.glob("gen*")))):
        if (paths.generation(run, number) / paths.DONE).is_file():
            for made_from in (paths.snapshots(number), paths.siblings(number)):
                shutil.rmtree(run / made_from, ignore_errors=True)
