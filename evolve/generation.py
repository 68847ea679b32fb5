"""One generation on disk: whole or absent.

It is written into a temporary folder beside its place, synced, listed with its hashes in DONE.json, and renamed.
It exists if and only if DONE.json verifies.
"""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from evolve import paths
from evolve.errors import MachineError, UserError

# A disk with less than this free, bytes, is full: what failed on it failed for want of space.
_FULL = 1 << 16


def exists(folder: Path) -> bool:
    """Whether `folder` is a committed generation, every file as it was when it was committed."""
    try:
        listed = json.loads((folder / paths.DONE).read_text())["sha256"]
        return all(sha256(folder / name) == digest for name, digest in listed.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


@contextmanager
def writing(folder: Path) -> Iterator[Path]:
    """An empty folder to write the generation into; it becomes `folder` if the block ends well, and is gone if not.

    Of a failed one, the log stays as ``<folder>.failed.log``. UserError when the disk is full.
    """
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        yield unfinished
        _commit(unfinished, folder)
    except Exception as error:
        # Caffe says a full disk in many ways, and sometimes none.
        if is_full(error) or shutil.disk_usage(unfinished).free < _FULL:
            raise no_space(folder) from None
        log = unfinished / paths.TRAIN_LOG
        if not log.exists():
            raise
        kept = log.rename(folder.with_name(f"{folder.name}.failed.log"))
        if isinstance(error, UserError):
            raise UserError(f"{error} (log: {kept})") from error
        raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def is_full(error: Exception) -> bool:
    """Whether it says that the disk, or the user's part of it, is full."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def no_space(folder: Path) -> MachineError:
    """What the user reads when the disk of `folder` is full."""
    return MachineError(
        f"{folder}: no space left on the disk; nothing committed is lost: free some, and the same command resumes"
    )


def set_aside(folder: Path) -> Path:
    """Moves a folder that is no committed generation out of the way, and returns where to."""
    number = 1
    while (aside := folder.with_name(f"{folder.name}.damaged{number}")).exists():
        number += 1
    folder.rename(aside)
    return aside


def metrics(folder: Path) -> dict[str, Any]:
    """The metrics.json of a committed generation."""
    return dict(json.loads((folder / paths.METRICS).read_text()))


def sha256(path: Path) -> str:
    """Hash of a file's bytes, hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_whole(path: Path, content: str) -> None:
    """Writes a text file so that a reader, or a power cut, sees the old one or the new one."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        with open(unfinished, "w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
    except OSError:
        # Half of a page is nothing, and on a full disk takes the room of what is needed more.
        with suppress(OSError):
            unfinished.unlink()
        raise
    _sync(path.parent)


def _commit(unfinished: Path, folder: Path) -> None:
    files = sorted(path for path in unfinished.iterdir() if path.is_file())
    for path in files:
        _sync(path)
    done = {"sha256": {path.name: sha256(path) for path in files}}
    write_whole(unfinished / paths.DONE, json.dumps(done, indent=1) + "\n")
    unfinished.rename(folder)
    _sync(folder.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
