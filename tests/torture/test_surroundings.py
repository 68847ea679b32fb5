"""A run whose folder moves, whose clock is wrong, which two want at once, or whose last holder left its pid behind."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tests.torture.commands import Commands, Ended
from tests.torture.place import WORDS, Place
from tests.torture.tally import Tally

_TEN_YEARS = 315_360_000


def test_surroundings(tried: Callable[..., None]) -> None:
    tried("surroundings", list(_TRIALS), _one)


def _one(place: Place, commands: Commands, name: str, tally: Tally) -> None:
    _TRIALS[name](name, place, commands, tally)


def _run_renamed(name: str, place: Place, commands: Commands, tally: Tally) -> None:
    _killed_in_generation_2(place, commands)
    renamed = place.run.with_name("another-name")
    shutil.rmtree(renamed, ignore_errors=True)
    place.run.rename(renamed)
    _count(name, place, commands.run(place.folder, *WORDS, "RUN=another-name"), tally, renamed)


def _all_moved(name: str, place: Place, commands: Commands, tally: Tally) -> None:
    """The folder with the network, the run and the way to the data."""
    _killed_in_generation_2(place, commands)
    moved = replace(place, folder=place.folder.with_name(f"{place.folder.name}-moved"))
    shutil.copytree(place.folder, moved.folder, symlinks=True)
    shutil.rmtree(place.run)
    _count(name, moved, moved.evolve(commands), tally)


def _clock_set_back(name: str, place: Place, commands: Commands, tally: Tally) -> None:
    _killed_in_generation_2(place, commands)
    _count(name, place, place.evolve(commands, TORTURE_CLOCK=str(-_TEN_YEARS)), tally)


def _clock_backwards(name: str, place: Place, commands: Commands, tally: Tally) -> None:
    place.begin(0)
    _count(name, place, place.evolve(commands, TORTURE_CLOCK="backwards"), tally)


def _files_of_the_future(name: str, place: Place, commands: Commands, tally: Tally) -> None:
    _killed_in_generation_2(place, commands)
    for path in (place.run, *place.run.rglob("*")):
        os.utime(path, (time.time() + _TEN_YEARS, time.time() + _TEN_YEARS))
    _count(name, place, place.evolve(commands), tally)


def _two_at_once(name: str, place: Place, commands: Commands, tally: Tally) -> None:
    """The second is told whose the run is; the first, which it does not disturb, is let go on."""
    place.begin(1)
    first = place.start(commands)
    first.wait_for(place.run / ".gen002.unfinished")
    first.kill(signal.SIGSTOP)
    with Commands(forked=False) as others:
        second = place.evolve(others)
    first.kill(signal.SIGCONT)
    told = f"cavefish: {place.run}: process {first.pid} is at work on this run; wait for it, or name another with RUN="
    refused = (second.status, second.last_line) == (2, told)
    _count(name, place, first.ended(), tally, wrong="" if refused else second.said)


def _stale_holder(words: Callable[[], str]) -> Callable[[str, Place, Commands, Tally], None]:
    def trial(name: str, place: Place, commands: Commands, tally: Tally) -> None:
        _killed_in_generation_2(place, commands)
        (place.run / ".holder").write_text(words())
        _count(name, place, place.evolve(commands), tally)

    return trial


def _dead_pid() -> str:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    return f"{gone.pid}\n"


def _killed_in_generation_2(place: Place, commands: Commands) -> None:
    place.begin(1)
    running = place.start(commands)
    running.wait_for(place.run / ".gen002.unfinished" / "train.log")
    running.kill()
    assert running.ended().status == -signal.SIGKILL


def _count(name: str, place: Place, ended: Ended, tally: Tally, run: Path | None = None, wrong: str = "") -> None:
    corrupt, lacking = place.corrupt(run), place.lacking(run)
    problem = f"status {ended.status}, {lacking}: {ended.last_line}" if ended.status or lacking else wrong
    tally.add(name, len(corrupt), ended.status == 0, not lacking, problem)


_TRIALS: dict[str, Callable[[str, Place, Commands, Tally], None]] = {
    "run folder renamed": _run_renamed,
    "everything moved": _all_moved,
    "clock set back ten years": _clock_set_back,
    "clock that runs backwards": _clock_backwards,
    "files from ten years ahead": _files_of_the_future,
    "two processes at once": _two_at_once,
    "lock and holder of a dead process": _stale_holder(_dead_pid),
    "holder whose pid another process has": _stale_holder(lambda: f"{os.getpid()}\n"),
    "holder without a pid": _stale_holder(lambda: ""),
    "holder that is no pid": _stale_holder(lambda: "\0\xff"),
}
