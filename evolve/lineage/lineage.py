"""The loop over generations: whatever is committed stays, and the next one is made from it."""

import os
from copy import deepcopy
from pathlib import Path

from evolve import datasets
from evolve.base import caffe_messages, progress
from evolve.base.counted import counted
from evolve.base.errors import UserError
from evolve.base.machine import USUAL, Machine
from evolve.lineage import ancestor, check, problems, resume, selection
from evolve.lineage.experiment import Experiment, load, prepare
from evolve.lineage.reporting import Reports
from evolve.lineage.workspace import Workspace
from evolve.runs import generation, paths, run_folder, state, threads
from evolve.runs.metrics import Metrics
from evolve.settings import changes, networks, settings
from evolve.training import gpu

_LONGEST = 100  # letters of a run's name
_SCORES = ("accuracy", "precision", "recall", "ap")


def evolve(
    network: str | os.PathLike[str], generations: int = 0, seed: int | None = None, run: str = "",
    pretrained: Path | None = None, half_blobs: bool = False, schedule: str = "", changed: changes.Changes = (),
    machine: Machine = USUAL, rehearsed: bool = False,
) -> Path:  # fmt: skip
    """Evolves NET= `network` to `generations` (0: as its settings say) and returns the run's folder.

    `run` names the run (by default its seed does); `pretrained` is a caffemodel to be generation 1; `half_blobs`
    writes NVIDIA Caffe's 16-bit form too, whatever the settings say; `schedule` and `changed` as for experiment.load.
    Caffe computes as `machine` says, whatever the environment, and on its share of the cores where that has no number.
    `rehearsed`: what begins anew is tried on a few images before anything is converted or trained (see rehearsal).

    The same call again resumes, or says that all is done. Raises UserError.
    """
    network = os.fspath(network)
    _check(generations, run)
    if not changed and run:
        schedule, changed = resume.begun_with(paths.runs() / networks.find(network).name / run, schedule)
    experiment = load(network, schedule, changed)
    asked = deepcopy(experiment.settings)  # which HALF_BLOBS= is none of
    _halve_blobs(experiment, half_blobs)
    # Caffe opens it in another folder.
    pretrained = pretrained and Path(pretrained).resolve()
    problems.refuse(experiment, pretrained)
    caffe_messages.expect_caffe()  # before data sets are fetched
    machine = gpu.of_solver(machine, experiment.solver(1).parameter)
    gpu.refuse(machine)
    last = generations or experiment.settings.generations
    seed = experiment.settings.seed if seed is None else seed
    folder = paths.runs() / experiment.name / (run or run_folder.name(schedule, changed, seed))
    if rehearsed and not run_folder.committed(folder):
        check.before_evolving(experiment, pretrained, seed, machine)
    with run_folder.held(folder), Reports(folder, last).at_work() as reports:
        machine = threads.of_run(folder, machine)
        resume.remove_leftovers(folder)
        run_folder.same_origin(folder, resume.origin(experiment))
        resume.same_settings(folder, asked)
        run_folder.ask(folder, last)
        dataset = resume.as_begun(folder, prepare(experiment, seed), seed)
        _generations(experiment, dataset, folder, last, seed, pretrained, machine, reports)
    return folder


def _check(generations: int, run: str) -> None:
    if generations < 0:
        raise UserError(f"GEN={generations}: expected 1 or more, or 0 for as many as the settings say")
    if len(run) > _LONGEST:
        raise UserError(f"RUN={run[:20]}…: expected a name of at most {_LONGEST} letters, got {len(run)}")
    if "/" in run or run.startswith("."):
        raise UserError(f"RUN={run}: expected a name for the run's folder, without / and no dot before it")


def _halve_blobs(experiment: Experiment, wanted: bool) -> None:
    """Adds the word to the settings. UserError where they go with no such thing."""
    experiment.settings.half_blobs |= wanted
    if found := settings.problems(experiment.settings):
        raise UserError(f"HALF_BLOBS=1: {', '.join(found)}")


