"""What the disk may refuse: space, and the right to write; and how what was written is made to stay."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import lmdb

from evolve.errors import UserError

_FULL = (errno.ENOSPC, errno.EDQUOT)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST)


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
        if error.errno in _FULL:
            raise full(path, needed) from None
        if error.errno in _FORBIDDEN:
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
