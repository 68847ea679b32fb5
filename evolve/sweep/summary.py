"""The tables at the end of a sweep: every run's last generation, and mean and spread over the seeds of each setting."""

from typing import Any

from evolve.base.sheet import BLANK, Sheet
from evolve.figures import measured, seeds
from evolve.figures.measured import Measured
from evolve.runs import run_folder
from evolve.sweep.child import Ended
from evolve.sweep.plan import Run


def sheets(ended: dict[Run, Ended]) -> list[Sheet]:
    """Of the runs that have a generation; none if no run has."""
    known = {run: measured.read(run.folder) for run in ended if run_folder.committed(run.folder)}
    if not known:
        return []
    return [_runs(known, ended), _settings(known)]


def failures(ended: dict[Run, Ended]) -> list[str]:
    """A line for each run that failed, with what it said."""
    return [f"{run.folder}: {how.message}" for run, how in ended.items() if how.status]


def status(ended: dict[Run, Ended]) -> int:
    """Of the sweep: 0, or 2 where all that failed is the user's to mend, or 1."""
    failed = {how.status for how in ended.values()} - {0}
    return 0 if not failed else 2 if failed == {2} else 1


def _runs(known: dict[Run, Measured], ended: dict[Run, Ended]) -> Sheet:
    first = next(iter(known.values()))
    rows = [_run(run, made) for run, made in known.items()]
    if failures(ended):
        ends = ["failed" if ended[run].status else "well" for run in known]
        rows = [row | {"ended": how} for row, how in zip(rows, ends, strict=True)]
    return Sheet.of(f"{first.network} on {first.dataset}: the last generation of every run", rows, first.notice, [])


def _run(run: Run, made: Measured) -> dict[str, str]:
    last = made.last
    return {
        "run": run.name,
        "generation": str(last["generation"]),
        "synapses": f"{last['synapses']:,}",
        "A-E": f"{last['architectural_efficiency']:.2f}",
        **{title: f"{last[name]:.4f}" if name in last else BLANK for name, title in made.scores.items()},
    }


def _settings(known: dict[Run, Measured]) -> Sheet:
    first = next(iter(known.values()))
    grouped: dict[str, list[Measured]] = {}
    for run, made in known.items():
        grouped.setdefault(run.title or "as its prototxts say", []).append(made)
    rows = [_setting(title, group) for title, group in grouped.items()]
    notes = ["Of each setting, the last generation that all of its runs have.", seeds.SPREAD]
    return Sheet.of(f"{first.network} on {first.dataset}, by setting", rows, first.notice, notes)


def _setting(title: str, group: list[Measured]) -> dict[str, str]:
    number = measured.common_generations(group)
    made: list[dict[str, Any]] = [each.generations[number - 1] for each in group]
    return {
        "setting": title,
        "seeds": str(len(group)),
        "generation": str(number),
        **seeds.spread("A-E", [one["architectural_efficiency"] for one in made], ".2f"),
        **seeds.scores(group[0], made),
    }
