"""The choice among a run's generations is the smallest, and the fastest, that score nearly what the ancestor does."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evolve.base.counted import counted
from evolve.base.errors import UserError
from evolve.runs import measurements, run_folder
from evolve.runs.measurements import Speed
from evolve.runs.metrics import Metrics

# So much less than the ancestor's score, of 0 to 1, and a network is still as good to most people.
WITHIN = 0.005

_ROUNDING = 1e-12
_LEAST = 0.005  # a part of a count: what changes it less is no change
_TWICE = 1.95  # from here on "times fewer" says more than a percentage


@dataclass(frozen=True)
class Chosen:
    """A generation and its speed, as lineage.csv has it."""

    metrics: Metrics
    speed: Speed

    @property
    def number(self) -> int:
        """The generation's."""
        return self.metrics.generation


@dataclass(frozen=True)
class Choice:
    """`fastest` is so by frames per second where all that it was chosen from were timed, else by MACs: `timed`."""

    within: float
    ancestor: Chosen
    smallest: Chosen
    fastest: Chosen
    last: Chosen
    last_eligible: Chosen
    timed: bool

    @property
    def allowed(self) -> str:
        """How much less a generation may score: ``0.5 points``."""
        return counted(float(f"{100 * self.within:g}"), "point")

    def words(self) -> str:
        """One line says what was gained, of the smallest; of the last one, where no offspring scores enough."""
        if self.last.number == 1:
            return "generation 1 is the ancestor: nothing is smaller yet"
        shown = self.smallest if self.smallest.number > 1 else self.last_eligible
        if shown.number > 1:
            return self.saved(shown)
        title = self.ancestor.metrics.score.deciding_title
        return f"no offspring is within {self.allowed} of generation 1's {title}; the last is {self.saved(self.last)}"

    def saved(self, chosen: Chosen) -> str:
        """``generation 10: 53 times fewer synapses, 41 times fewer MACs, −0.2 points of accuracy``."""
        now, was = chosen.metrics, self.ancestor.metrics
        counts = [fewer(was.synapses, now.synapses, "synapses"), fewer(was.macs, now.macs, "MACs")]
        faster = _faster(chosen.speed, self.ancestor.speed)
        return f"generation {chosen.number}: " + ", ".join([*counts, *faster, points(now, was)])


def of_run(run: Path, within: float = WITHIN) -> Choice:
    """The choice of the run in folder `run`. UserError where it has no generation, or no score."""
    generations = run_folder.read_lineage(run)
    found = among(generations, measurements.speeds(run, generations), within)
    if not found:
        raise UserError(f"{run}: {unjudged(generations)}")
    return found


def unjudged(generations: Sequence[Metrics]) -> str:
    """What is told where not all of `generations` have a score to compare them by, and what to do; "" where all have.

    One run's all have or none has, but for a generation whose metrics.json was changed, or a kept lineage.csv's cell.
    """
    lacking = [str(each.generation) for each in generations if not each.score.judged]
    if not lacking:
        return ""
    got, do = "none", "give the net an Accuracy layer"
    if any(each.score.loss is not None for each in generations):
        do += ", or see `make table` for the test loss and name a generation by its number"
    if len(lacking) < len(generations):
        got = f"none of generation{'s' * (len(lacking) > 1)} {', '.join(lacking)}"
        do = f"without the folder of generation {lacking[0]} the same `make evolve` makes it anew, and what follows"
    return f"expected an accuracy or an average precision of every generation to go by, got {got}; {do}"


def among(generations: Sequence[Metrics], speeds: Sequence[Speed], within: float = WITHIN) -> Choice | None:
    """The choice among `generations`, generation 1 first, with their speeds; None where one has no score.

    Scores are those that decide, on a validation part where there is one. Generation 1 is always eligible. Of equals
    the one that scores more, then the earlier one, is chosen.
    """
    if not all(each.score.judged for each in generations):
        return None
    every = [Chosen(*pair) for pair in zip(generations, speeds, strict=True)]
    least = generations[0].score.deciding - within - _ROUNDING
    eligible = [each for each in every if each.metrics.score.deciding >= least]
    fps = [each.speed.fps for each in eligible]
    timed = all(fps) and len({each.speed.fps_engine for each in eligible}) == 1

    def slowness(each: Chosen) -> tuple[float, ...]:
        first = (-(each.speed.fps or 0.0),) if timed else ()
        return *first, each.metrics.macs, each.metrics.synapses, -each.metrics.score.deciding

    def size(each: Chosen) -> tuple[float, ...]:
        return each.metrics.synapses, each.metrics.macs, -each.metrics.score.deciding

    smallest, fastest = min(eligible, key=size), min(eligible, key=slowness)
    return Choice(within, every[0], smallest, fastest, every[-1], eligible[-1], timed)


def fewer(was: float, now: float, what: str) -> str:
    """``53 times fewer synapses``, ``7 % fewer``, ``as many``, or ``3 % more``: whatever is true."""
    if not now:
        return f"no {what}"
    ratio = was / now
    if ratio >= _TWICE:
        return f"{_figures(ratio)} times fewer {what}"
    part = 1 - now / was if was else 0.0
    if abs(part) < _LEAST:
        return f"as many {what}"
    return f"{100 * abs(part):.0f} % {'fewer' if part > 0 else 'more'} {what}"


def points(now: Metrics, was: Metrics) -> str:
    """``−0.2 points of accuracy``: of the score that is reported on."""
    title, difference = now.score.title, 100 * (now.score.value - was.score.value)
    if abs(difference) < 0.005:
        return f"the same {title}"
    return f"{difference:+.{1 if abs(difference) >= 0.05 else 2}f} points of {title}".replace("-", "−")


def _faster(now: Speed, was: Speed) -> list[str]:
    """What was measured on one engine, if it was."""
    if not now.fps or not was.fps or now.fps_engine != was.fps_engine:
        return []
    return [f"{_figures(now.fps / was.fps)} times the frames per second ({now.fps_engine})"]


def _figures(ratio: float) -> str:
    return f"{ratio:,.0f}" if ratio >= 9.95 else f"{ratio:.1f}"
