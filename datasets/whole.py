"""A folder is written whole or not at all: beside its place first, then renamed into it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from datasets.disk import disk_errors, sync_folder
from datasets.locking import locked
from datasets.source import Report


@contextmanager
def turn(folder: Path, report: Report) -> Iterator[None]:
    """This process's turn to make ``folder``; UserError if nothing can be written there."""
    with ExitStack() as held:
        with disk_errors(folder, 1):
            folder.parent.mkdir(parents=True, exist_ok=True)
            held.enter_context(locked(folder, "preparing it", report))
        yield


@contextmanager
def replacing(folder: Path, report: Report, why: str = "is not as its DONE.json says") -> Iterator[Path]:
    """An empty folder beside ``folder`` that takes its place if the block ends well, and is gone if not.

    ``why`` is what is said of a folder that is there already.

    The caller holds the lock, so whatever lies there from earlier belongs to a process that has died.
    """
    for stale in folder.parent.glob(f".{folder.name}.unfinished-*"):
        report(f"{stale}: left behind by a process that died; removed")
        shutil.rmtree(stale)
    unfinished = folder.with_name(f".{folder.name}.unfinished-{os.getpid()}")
    broken = folder.with_name(f"{unfinished.name}-broken")
    unfinished.mkdir()
    try:
        yield unfinished
        sync_folder(unfinished)
        if os.path.lexists(folder):
            report(f"{folder}: {why}; made anew")
            folder.rename(broken)
        unfinished.rename(folder)
        sync_folder(folder.parent)
    finally:
        for leftover in (unfinished, broken):
            shutil.rmtree(leftover, ignore_errors=True)
