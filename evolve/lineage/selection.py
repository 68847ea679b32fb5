"""Siblings: several offspring of the same parents, trained side by side, of which the fittest becomes the generation.

Each is whole or absent in a hidden folder of the run, so that a killed run trains none of them twice.

Which of a generation's siblings is the fittest: by score, less what its synapses cost.

fitness = score - synapse_cost x synapses / the parent's synapses.
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from evolve.base import parallel, progress
from evolve.base.errors import MachineError, UserError
from evolve.lineage import birth, parents
from evolve.lineage.workspace import Birth
from evolve.runs import generation, paths, threads
from evolve.settings import settings

Metrics = dict[str, Any]


def score_name(made: Metrics) -> str:
    """What a generation is judged by; precision and recall could be traded for each other, ap has both."""
    return "accuracy" if "accuracy" in made else "ap"


def fitness(chosen: settings.Settings, made: Metrics, parent_synapses: int) -> float:
    """Of a generation with the metrics `made`."""
    cost = round(chosen.synapse_cost, 6) * made["synapses"] / parent_synapses
    return float(made[score_name(made)] - cost)


def by_fitness(
    chosen: settings.Settings, siblings: dict[int, Metrics], parent_synapses: int
) -> list[tuple[int, float]]:
    """(sibling, fitness), the fittest first: of equals the one with fewer synapses, then the one born first."""
    fit = {number: fitness(chosen, made, parent_synapses) for number, made in siblings.items()}
    order = sorted(siblings, key=lambda number: (-fit[number], siblings[number]["synapses"], number))
    return [(number, fit[number]) for number in order]


def reason_for(number: int, fit: float, best: tuple[int, float], siblings: dict[int, Metrics]) -> str:
    """Why a sibling was chosen, or not."""
    if number == best[0]:
        return "the fittest"
    if fit != best[1]:
        return f"{best[1] - fit:.4f} less fit than sibling {best[0]}"
    more = siblings[number]["synapses"] - siblings[best[0]]["synapses"]
    return f"as fit as sibling {best[0]}, " + (f"with {more} synapses more" if more else "which was born before")


# Of each sibling, what its generation's metrics.json keeps.
_FIGURES = (
    "accuracy", "precision", "recall", "map", "ap", "synapses", "architectural_efficiency", "clusters",
    "cluster_efficiency", "macs", "caffemodel_bytes", "flushed_synapses", "iterations", "train_seconds",
)  # fmt: skip


def offspring(newborn: Birth, parent: Path) -> Metrics:
    """A later generation into newborn.folder: the only offspring of generation `parent`, or its fittest of several.

    UserError, the first one's, if none of them is fit to live.
    """
    wanted = newborn.experiment.settings.offspring_per_generation
    if wanted == 1:
        return birth.offspring(newborn, parent)
    place = newborn.run / paths.siblings(newborn.number)
    place.mkdir(exist_ok=True)
    with threads.divided(wanted) as at_a_time:
        tasks: list[Callable[[], Metrics | UserError]]
        tasks = [partial(_sibling, newborn, number, place, parent) for number in range(1, wanted + 1)]
        found = dict(enumerate(parallel.run(tasks, at_a_time, newborn.stop), start=1))
    return _choose(newborn, place, parent, found)


def _sibling(newborn: Birth, number: int, place: Path, parent: Path) -> Metrics | UserError:
    """The metrics of one, which is there or made now; or why it is unfit."""
    folder, unfit = place / str(number), place / f"{number}.unfit.json"
    begun = replace(newborn, sibling=number, folder=folder)
    kin = _kin(newborn, parent)
    if unfit.is_file() and (known := json.loads(unfit.read_text()))["kin"] == kin:
        return UserError(known["why"])
    if generation.exists(folder) and (made := generation.metrics(folder))["kin"] == kin:
        return made
    shutil.rmtree(folder, ignore_errors=True)
    try:
        with generation.writing(folder) as unfinished:
            made = birth.offspring(replace(begun, folder=unfinished), parent) | {"kin": kin}
            (unfinished / paths.METRICS).write_text(json.dumps(made, indent=1) + "\n")
    except UserError as error:
        why = error.__cause__ or error
        # Whoever is unfit is so every time: what the machine does to a sibling must not decide on a lineage.
        if isinstance(why, MachineError) or isinstance(error, MachineError):
            raise
        generation.write_whole(unfit, json.dumps({"kin": kin, "why": str(why)}) + "\n")
        progress.say(f"{begun.title}: unfit: {error}")
        return error
    score = score_name(made)
    progress.say(f"{begun.title}: {score} {made[score]:.4f}  synapses {made['synapses']:,}")
    return made


def _kin(newborn: Birth, parent: Path) -> dict[str, Any]:
    """What tells siblings of this generation from those of another run of events in the same folder."""
    return {"parents": parents.hashes(parent), "dataset": newborn.dataset.sha256, "seed": newborn.seed}


def _choose(newborn: Birth, place: Path, parent: Path, found: dict[int, Metrics | UserError]) -> Metrics:
    """The fittest into newborn.folder, with all siblings' figures; and beside it those that are parents too."""
    alive = {number: made for number, made in found.items() if not isinstance(made, UserError)}
    if not alive:
        for unfit in place.glob("*.unfit.json"):
            unfit.unlink()
        raise next(error for error in found.values() if isinstance(error, UserError))
    chosen = newborn.experiment.settings
    ranked = by_fitness(chosen, alive, generation.metrics(parent)["synapses"])
    best, _ = ranked[0]
    for file in (place / str(best)).iterdir():
        if file.name != paths.DONE:
            shutil.copy(file, newborn.folder / file.name)
    for rank, (number, _) in enumerate(ranked[1 : chosen.parents], start=2):
        for name, kept_as in zip(paths.parent(1), paths.parent(rank), strict=True):
            shutil.copy(place / str(number) / name, newborn.folder / kept_as)
    made = {key: value for key, value in alive[best].items() if key != "kin"}
    made["synthesis"] |= {"parents_sha256": parents.hashes(parent)}
    made |= {"sibling": best, "siblings": _figures(found, alive, ranked, chosen.parents)}
    (newborn.folder / paths.METRICS).write_text(json.dumps(made, indent=1) + "\n")
    return made


def _figures(
    found: dict[int, Metrics | UserError], alive: dict[int, Metrics], ranked: list[tuple[int, float]], parents_kept: int
) -> list[dict[str, Any]]:
    fit = dict(ranked)
    ranks = {number: rank for rank, (number, _) in enumerate(ranked, start=1)}
    figures: list[dict[str, Any]] = []
    for number in sorted(found):
        if number not in alive:
            figures.append({"sibling": number, "fitness": None, "parent": 0, "why": f"unfit: {_plain(found[number])}"})
            continue
        made = {name: alive[number][name] for name in _FIGURES if name in alive[number]}
        why = reason_for(number, fit[number], ranked[0], alive)
        rank = ranks[number] if ranks[number] <= parents_kept else 0
        figures.append({"sibling": number, "fitness": fit[number], "parent": rank, "why": why} | made)
    return figures


def _plain(error: Any) -> str:
    """Without where its log lies, which goes."""
    return str(error.__cause__ or error)