def _generations(
    experiment: Experiment,
    dataset: datasets.Dataset,
    run: Path,
    last: int,
    seed: int,
    pretrained: Path | None,
    machine: Machine,
    reports: Reports,
) -> None:
    done = resume.verified(run, last, dataset, seed)
    if done:
        resume.check_same_ancestor(done[0], pretrained)
    run_folder.write_lineage(run)
    if len(done) >= last:
        there = "all " * (last > 1) + counted(last, "generation is", "generations are")
        progress.say(f"{run}: {there} there; GEN={last + 1} goes on")
    else:
        reports.write()
    for number in range(1, last + 1):
        folder = paths.generation(run, number)
        if number <= len(done):
            metrics = Metrics.read(folder)
        else:
            with generation.writing(folder) as unfinished:
                workspace = Workspace(experiment, dataset, number, seed, unfinished, machine, last=last)
                metrics = _make(workspace, pretrained)
                workspace.check_data()
            resume.remove_leftovers(run)
            run_folder.write_lineage(run)
            if number < last:
                reports.changed()
        progress.say_parts(described(metrics))
        if state.diverged(metrics):
            raise UserError(_does_not_breed(experiment, metrics))
        if _fell_too_far(experiment, run, metrics):
            break


def _fell_too_far(experiment: Experiment, run: Path, metrics: Metrics) -> bool:
    """Whether evolution ends with these, as the settings ask for; if so, says it."""
    if not state.fell_too_far(experiment.settings, Metrics.read(paths.generation(run, 1)), metrics):
        return False
    allowed, score = experiment.settings.stop_when_accuracy_drops, metrics.score
    name = score.judged if score.validation_accuracy is None else score.deciding_title
    progress.say(f"{name} is more than {allowed:g} below the ancestor's: evolution ends")
    return True


def _does_not_breed(experiment: Experiment, metrics: Metrics) -> str:
    solver, training = experiment.solver(metrics.generation), metrics.training
    if training.pretrained and not training.iterations:
        do = "see whether its labels, scale, mean and order of channels are those that WEIGHTS= was trained with"
    else:
        field = "offspring_training" if metrics.generation > 1 else "ancestor_training"
        do = f"training diverged, or learned nothing: lower {solver.rate}, or give it a longer {field}"
    return (
        f"generation {metrics.generation}: {state.how_it_diverged(metrics)}: it is kept, and has no offspring; {do}; "
        "then begin another run with RUN="
    )


def _make(workspace: Workspace, pretrained: Path | None) -> Metrics:
    if workspace.number == 1:
        return ancestor.make(workspace, pretrained)
    return selection.make(workspace, paths.generation(workspace.run, workspace.number - 1))


def described(metrics: Metrics) -> list[str]:
    """The parts of one line of measurements of a generation, those first that people wait for."""
    named = {name: getattr(metrics.score, name) for name in _SCORES}
    validation = metrics.score.validation_accuracy
    return [
        f"generation {metrics.generation:2d}",
        *(f"{name} {value:.4f}" for name, value in named.items() if value is not None),
        *([] if metrics.score.judged or metrics.score.loss is None else [f"test loss {metrics.score.loss:.4f}"]),
        *([] if validation is None else [f"(validation {validation:.4f})"]),
        # A detector's first short trainings may end so, and the next one's not: it breeds.
        *(["(finds none of the objects)"] if metrics.score.is_of_boxes and not metrics.score.recall else []),
        f"synapses {metrics.synapses:,}",
        f"A-E {metrics.architectural_efficiency:.2f}",
        f"{metrics.macs / 1e6:.2f} MMAC",
        f"{metrics.training.iterations} it in {metrics.training.seconds:.0f} s",
        *([f"the fittest of {len(metrics.siblings)}"] if metrics.siblings else []),
        f"clusters {metrics.clusters:,} (E {metrics.cluster_efficiency:.2f})",
        f"{metrics.caffemodel_bytes / 1e3:.0f} kB",
        f"flushed {metrics.flushed_synapses}",
    ]
