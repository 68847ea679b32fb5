"""A run struck at every open, write, sync, rename and removal of the making and the commit of a generation."""

import random
from collections.abc import Callable

import pytest

from tests.torture import faults
from tests.torture.commands import Commands
from tests.torture.faults import Event
from tests.torture.place import Place
from tests.torture.tally import Tally


@pytest.fixture(scope="module")
def events(pairs: list[tuple[Place, Commands]]) -> list[tuple[Event, str]]:
    """Every event of the command that makes generation 3, with each fault that can be there."""
    found = faults.events(*pairs[0])
    kinds = {event.what for event in found}
    assert kinds == {"open", "write", "sync", "rename", "mkdir", "unlink", "rmdir"} and len(found) > 100
    return [(event, fault) for fault in faults.FAULTS for event in found if faults.fits(fault, event)]


def _strike(place: Place, commands: Commands, struck: tuple[Event, str], tally: Tally) -> None:
    event, fault = struck
    faults.strike(place, commands, fault, event, tally)


def test_some_events(events: list[tuple[Event, str]], tried: Callable[..., None]) -> None:
    """One of each fault, and one of each kind of event around the commit itself."""
    some = random.Random(1).sample(events, 5)
    committed = next(event for event, _ in events if event.what == "rename" and event.target.name == "gen003")
    around = [(event, fault) for event, fault in events if abs(event.number - committed.number) <= 1]
    tried("events-short", [*some, *(pair for pair in around if pair[1] in (faults.POWER_CUT, "input/output error"))],
          _strike)  # fmt: skip


@pytest.mark.torture
def test_every_event(events: list[tuple[Event, str]], tried: Callable[..., None]) -> None:
    tried("events", events, _strike)
