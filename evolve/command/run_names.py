"""RUN= names a run by its folder's name, with its network before it, or by its path; what else it names is told of."""

import os
from pathlib import Path

from evolve.base.errors import UserError
from evolve.runs import paths, run_folder, state


def find(name: str, known: list[Path]) -> Path:
    """The one of `known`, runs with generations, that RUN= `name` means, or any other at that path.

    UserError telling what is there instead, and the runs that there are.
    """
    place = Path(name)
    if run_folder.committed(place):
        return place.resolve()
    short = name.rstrip("/")
    named = [run for run in known if short in (run.name, f"{run.parent.name}/{run.name}")]
    if len(named) == 1:
        return named[0]
    of_network = [run for run in known if short and (run.parent.name == short or run.parent == _resolved(place))]
    listed = ", ".join(f"{run.parent.name}/{run.name}" for run in (named or of_network or known)) or "none"
    if of_network:
        net = of_network[0].parent.name
        raise UserError(f"RUN={name}: expected a run, got a network; give NET={net}, or one of its runs: {listed}")
    for run in [] if named else _begun(short):
        first = f"is being made: see {run / paths.REPORT}" if run_folder.at_work(run) else "was not finished"
        goes_on = "" if run_folder.at_work(run) else "; the same `make evolve` goes on"
        raise UserError(f"RUN={name}: expected a run with a generation, got one whose first {first}{goes_on}")
    if name and not named:
        _refuse_another_thing(name, place, listed)
    raise UserError(f"RUN={name}: expected one run of that name; there are: {listed}")


def _begun(name: str) -> list[Path]:
    """Runs of that name that have no more yet than what they are made from."""
    every = [Path(name), *paths.runs().glob("*/*")]
    meant = [run for run in every if name in (str(run), run.name, f"{run.parent.name}/{run.name}")]
    # A checkout has settings in its prototxt/ too, but no record of them.
    return [run for run in meant if state.settings_file(run) and (run / paths.PROTOTXTS / paths.DONE).is_file()]


def _refuse_another_thing(name: str, place: Path, listed: str) -> None:
    """UserError for what lies at `place` and is no run."""
    run = _resolved(place).parent
    for number in run_folder.committed(run):
        if _resolved(place) == paths.generation(run, number):
            raise UserError(f"RUN={name}: expected a run, got a generation of one; give RUN={run} GEN={number}")
    if place.is_dir():
        got = f"a folder without {paths.generation(Path(), 1)}"
    elif place.exists():
        got = "a file"
    else:
        return
    raise UserError(f"RUN={name}: expected a run's folder, got {got}; there are: {listed}")


def _resolved(place: Path) -> Path:
    # Unlike os.path, Path raises where links lead to each other.
    return Path(os.path.realpath(place))
