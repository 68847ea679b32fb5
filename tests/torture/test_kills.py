"""A run killed at random times, again and again, and begun again by the same command each time."""

import functools
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.torture.commands import Commands, Ended, Running
from tests.torture.place import Place
from tests.torture.tally import Tally

# Whom a signal goes to, and how often.
_WHOM = {"kill -9 of the command": 14, "kill -9 of Caffe's process": 3, "SIGTERM to the command": 3}
_UNTIL_DONE = 8  # kills of one run before it is let alone


def test_some_kills(tried: Callable[..., None]) -> None:
    tried("kills-short", list(range(2)), _killed_again_and_again)


@pytest.mark.torture
def test_many_kills(tried: Callable[..., None]) -> None:
    tried("kills", list(range(32)), _killed_again_and_again)


@pytest.mark.torture
def test_kills_of_commands_as_a_user_starts_them(tried: Callable[..., None]) -> None:
    started = Commands(forked=False)

    def trial(place: Place, commands: Commands, seed: int, tally: Tally) -> None:
        _killed_again_and_again(place, started, seed, tally)

    tried("kills-of-whole-commands", list(range(1000, 1004)), trial)


def _killed_again_and_again(place: Place, commands: Commands, seed: int, tally: Tally) -> None:
    """A run from nothing, killed `_UNTIL_DONE` times at random, then let alone to its end."""
    whole = _seconds(place, commands)
    place.begin(0)
    random_ = random.Random(seed)
    struck, corrupt, problem = list[str](), 0, ""
    while len(struck) < _UNTIL_DONE:
        whom = random_.choices(list(_WHOM), list(_WHOM.values()))[0]
        running = place.start(commands)
        time.sleep(random_.uniform(0, whole / 3))
        hit = _strike(running, whom)
        ended = running.ended()
        found = place.corrupt()
        corrupt += len(found)
        problem = problem or _misspoken(ended, whom, hit) or (f"corrupt {found}" if found else "")
        if hit and ended.status:
            struck.append(whom)
        elif not ended.status:
            problem = problem or ", ".join(place.lacking())
            place.begin(0)
    again = place.evolve(commands)
    lacking = place.lacking()
    if again.status or lacking:
        problem = f"again: status {again.status}, {lacking}: {again.last_line}"
    for number, whom in enumerate(struck):
        said = f"seed {seed}: {problem}" if problem and not number else ""
        tally.add(whom, corrupt if not number else 0, again.status == 0, not lacking, said)


@functools.cache
def _seconds(place: Place, commands: Commands) -> float:
    """What an undisturbed run takes."""
    place.begin(0)
    began = time.monotonic()
    assert place.evolve(commands).status == 0 and not place.lacking()
    return time.monotonic() - began


def _strike(running: Running, whom: str) -> bool:
    """Whether there was somebody to send the signal to."""
    if "Caffe" in whom:
        return running.kill_worker()
    running.kill(signal.SIGKILL if "-9" in whom else signal.SIGTERM)
    return True


def _misspoken(ended: Ended, whom: str, hit: bool) -> str:
    """How the command ended otherwise than the signal has it."""
    allowed = {
        "kill -9 of the command": {-signal.SIGKILL: ""},
        # Before Python has its handlers the signal ends it without a word.
        "SIGTERM to the command": {143: "the same command resumes", -signal.SIGTERM: ""},
        "kill -9 of Caffe's process": {2: "Caffe's process was killed; most often because memory ran out"},
    }[whom]
    if ended.status == 0 or not hit:
        return ""
    wrong = ended.status not in allowed or allowed[ended.status] not in ended.said or "Traceback" in ended.said
    return f"{whom}: status {ended.status}: {ended.said[-600:]}" if wrong else ""


@pytest.fixture(autouse=True)
def _nothing_left(pairs: list[tuple[Place, Commands]]) -> Iterator[None]:
    """Whatever was killed leaves no Caffe behind."""
    yield
    assert not any(_of(place) for place, _ in pairs)


def _of(place: Place) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if (folder / "cwd").readlink().is_relative_to(place.run):
                found.append(int(folder.name))
        except OSError:
            continue
    return found
