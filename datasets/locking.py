"""Two processes that want to write the same thing take turns, and the one that waits says so."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from datasets.source import Report

SAY_AGAIN = 30.0  # seconds


@contextmanager
def locked(path: Path, doing: str, report: Report) -> Iterator[None]:
    """Holds the lock ``.<name>.lock`` next to ``path``; a process that dies loses it by itself."""
    lock = FileLock(path.with_name(f".{path.name}.lock"))
    patience = 0.0
    while True:
        try:
            lock.acquire(timeout=patience)
            break
        except Timeout:
            report(f"{path}: another process is {doing}; waiting for it (its lock is {lock.lock_file})")
            patience = SAY_AGAIN
    try:
        yield
    finally:
        lock.release()
