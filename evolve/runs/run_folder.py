"""A run's folder is held by one process at a time, made from one set of prototxts, and listed in lineage.csv."""

import csv
import fcntl
import hashlib
import io
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields
from pathlib import Path

from evolve.base import files, progress
from evolve.base.errors import UserError
from evolve.runs import generation, measurements, paths
from evolve.runs.generation import committed
from evolve.runs.measurements import Speed
from evolve.runs.metrics import Figures, Metrics
from evolve.settings import changes

# A process that is killed while it starts another leaves the lock, for some milliseconds, to what was to become that.
_SECONDS = 2.0
_LOCK = ".lock"

_WHERE_MEASURED = ("validation_accuracy",)  # no column of runs without
COLUMNS = ("generation", *(each.name for record in (Figures, Speed) for each in fields(record)))


def name(schedule: str, changed: changes.Changes, seed: int) -> str:
    """A run's own name: what it has otherwise than others of its network, SCHEDULE=, SET= and SEED=."""
    return "-".join(filter(None, (schedule, *sorted(change.name for change in changed), f"seed{seed}")))


def make(run: Path) -> None:
    """Makes the folder of `run` if need be. UserError where a file is in its place; OSError as the disk refuses it."""
    try:
        run.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        taken = next(place for place in (run, *run.parents) if os.path.lexists(place))
        raise UserError(
            f"{taken}: expected a folder for {run.name}, or nothing, got a file; move it away, or name another with "
            "RUN=, or CAVEFISH_RUNS= for all runs"
        ) from None


@contextmanager
def held(run: Path) -> Iterator[None]:
    """This process holds `run` for the block. UserError with the holder's pid if another one does.

    UserError too for whatever the disk refuses, now or in the block.
    """
    # Imported here: reading runs needs no lock.
    from filelock import FileLock, Timeout

    with files.refusals(run):
        make(run)
        holder = run / paths.HOLDER
        lock = FileLock(run / _LOCK)
        try:
            lock.acquire(timeout=_SECONDS)
        except Timeout:
            raise UserError(
                f"{run}: {_named(holder)} is at work on this run; wait for it, or name another with RUN="
            ) from None
        try:
            holder.write_text(f"{os.getpid()}\n")
            yield
        finally:
            # It tells others whom the lock belongs to, and nothing without the lock.
            with suppress(OSError):
                holder.unlink()
            lock.release()


def ask(run: Path, generations: int) -> None:
    """Keeps how many generations a command asks of `run`, which whoever looks at it is told."""
    # No run is worth less on a disk without room for it; what another command asked for is no longer so.
    with suppress(OSError):
        if asked(run) != generations:
            (run / paths.ASKED).unlink(missing_ok=True)
            files.write_whole(run / paths.ASKED, f"{generations}\n")


def asked(run: Path) -> int:
    """How many generations the last command asked of `run`; 0 where that is not known, of runs of earlier releases."""
    try:
        words = (run / paths.ASKED).read_bytes()
    except OSError:
        return 0
    return int(words) if re.fullmatch(rb"[0-9]{1,9}\n", words) else 0


def at_work(run: Path) -> bool:
    """Whether a process holds `run` now: its lock says so. A pid can be a dead process's, or another's by now."""
    try:
        descriptor = os.open(run / _LOCK, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return isinstance(error, BlockingIOError)
    finally:
        os.close(descriptor)
    return False


def _named(holder: Path) -> str:
    """``process 123``; ``another process`` where it has not written its pid yet."""
    try:
        return f"process {int(holder.read_text())}"
    except (OSError, ValueError):
        return "another process"


def same_origin(run: Path, origin: dict[str, str]) -> None:
    """Keeps the prototxts that `run` is made from (name -> text), or compares them with those kept there.

    UserError naming the first line that differs: a lineage has one set of settings. A kept one that is not as it was
    written is written anew; all are where nothing was made of them yet, as of a run that its settings let not begin.
    """
    kept = run / paths.PROTOTXTS
    if not has_begun(run):
        shutil.rmtree(kept, ignore_errors=True)
    hashes = {name: hashlib.sha256(words.encode()).hexdigest() for name, words in origin.items()}
    written = _hashes(kept / paths.DONE)
    for name, words in origin.items():
        path = kept / name
        damaged = path.exists() and written.get(name) == hashes[name] != generation.sha256(path)
        if damaged:
            progress.say(f"{path}: is not as it was written; written anew")
        if damaged or not path.exists():
            kept.mkdir(exist_ok=True)
            files.write_whole(path, words)
            continue
        line = _first_difference(path.read_text(encoding="utf-8", errors="replace"), words)
        if line:
            raise UserError(
                f"{path}:{line}: this run was begun with other text than {name} has now; "
                "take the change back, or begin another run with RUN="
            )
    if written != hashes:
        files.write_whole(kept / paths.DONE, generation.done(hashes))


def has_begun(run: Path) -> bool:
    """Whether something was made of its prototxts, a generation or a snapshot of the first: they are the run's then."""
    return bool(committed(run)) or any((run / paths.snapshots(1)).rglob("state_*"))


def _hashes(done: Path) -> dict[str, str]:
    """What a DONE.json lists; nothing where there is none, or it is damaged."""
    try:
        return dict(json.loads(done.read_bytes())["sha256"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return {}


def write_lineage(run: Path) -> None:
    """Writes lineage.csv from the generations' own metrics and fps.json, a row each, if it is not so already.

    What a generation does not have stays empty: detection has no accuracy, and not every one was timed.
    """
    lineage = run / paths.LINEAGE
    if not lineage.exists() or lineage.read_bytes() != _lineage(run).encode():
        # Made anew at its turn to write: another process may have measured, and written, meanwhile.
        files.write_whole(lineage, lambda: _lineage(run))


def _lineage(run: Path) -> str:
    written, rows = io.StringIO(), table(run)
    columns = [name for name in COLUMNS if name not in _WHERE_MEASURED or any(row[name] for row in rows)]
    writer = csv.DictWriter(written, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue()


def table(run: Path) -> list[dict[str, str]]:
    """The rows of lineage.csv as it is or will be, by its COLUMNS."""
    generations = _committed_metrics(run)
    return [_row(*each) for each in zip(generations, measurements.speeds(run, generations), strict=True)]


def _row(metrics: Metrics, speed: Speed) -> dict[str, str]:
    row = {"generation": metrics.generation} | vars(metrics.figures()) | vars(speed)
    return {name: "" if row[name] is None else str(row[name]) for name in COLUMNS}


def read_lineage(run: Path) -> list[Metrics]:
    """The metrics of every committed generation. UserError where there is none."""
    generations = _committed_metrics(run)
    if not generations:
        raise UserError(f"{run}: expected a run with generations in it, found none; `make evolve` makes one")
    return generations


def _committed_metrics(run: Path) -> list[Metrics]:
    return [Metrics.read(paths.generation(run, number)) for number in committed(run)]


def _first_difference(old: str, new: str) -> int:
    before, now = old.splitlines(), new.splitlines()
    for number, (a, b) in enumerate(zip(before, now, strict=False), start=1):
        if a != b:
            return number
    return 0 if len(before) == len(now) else min(len(before), len(now)) + 1
