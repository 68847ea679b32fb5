"""The run at a glance: how far it is, and of each figure what it is now and what it was at generation 1."""

from evolve.base import sheet
from evolve.figures.measured import Measured
from evolve.figures.report.markup import Markup, element, number, section
from evolve.runs.state import State

_COUNTS = {"synapses": "synapses", "clusters": "clusters", "macs": "MACs", "caffemodel_bytes": "caffemodel, bytes"}
_LARGEST_IN_FULL = 10**8


def summary(run: Measured, state: State) -> Markup:
    """The section with a bar of generations and a tile each figure."""
    counts = [_count(run, name, title) for name, title in _COUNTS.items()]
    scores = [_score(run, name, title) for name, title in run.scores.items()]
    tiles = [tile for tile in [*counts, *scores, _speed(run), _time(run)] if tile]
    return section("Summary", *_bar(state), element("dl", *tiles, class_="tiles"))


def _bar(state: State) -> list[Markup]:
    of = max(state.done, state.wanted)
    words = element("p", state.words(), class_="state")
    return [words, element("progress", value=state.done, max=of, aria_label=f"{state.done} of {of} generations")]


def _tile(title: str, now: Markup | str, was: Markup | str | None) -> Markup:
    small = element("dd", was, class_="was") if was else None
    return element("div", element("dt", title), element("dd", now, class_="now"), small, class_="tile")


def _count(run: Measured, name: str, title: str) -> Markup | None:
    """How many there are, and how many times fewer that is."""
    if name not in run.last or name not in run.ancestor:
        return None
    now, was = run.last[name], run.ancestor[name]
    # "1.0× fewer" would say nothing.
    gain = f"{sheet.times(was / now)} fewer than" if 0 < 1.05 * now <= was else "generation 1:"
    return _tile(title, number(now, _fitting(now)), f"{gain} {_fitting(was)}")


def _fitting(value: int) -> str:
    """In full as long as a tile has the room."""
    return sheet.whole(value) if value < _LARGEST_IN_FULL else sheet.short(value)


def _score(run: Measured, name: str, title: str) -> Markup | None:
    now, was = run.last.get(name), run.ancestor.get(name)
    if not isinstance(now, float | int) or not isinstance(was, float | int):
        return None
    changed = f", {100 * (now - was):+.2f} points".replace("-", "−") if now != was else ""
    return _tile(title, number(now, sheet.score(now)), f"{sheet.score(was)} at generation 1{changed}")


def _speed(run: Measured) -> Markup | None:
    timed = [made for made in run.generations if "fps" in made]
    if not timed:
        return None
    say = sheet.rate
    first, last = timed[0], timed[-1]
    was = f"generation {last['generation']}; {say(first['fps'])} at {first['generation']}, {last['fps_engine']}"
    return _tile("frames per second", number(last["fps"], say(last["fps"])), was)


def _time(run: Measured) -> Markup | None:
    known = [made["train_seconds"] for made in run.generations if "train_seconds" in made]
    return _tile("training, all generations", sheet.duration(sum(known)), None) if known else None
