"""What a run resumes from: its committed generations that verify, and whether they come from the same origin."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

from evolve import datasets
from evolve.base import files, progress, prototxt_text
from evolve.base.errors import UserError
from evolve.datasets.dataset import finished
from evolve.lineage.experiment import Experiment
from evolve.network import layers
from evolve.runs import generation, paths, run_folder, state
from evolve.runs.metrics import Metrics
from evolve.settings import changes, networks, settings
from evolve.settings.settings import Settings


def as_begun(run: Path, dataset: datasets.Dataset, seed: int) -> datasets.Dataset:
    """The data set that `run` was begun on, where that was a copy of its seed's own: `dataset` is what all seeds share.

    Such copies were made by earlier releases; where it is gone, `dataset` itself.
    """
    name = re.sub(rf"-seed{datasets.SHARED}(?=$|-validation\d+$)", f"-seed{seed}", dataset.folder.name)
    copy = dataset.folder.with_name(name)
    own = finished(copy, dataset.name) if copy != dataset.folder else None
    first = paths.generation(run, 1)
    if own is None or generation.damage(first) or Metrics.read(first).dataset.sha256 == dataset.sha256:
        return dataset
    return replace(own, notice=dataset.notice)


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
    """The texts of the files that a run is made from, by file name: those that must not change on the way.

    They are prototxts, and the user's own layer_types.py, which decides what of a layer can go. Of files of one name in
    several folders the last has it; the others have their paths, / written as _.
    """
    own = experiment.settings
    nets = (own.train_val, own.scratch_train_val)
    solvers = (own.solver, own.offspring_solver, own.scratch_solver)
    # A file may be another network's: ../detectnet/train_val.prototxt.
    names = sorted(filter(None, {*nets, *solvers}))
    bare = {Path(name).name: name for name in names} | {experiment.evolution.name: ""}
    texts = {experiment.evolution.name: experiment.settings_text}
    for name in names:
        last = bare[Path(name).name] == name
        texts[Path(name).name if last else name.replace("/", "_")] = prototxt_text.read_text(experiment.folder / name)
    if (types := experiment.folder / layers.BESIDE).is_file():
        texts[types.name] = prototxt_text.read_text(types)
    return dict(sorted(texts.items()))


def same_settings(run: Path, asked: Settings) -> None:
    """Keeps every setting of `run`, or compares with those kept there: a default may be another one by now.

    UserError naming one that differs. What a damaged file says does not count.
    """
    path = run / paths.SETTINGS
    kept = settings.read_whole(path) if path.exists() else None
    if kept and (name := settings.first_difference(kept, asked)):
        raise UserError(
            f"{path}: this run was begun with another {name} than {networks.defaults().name} has now; take the change "
            "back, or begin another run with RUN="
        )
    if path.exists() and not kept:
        progress.say(f"{path}: is not as it was written; written anew")
    if not kept:
        files.write_whole(path, settings.whole_text(asked))


def begun_with(run: Path, schedule: str) -> tuple[str, changes.Changes]:
    """SCHEDULE= and SET= of a run that is there, for a command that names neither; `schedule` and none elsewhere.

    Said, since the run goes on with other settings than its network's file has now.
    """
    kept = state.settings_file(run)
    if kept is None or not run_folder.committed(run):
        return schedule, ()
    begun = networks.schedule_of(kept)
    words = settings.set_words(prototxt_text.read_text(kept))
    if schedule and schedule != begun or not (words or begun != schedule):
        return schedule, ()
    said = [f"SCHEDULE={begun}"] if begun != schedule else []
    said += [f"SET='{words}'"] if words else []
    progress.say(f"{run}: goes on with {' and '.join(said)}, which it was begun with")
    return begun, changes.single(words)


def remove_leftovers(run: Path) -> None:
    """Removes what a killed process left of an unfinished generation, and finished ones' snapshots and siblings."""
    for leftover in run.glob(f".gen*{paths.UNFINISHED}"):
        shutil.rmtree(leftover)
    for number in range(1, 1 + len(list(run.glob("gen*")))):
        if (paths.generation(run, number) / paths.DONE).is_file():
            for made_from in (paths.snapshots(number), paths.siblings(number)):
                shutil.rmtree(run / made_from, ignore_errors=True)
