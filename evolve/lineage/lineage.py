"""The loop over generations: whatever is committed stays, the next one is made from it.

The report of a run at work: renewed whenever there is more to show, and never a reason for the run to stop.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from evolve import datasets
from evolve.base import progress
from evolve.base.errors import UserError
from evolve.lineage import birth, experiment, problems, selection
from evolve.lineage.selection import score_name
from evolve.lineage.workspace import Birth
from evolve.runs import generation, paths, run_folder, threads
from evolve.settings import changes


@contextmanager
def kept(run: Path, last: int) -> Iterator[None]:
    """However the block ends, report.html says afterwards that nobody is at work on `run` any more.

    `last` is the generation that the run is to reach.
    """
    try:
        yield
    finally:
        renew(run, last, at_work=False)


def renew(run: Path, last: int, at_work: bool = True) -> None:
    """Writes report.html into the folder of `run`, or says in one line why not. Nothing to show yet: no report."""
    try:
        if not run_folder.committed(run):
            return
        # Loaded once there is something to show: a run that never gets so far needs none of it.
        from evolve.figures import report

        report.write(run, wanted=last, at_work=at_work)
    except Exception as error:  # whatever it is, hours of training are worth more
        progress.say_once(f"{run}: no report ({_words(error)}); the run goes on, and `make report` writes it later")


def _words(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


_SCORES = ("accuracy", "precision", "recall", "ap")


def evolve(
    network: str,
    generations: int = 0,
    seed: int | None = None,
    run: str = "",
    pretrained: Path | None = None,
    half_blobs: bool = False,
    schedule: str = "",
    changed: changes.Changes = (),
) -> Path:
    """Evolves NET= `network` to `generations` (0: as its settings say) and returns the run's folder.

    `run` names the run (by default its seed does); `pretrained` is a caffemodel to be generation 1; `half_blobs`
    writes NVIDIA Caffe's 16-bit form too, whatever the settings say; `schedule` and `changed` as for experiment.load.

    The same call again resumes, or says that all is done. Raises UserError.
    """
    chosen = experiment.load(network, schedule, changed)
    for problem in problems.of(chosen, pretrained):
        raise UserError(problem)
    chosen.settings.half_blobs |= half_blobs
    last = generations or chosen.settings.generations
    seed = chosen.settings.seed if seed is None else seed
    folder = paths.runs() / chosen.name / (run or run_folder.name(schedule, changed, seed))
    with run_folder.held(folder), threads.shared_out(folder), kept(folder, last):
        birth.remove_leftovers(folder)
        run_folder.same_origin(folder, _origin(chosen))
        dataset = experiment.prepare(chosen.settings, seed)
        _generations(chosen, dataset, folder, last, seed, pretrained)
    return folder


def _generations(
    chosen: experiment.Experiment,
    dataset: datasets.Dataset,
    run: Path,
    last: int,
    seed: int,
    pretrained: Path | None,
) -> None:
    done = _verified(run, last, dataset, seed)
    if done:
        _check_same_ancestor(done[0], pretrained)
    run_folder.write_lineage(run)
    if len(done) >= last:
        progress.say(f"{run}: all {last} generations are there; GEN={last + 1} goes on")
    else:
        renew(run, last)
    for number in range(1, last + 1):
        folder = paths.generation(run, number)
        if number <= len(done):
            made = generation.metrics(folder)
        else:
            with generation.writing(folder) as unfinished:
                newborn = Birth(chosen, dataset, number, seed, unfinished)
                made = (
                    birth.ancestor(newborn, pretrained)
                    if number == 1
                    else selection.offspring(newborn, paths.generation(run, number - 1))
                )
            birth.remove_leftovers(run)
            run_folder.write_lineage(run)
            if number < last:
                renew(run, last)
        progress.say(describe(made))
        if _fallen_too_far(chosen, run, made):
            allowed, name = chosen.settings.stop_when_accuracy_drops, score_name(made)
            progress.say(f"{name} is more than {allowed:g} below the ancestor's: evolution ends")
            break


def describe(made: dict[str, Any]) -> str:
    """One line of measurements of a generation."""
    scores = "".join(f"{name} {made[name]:.4f}  " for name in _SCORES if isinstance(made.get(name), float))
    chosen = f"  the fittest of {len(made['siblings'])}" if "siblings" in made else ""
    return (
        f"generation {made['generation']:2d}  {scores}synapses {made['synapses']:,}  "
        f"A-E {made['architectural_efficiency']:.2f}  "
        f"clusters {made['clusters']:,} (E {made['cluster_efficiency']:.2f})  "
        f"{made['macs'] / 1e6:.2f} MMAC  {made['caffemodel_bytes'] / 1e3:.0f} kB  "
        f"flushed {made['flushed_synapses']}  {made['iterations']} it in {made['train_seconds']:.0f} s{chosen}"
    )


def _verified(run: Path, last: int, dataset: datasets.Dataset, seed: int) -> list[Path]:
    """The committed generations that verify, each the child of the one before; what follows a gap is set aside."""
    done: list[Path] = []
    parent = ""
    for number in range(1, last + 1):
        folder = paths.generation(run, number)
        if not folder.exists():
            continue
        why = generation.damage(folder)
        if not why and len(done) < number - 1:
            why = f"generation {len(done) + 1}, from which it comes, is not there"
        if not why and generation.metrics(folder)["parent_sha256"] != parent:
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
    made = generation.metrics(folder)
    if made["seed"] != seed:
        raise UserError(
            f"{folder}: was made with SEED={made['seed']}, this is SEED={seed}; begin another run with RUN="
        )
    data = made["dataset"]
    if data["sha256"] != dataset.sha256:
        raise UserError(
            f"{folder}: was made from {data['name']} (sha256 {data['sha256'][:12]}), and this would go on with "
            f"{dataset.name} ({dataset.sha256[:12]}); bring that data back, or begin another run with RUN="
        )


def _check_same_ancestor(folder: Path, pretrained: Path | None) -> None:
    known = generation.metrics(folder)["training"].get("pretrained")
    if pretrained and generation.sha256(pretrained) != known:
        raise UserError(f"{folder}: is not WEIGHTS={pretrained}; take WEIGHTS= back, or begin another run with RUN=")


def _origin(chosen: experiment.Experiment) -> dict[str, str]:
    files = (chosen.settings.train_val, chosen.settings.scratch_train_val)
    solvers = (chosen.settings.solver, chosen.settings.offspring_solver, chosen.settings.scratch_solver)
    names = {*files, *solvers}
    # A file may be another network's: ../detectnet/train_val.prototxt.
    others = {Path(name).name: (chosen.folder / name).read_text(encoding="utf-8") for name in sorted(names) if name}
    return dict(sorted((others | {chosen.evolution.name: chosen.settings_text}).items()))


def _fallen_too_far(chosen: experiment.Experiment, run: Path, made: dict[str, Any]) -> bool:
    allowed = chosen.settings.stop_when_accuracy_drops
    score = score_name(made)
    if not allowed or score not in made:
        return False
    return bool(generation.metrics(paths.generation(run, 1))[score] - made[score] > allowed)
