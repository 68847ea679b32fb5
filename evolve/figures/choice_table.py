"""The choice among a run's generations as a table: the ancestor, the smallest and the fastest, and what they save."""

from pathlib import Path

from evolve.base import sheet
from evolve.base.sheet import Sheet
from evolve.figures.run import Run, seed_numbers
from evolve.runs import choice
from evolve.runs.choice import Choice, Chosen


def show(folder: Path, within: float = choice.WITHIN) -> None:
    """Prints it. UserError where the run has no generation, or no score."""
    found = choice.of_run(folder, within)
    print(found.words())
    of(Run.read(folder), found).show()


def of(run: Run, found: Choice) -> Sheet:
    """The table of `found`, which is the choice of `run`."""
    rows = {"ancestor": found.ancestor, "smallest": found.smallest, "fastest": found.fastest}
    by = f"frames per second, {found.fastest.speed.fps_engine}" if found.timed else "MACs; `make bench` measures"
    notes = [f"Fastest: {found.saved(found.fastest)}."] if found.fastest.number != found.smallest.number else []
    timed = any(each.speed.fps for each in rows.values())
    score = found.ancestor.metrics.score
    return Sheet.of(
        f"{run.network} on {run.dataset}, {seed_numbers([run])}: "
        f"within {found.allowed} of generation 1's {score.deciding_title}",
        [_row(name, each, timed) for name, each in rows.items()],
        notice=run.notice,
        notes=[*notes, f"Fastest by {by}.", "GEN=best takes the smallest, wherever GEN= names one."],
    )


def _row(name: str, chosen: Chosen, timed: bool) -> dict[str, str]:
    metrics, fps = chosen.metrics, chosen.speed.fps
    return {
        "": name,
        "generation": str(metrics.generation),
        "synapses": sheet.whole(metrics.synapses),
        "MACs": sheet.whole(metrics.macs),
        "caffemodel, kB": f"{metrics.caffemodel_bytes / 1e3:,.1f}",
        **({"fps": sheet.rate(fps) if fps else sheet.BLANK} if timed else {}),
        metrics.score.title: sheet.score(metrics.score.value),
    }
