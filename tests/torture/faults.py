"""One fault at one event of a run: a kill, half a write, a power cut, or an error of the disk."""

import errno
import os
import signal
from dataclasses import dataclass
from pathlib import Path

from tests.torture.commands import Commands, Ended
from tests.torture.place import Place
from tests.torture.tally import Tally

KILL, TORN, POWER_CUT = "kill -9", "kill -9 in the middle of a write", "power cut, what was not synced lost"
ERRORS = {
    "no space, from there on": errno.ENOSPC,
    "permission denied": errno.EACCES,
    "operation not permitted": errno.EPERM,
    "input/output error": errno.EIO,
}
FAULTS = (KILL, TORN, POWER_CUT, *ERRORS)


@dataclass(frozen=True)
class Event:
    """What was done to a file of the run; `target` is where a rename took it."""

    number: int
    what: str
    path: Path
    target: Path


def events(place: Place, commands: Commands) -> list[Event]:
    """Every open, write, sync, rename and removal of the command that makes generation 3."""
    place.begin(2)
    ended = place.evolve(commands, **_watch(place))
    assert ended.status == 0 and not place.lacking(), ended.said
    return _log(place)


def fits(fault: str, event: Event) -> bool:
    """Whether `fault` can be at `event`."""
    return fault != TORN or event.what == "write"


def strike(place: Place, commands: Commands, fault: str, event: Event, tally: Tally) -> None:
    """One fault at one event while generation 3 is made; then the same command again, undisturbed."""
    place.begin(2)
    action = {KILL: "kill", POWER_CUT: "kill", TORN: "torn"}.get(fault) or str(ERRORS[fault])
    stays = {"TORTURE_STAYS": "1"} if fault.startswith("no space") else {}
    struck = place.evolve(commands, TORTURE_AT=str(event.number), TORTURE_ACTION=action, **stays, **_watch(place))
    if fault == POWER_CUT:
        lose_what_was_not_synced(_log(place)[:-1])
    corrupt = place.corrupt()
    problem = _misspoken(struck, fault) or (corrupt and f"corrupt {corrupt}") or ""
    again = place.evolve(commands)
    lacking = place.lacking()
    if again.status or lacking:
        problem = f"again: status {again.status}, {lacking}: {again.last_line}"
    where = f"event {event.number} ({event.what} {event.path.parent.name}/{event.path.name}): "
    what = fault if fault == TORN else f"{fault}: {event.what}"
    tally.add(what, len(corrupt), again.status == 0, not lacking, problem and where + problem)


def lose_what_was_not_synced(done: list[Event]) -> None:
    """Empties every file that was written and not synced before the power went, wherever it was renamed to since."""
    unsynced: set[Path] = set()
    for event in done:
        if event.what in ("open", "write"):
            unsynced.add(event.path)
        elif event.what == "sync":
            unsynced.discard(event.path)
        elif event.what == "rename":
            unsynced = {_moved(path, event) for path in unsynced}
    for path in unsynced:
        if path.is_file():
            os.truncate(path, 0)


def reads_before_rename(log: Path, path: Path) -> int:
    """How often `path` was opened to be read before its folder got another name."""
    count = 0
    for event in _events(log):
        if event.what == "rename" and event.path == path.parent:
            break
        count += event.what == "read" and event.path == path
    return count


def _moved(path: Path, rename: Event) -> Path:
    return rename.target / path.relative_to(rename.path) if path.is_relative_to(rename.path) else path


def _misspoken(struck: Ended, fault: str) -> str:
    """How the struck command ended otherwise than it should: killed, done all the same, or status 2 and one line."""
    if fault not in ERRORS:
        return "" if struck.status == -signal.SIGKILL else f"status {struck.status}: {struck.last_line}"
    if struck.status == 0:
        return ""
    lines = [line for line in struck.said.splitlines() if line.startswith("cavefish: ")]
    sound = struck.status == 2 and len(lines) == 1 and "the same command resumes" in lines[0]
    return "" if sound and "Traceback" not in struck.said else f"status {struck.status}: {struck.said[-600:]}"


def _watch(place: Place) -> dict[str, str]:
    counter, log = place.folder / "counter", place.folder / "log"
    counter.write_bytes(bytes(8))
    log.unlink(missing_ok=True)
    return {"TORTURE_ROOT": str(place.run), "TORTURE_COUNTER": str(counter), "TORTURE_LOG": str(log)}


def _log(place: Place) -> list[Event]:
    return _events(place.folder / "log")


def _events(log: Path) -> list[Event]:
    rows = (line.split("\t") for line in log.read_text().splitlines())
    return [Event(int(number), what, Path(path), Path(target)) for number, _, what, path, target in rows]
