"""The summary of a sweep is two tables: every run's last generation, and mean and spread over seeds of each setting."""

from evolve.base import progress
from evolve.base.errors import UserError
from evolve.base.sheet import Sheet, cell
from evolve.figures import seeds
from evolve.figures.run import Run, by_data, common_generations
from evolve.runs import run_folder
from evolve.sweep import plan
from evolve.sweep.child import Ended
from evolve.sweep.plan import PlannedRun


def sheets(ended: dict[PlannedRun, Ended]) -> list[Sheet]:
    """Of the runs that have a generation and can be read; none if no run has."""
    known = {}
    for run in ended:
        if run_folder.committed(run.folder):
            try:
                known[run] = Run.read(run.folder)
            except UserError as error:
                progress.say(f"{run.folder} is left out of the tables: {error}")
    if not known:
        return []
    return [_runs(known, ended), _settings(known)]


def failures(ended: dict[PlannedRun, Ended]) -> list[str]:
    """A line for each run that failed, with what it said; what names its folder first has it once."""
    failed = {run: how.message for run, how in ended.items() if how.status}
    return [said if said.startswith(f"{run.folder}") else f"{run.folder}: {said}" for run, said in failed.items()]


def status(ended: dict[PlannedRun, Ended]) -> int:
    """Of the sweep: 0, or 2 where all that failed is the user's to mend, or 1."""
    failed = {how.status for how in ended.values()} - {0}
    return 0 if not failed else 2 if failed == {2} else 1


def _runs(known: dict[PlannedRun, Run], ended: dict[PlannedRun, Ended]) -> Sheet:
    first = next(iter(known.values()))
    labels = plan.labels(list(ended))
    rows = [_run(labels[planned], run) for planned, run in known.items()]
    if failures(ended):
        ends = ["failed" if ended[planned].status else "well" for planned in known]
        rows = [row | {"ended": how} for row, how in zip(rows, ends, strict=True)]
    return Sheet.of(f"{first.network} on {first.dataset}: the last generation of every run", rows, first.notice, [])


def _run(label: str, run: Run) -> dict[str, str]:
    values = {title: run.values(name).get(run.last.generation) for name, title in run.scores.items()}
    return {
        "run": label,
        "generation": str(run.last.generation),
        "synapses": f"{run.last.synapses:,}",
        "A-E": f"{run.last.architectural_efficiency:.2f}",
        **{title: cell(value, ".4f") for title, value in values.items()},
    }


def _settings(known: dict[PlannedRun, Run]) -> Sheet:
    first = next(iter(known.values()))
    grouped: dict[str, list[Run]] = {}
    for planned, run in known.items():
        grouped.setdefault(planned.title or "as its prototxts say", []).append(run)
    rows = [_setting(*each) for title, group in grouped.items() for each in _by_data(title, group)]
    notes = ["Of each setting, the last generation that all of its runs have.", seeds.SPREAD]
    return Sheet.of(f"{first.network} on {first.dataset}, by setting", rows, first.notice, notes)


def _by_data(title: str, group: list[Run]) -> list[tuple[str, list[Run]]]:
    """The setting's runs by what they were made from: pictures may be added while a sweep is at work."""
    first, *others = by_data(group, lambda run: run)
    return [(title, first), *((f"{title}, on data of sha256 {_sha256(each)}", each) for each in others)]


def _sha256(group: list[Run]) -> str:
    return group[0].ancestor.dataset.sha256[:12]


def _setting(title: str, group: list[Run]) -> dict[str, str]:
    number = common_generations(group)
    last = [run.generations[number - 1] for run in group]
    return {
        "setting": title,
        "seeds": str(len(group)),
        "generation": str(number),
        **seeds.spread("A-E", [metrics.architectural_efficiency for metrics in last], ".2f"),
        **seeds.scores(group[0], last),
    }
