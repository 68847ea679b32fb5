"""How many threads a run's fast layers get: its share of the cores, and the same number for all of its generations.

With another number of threads the last bits of a training differ, so a run keeps the number that it began with.
"""

from dataclasses import replace
from pathlib import Path

from evolve.base import processors, progress
from evolve.base.counted import counted
from evolve.base.machine import Machine
from evolve.runs import generation, paths, run_folder
from evolve.runs.metrics import Metrics


def of_run(run: Path, machine: Machine) -> Machine:
    """What the processes of `run` compute with: `machine`, and as many threads as the run began with, or its share.

    A number of threads that `machine` has stays. Said where the run began with more than there are cores now.
    """
    begun, cores = 0 if machine.threads else _begun_with(run), processors.usable()
    if begun > cores:
        # They get into each other's way: slower than a thread each, by far.
        progress.say(
            f"{run}: goes on with {begun} threads, which it was begun with, on {counted(cores, 'core')}; "
            f"THREADS={cores} is faster, and the last bits of what comes are others"
        )
    return replace(machine, threads=machine.threads or begun or share(run))


def share(run: Path) -> int:
    """The cores that may be used, divided by the runs at work below the same folder, `run` itself among them."""
    return max(1, processors.usable() // (1 + _others_at_work(run)))


def _begun_with(run: Path) -> int:
    """That of the first generation that is as it was committed; 0 where there is none."""
    whole = (folder for folder in sorted(run.glob("gen[0-9][0-9][0-9]")) if generation.exists(folder))
    return next((int(Metrics.read(folder).versions.threads or 0) for folder in whole), 0)


def _others_at_work(run: Path) -> int:
    others = [holder.parent for holder in run.parent.parent.glob(f"*/*/{paths.HOLDER}") if holder.parent != run]
    return sum(map(run_folder.at_work, others))
