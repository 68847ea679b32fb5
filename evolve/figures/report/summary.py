"""The run at a glance: how far it is, and of each figure what it is now and what it was at generation 1."""

from evolve.base import sheet
from evolve.base.counted import counted
from evolve.base.durations import duration
from evolve.figures.report.markup import Markup, element, number, section
from evolve.figures.run import TEST_LOSS, Run
from evolve.runs.state import State

_COUNTS = {"synapses": "synapses", "clusters": "clusters", "macs": "MACs", "caffemodel_bytes": "caffemodel, bytes"}
_LARGEST_IN_FULL = 10**8


def summary(run: Run, state: State) -> Markup:
    """The section with a bar of generations and a tile each figure."""
    counts = [_count(run, name, title) for name, title in _COUNTS.items()]
    scores = [_score(run, name, title) for name, title in run.scores.items()]
    tiles = [tile for tile in [*counts, *scores, _speed(run), _time(run)] if tile]
    gained = element("p", run.gained, class_="gained") if run.gained else None
    return section("Summary", gained, *bar(state), element("dl", *tiles, class_="tiles"))


def bar(state: State) -> list[Markup]:
    """How far the run is, in words and as a bar."""
    of = max(state.done, state.wanted)
    words, label = element("p", state.words(), class_="state"), f"{state.done} of {counted(of, 'generation')}"
    return [words, element("progress", value=state.done, max=of, aria_label=label)]


def _tile(title: str, now: Markup | str, was: Markup | str | None) -> Markup:
    small = element("dd", was, class_="was") if was else None
    return element("div", element("dt", title), element("dd", now, class_="now"), small, class_="tile")


def _count(run: Run, name: str, title: str) -> Markup:
    """How many there are, and how many times fewer that is."""
    now, was = getattr(run.last, name), getattr(run.ancestor, name)
    if run.last is run.ancestor:
        return _tile(title, number(now, _fitting(now)), None)
    # "1.0× fewer" would say nothing.
    gain = f"{sheet.times(was / now)} fewer than" if 0 < 1.05 * now <= was else "generation 1:"
    return _tile(title, number(now, _fitting(now)), f"{gain} {_fitting(was)}")


def _fitting(value: int) -> str:
    """In full as long as a tile has the room."""
    return sheet.whole(value) if value < _LARGEST_IN_FULL else sheet.short(value)


def _score(run: Run, name: str, title: str) -> Markup | None:
    now, was = getattr(run.last.score, name), getattr(run.ancestor.score, name)
    if now is None or was is None:
        return None
    if run.last is run.ancestor:
        return _tile(title, number(now, sheet.score(now)), None)
    points = f", {100 * (now - was):+.2f} points".replace("-", "−")
    changed = points if now != was and name not in TEST_LOSS else ""
    return _tile(title, number(now, sheet.score(now)), f"{sheet.score(was)} at generation 1{changed}")


def _speed(run: Run) -> Markup | None:
    timed = [(each.generation, speed.fps, speed.fps_engine) for each, speed in run.timed() if speed.fps is not None]
    if not timed:
        return None
    (first, before, _), (last, now, engine) = timed[0], timed[-1]
    was = f"generation {last}; {sheet.rate(before)} at {first}, {engine}"
    return _tile("frames per second", number(now, sheet.rate(now)), was)


def _time(run: Run) -> Markup:
    seconds = sum(metrics.training.seconds for metrics in run.generations)
    return _tile("training, all generations", duration(seconds), None)
