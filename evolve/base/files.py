"""What the disk may refuse: space, and the right to write; and how what was written is made to stay.

What a disk refuses, space, the right to write or its service, in one line that says what to do.

Two processes that want to write the same thing take turns, and the one that waits says so.

A folder is written whole or not at all: beside its place first, then renamed into it.

Bytes written so that a reader, or a power cut, sees the old file or the new one.
"""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import lmdb
from filelock import FileLock, Timeout

from evolve.base.errors import MachineError, UserError
from evolve.base.progress import Report

_FULL = (errno.ENOSPC, errno.EDQUOT)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
_BROKEN = (errno.EIO, errno.ENXIO, errno.ENODEV, errno.ESTALE, errno.ETIMEDOUT)


@contextmanager
def refusals(place: Path) -> Iterator[None]:
    """Turns what the disk of `place` refuses in the block into a MachineError; any other error stays what it is."""
    try:
        yield
    except OSError as error:
        told = refusal(error, place)
        if told is None:
            raise
        raise told from None


def refusal(error: BaseException, place: Path) -> MachineError | None:
    """What the user reads of an OSError at `place`; None if it is no refusal of a disk's."""
    if not isinstance(error, OSError):
        return None
    if error.errno in _FULL:
        return no_space(place)
    where = os.path.abspath(error.filename) if isinstance(error.filename, str) else place
    what = (error.strerror or str(error)).lower()
    if error.errno in _FORBIDDEN:
        return MachineError(
            f"{where}: {what}; nothing committed is lost: give the right to read and write there, and the same "
            "command resumes"
        )
    if error.errno in _BROKEN:
        return MachineError(
            f"{where}: {what}; nothing committed is lost: see to that disk, and the same command resumes"
        )
    return None


def no_space(place: Path) -> MachineError:
    """What the user reads when the disk of `place` is full."""
    return MachineError(
        f"{place}: no space left on the disk; nothing committed is lost: free some, and the same command resumes"
    )


_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_NOT_WRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST)


@contextmanager
def disk_errors(path: Path, needed: int) -> Iterator[None]:
    """Turns a full or forbidden disk into a UserError that names ``path``; ``needed`` is in bytes."""
    try:
        yield
    except lmdb.Error as error:
        # LMDB calls a write that a full disk cut short an I/O error: what is free tells the two apart.
        if isinstance(error, (lmdb.MapFullError, lmdb.DiskError)) or free(path) < needed:
            raise full(path, needed) from None
        raise
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise full(path, needed) from None
        if error.errno in _NOT_WRITABLE:
            raise UserError(
                f"{error.filename or path}: expected a place to write {path.name}, got {error.strerror}; "
                "choose another folder, or give the right to write there"
            ) from None
        raise


def check_space(path: Path, needed: int) -> None:
    """UserError if the file system of ``path``'s folder has less than ``needed`` bytes free."""
    if free(path) < needed:
        raise full(path, needed)


def full(path: Path, needed: int) -> UserError:
    return UserError(
        f"{path}: expected {needed} bytes free, got {free(path)}; make room there, or choose another folder"
    )


def free(path: Path) -> int:
    """Free bytes for a user on the file system that ``path``, or the nearest folder above it, lies on."""
    there = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
    return shutil.disk_usage(there).free


def sync_file(path: Path) -> None:
    """Returns when the file's content is on the disk itself."""
    _sync(path, os.O_RDONLY)


def sync_folder(path: Path) -> None:
    """Returns when the folder's entries (names, renames) are on the disk itself."""
    _sync(path, os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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


def write_bytes(path: Path, data: bytes) -> None:
    """Writes `data` to `path`, whole or not at all. UserError where that fails."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        with open(unfinished, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise UserError(f"{path}: expected to write there, got {error.strerror}; name another OUT=") from None
