"""Siblings, several offspring of the same parents, are trained side by side; the fittest becomes the generation.

fitness = score - synapse_cost x synapses / the parent's synapses, the score on a validation part where there is one.
Each sibling is whole or absent in a hidden folder of the run, so that a killed run trains none of them twice.
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from evolve.base import files, parallel, progress
from evolve.base.counted import counted
from evolve.base.errors import MachineError, UserError
from evolve.lineage import offspring, parents
from evolve.lineage.workspace import Workspace
from evolve.runs import generation, paths, state
from evolve.runs.made_from import OtherData
from evolve.runs.metrics import Kin, Metrics, Sibling
from evolve.settings.settings import Settings


def fitness(settings: Settings, metrics: Metrics, parent_synapses: int) -> float:
    """The fitness of a generation with these metrics."""
    cost = settings.synapse_cost * metrics.synapses / parent_synapses
    return metrics.score.deciding - cost


def by_fitness(settings: Settings, siblings: dict[int, Metrics], parent_synapses: int) -> list[tuple[int, float]]:
    """(sibling, fitness), the fittest first: of equals the one with fewer synapses, then the one born first."""
    fit = {number: fitness(settings, metrics, parent_synapses) for number, metrics in siblings.items()}
    order = sorted(siblings, key=lambda number: (-fit[number], siblings[number].synapses, number))
    return [(number, fit[number]) for number in order]


def reason_for(number: int, fit: float, best: tuple[int, float], siblings: dict[int, Metrics]) -> str:
    """Why a sibling was chosen, or not."""
    if number == best[0]:
        return "the fittest"
    if fit != best[1]:
        return f"{best[1] - fit:.4f} less fit than sibling {best[0]}"
    more = siblings[number].synapses - siblings[best[0]].synapses
    other = f"with {counted(more, 'synapse')} more" if more else "which was born before"
    return f"as fit as sibling {best[0]}, {other}"


def make(workspace: Workspace, parent: Path) -> Metrics:
    """Makes a later generation in the workspace: the only offspring of generation `parent`, or its fittest of several.

    UserError, the first one's, if none of them is fit to live.
    """
    wanted = workspace.experiment.settings.offspring_per_generation
    if wanted == 1:
        return offspring.make(workspace, parent)
    place = workspace.run / paths.siblings(workspace.number)
    place.mkdir(exist_ok=True)
    at_a_time, machine = workspace.machine.divided(wanted)
    each = replace(workspace, machine=machine, rounds=-(-wanted // at_a_time))
    tasks: list[Callable[[], Metrics | UserError]]
    tasks = [partial(_sibling, each, number, place, parent) for number in range(1, wanted + 1)]
    born = dict(enumerate(parallel.run(tasks, at_a_time, workspace.stop), start=1))
    return _choose(workspace, place, parent, born)


def _sibling(workspace: Workspace, number: int, place: Path, parent: Path) -> Metrics | UserError:
    """The metrics of one, which is there or made now; or why it is unfit."""
    folder, unfit = place / str(number), place / f"{number}.unfit.json"
    own = replace(workspace, sibling=number, folder=folder)
    kin = _kin(workspace, parent)
    if unfit.is_file() and (known := json.loads(unfit.read_text()))["kin"] == asdict(kin):
        return UserError(known["why"])
    if generation.exists(folder) and (metrics := Metrics.read(folder)).kin == kin:
        return metrics
    shutil.rmtree(folder, ignore_errors=True)
    try:
        with generation.writing(folder) as unfinished:
            metrics = replace(offspring.make(replace(own, folder=unfinished), parent), kin=kin)
            metrics.write(unfinished)
            own.check_data()
            if state.diverged(metrics) and not own.few:
                raise UserError(state.how_it_diverged(metrics))
    except UserError as error:
        why = error.__cause__ or error
        # Whoever is unfit is so every time: what the machine or other data does to one must not decide on a lineage.
        if isinstance(why, (MachineError, OtherData)) or isinstance(error, MachineError):
            raise
        own.check_data()
        files.write_whole(unfit, json.dumps({"kin": asdict(kin), "why": str(why)}) + "\n")
        progress.say(f"{own.title}: unfit: {error}")
        return error
    score = metrics.score
    on_part = "" if score.validation_accuracy is None else f"  (validation {score.validation_accuracy:.4f})"
    progress.say(f"{own.title}: {score.judged} {score.value:.4f}{on_part}  synapses {metrics.synapses:,}")
    return metrics


def _kin(workspace: Workspace, parent: Path) -> Kin:
    """What tells siblings of this generation from those of another run of events in the same folder."""
    return Kin(parents.hashes(parent), workspace.dataset.sha256, workspace.seed)


def _choose(workspace: Workspace, place: Path, parent: Path, born: dict[int, Metrics | UserError]) -> Metrics:
    """The fittest into the workspace, with all siblings' figures; and beside it those that are parents too."""
    alive = {number: metrics for number, metrics in born.items() if not isinstance(metrics, UserError)}
    if not alive:
        for unfit in place.glob("*.unfit.json"):
            unfit.unlink()
        raise next(error for error in born.values() if isinstance(error, UserError))
    settings = workspace.experiment.settings
    ranked = by_fitness(settings, alive, Metrics.read(parent).synapses)
    best, _ = ranked[0]
    for file in (place / str(best)).iterdir():
        if file.name != paths.DONE:
            shutil.copy(file, workspace.folder / file.name)
    for rank, (number, _) in enumerate(ranked[1 : settings.parents], start=2):
        for name, kept_as in zip(paths.parent(1), paths.parent(rank), strict=True):
            shutil.copy(place / str(number) / name, workspace.folder / kept_as)
    metrics = replace(
        alive[best],
        synthesis=replace(alive[best].synthesis, parents_sha256=parents.hashes(parent)),
        sibling=best,
        siblings=_siblings(born, alive, ranked, settings.parents),
        kin=None,
    )
    metrics.write(workspace.folder)
    return metrics


def _siblings(
    born: dict[int, Metrics | UserError], alive: dict[int, Metrics], ranked: list[tuple[int, float]], parents_kept: int
) -> list[Sibling]:
    fit = dict(ranked)
    ranks = {number: rank for rank, (number, _) in enumerate(ranked, start=1)}
    siblings = []
    for number in sorted(born):
        if number not in alive:
            siblings.append(Sibling(sibling=number, why=f"unfit: {_plain(born[number])}"))
            continue
        why = reason_for(number, fit[number], ranked[0], alive)
        rank = ranks[number] if ranks[number] <= parents_kept else 0
        figures = vars(alive[number].figures())
        siblings.append(Sibling(sibling=number, fitness=fit[number], parent=rank, why=why, **figures))
    return siblings


def _plain(error: Any) -> str:
    """Without where its log lies, which goes."""
    return str(error.__cause__ or error)
