"""One generation on disk: whole or absent.

It is written into a temporary folder beside its place, synced, listed with its hashes in DONE.json, and renamed.
It exists if and only if DONE.json verifies.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from evolve.base import files
from evolve.base.errors import UserError
from evolve.runs import paths

# A disk with less than this free, bytes, is full: what failed on it failed for want of space.
_FULL = 1 << 16
_NOT_THERE = (FileNotFoundError, NotADirectoryError, IsADirectoryError)


def exists(folder: Path) -> bool:
    """Whether `folder` is a committed generation, every file as it was when it was committed."""
    return not damage(folder)


def committed(run: Path) -> list[int]:
    """Numbers of the generations there, without a gap, generation 1 first; none of what may not be read."""
    number = 0
    # Path.is_file raises PermissionError, and one user's run would hide all others.
    while os.path.isfile(paths.generation(run, number + 1) / paths.DONE):
        number += 1
    return list(range(1, number + 1))


def whole(run: Path, number: int) -> Path:
    """The folder of generation `number` of `run`. UserError unless it is committed, whole as it was written."""
    folder, why = paths.generation(run, number), damage(paths.generation(run, number))
    if why and (folder / paths.DONE).exists():
        raise UserError(f"GEN={number}: {folder}: {why}; the same `make evolve` makes it anew")
    if why:
        there = committed(run)
        expected = f"from 1 to {there[-1]}" if len(there) > 1 else "1" if there else "none yet"
        raise UserError(f"GEN={number}: expected a generation of {run}, {expected}; without GEN= the last is taken")
    return folder


def damage(folder: Path) -> str:
    """What of `folder` is not as it was committed, by name; "" if it is all there, and so a generation.

    OSError where a file is there and cannot be read: a missing right or a failing disk is no damage.
    """
    try:
        written = (folder / paths.DONE).read_bytes()
        listed = json.loads(written)["sha256"]
        if done(listed).encode() != written:
            return f"{paths.DONE} is not as it was written"
        return next((why for name in listed if (why := _damage(folder / name, listed[name]))), "")
    except _NOT_THERE:
        return f"{paths.DONE} is missing"
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return f"{paths.DONE} is not as it was written"


def _damage(path: Path, digest: str) -> str:
    try:
        return "" if sha256(path) == digest else f"{path.name} is not as it was committed"
    except _NOT_THERE:
        return f"{path.name} is missing"


@contextmanager
def writing(folder: Path) -> Iterator[Path]:
    """An empty folder to write the generation into; it becomes `folder` if the block ends well, and is gone if not.

    Of a failed one, the log stays as ``<folder>.failed.log``. UserError when the disk is full.
    """
    unfinished = paths.unfinished(folder)
    if unfinished.exists():
        shutil.rmtree(unfinished)
    with ExitStack() as ending:
        ending.callback(shutil.rmtree, unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        ending.enter_context(_explained(folder, unfinished))
        yield unfinished
        _commit(unfinished, folder)


@contextmanager
def _explained(folder: Path, unfinished: Path) -> Iterator[None]:
    """Says what the disk refused in the block, or keeps the log of what failed and says where."""
    try:
        yield
    except Exception as error:
        # Caffe says a full disk in many ways, and sometimes none.
        if shutil.disk_usage(folder.parent).free < _FULL:
            raise files.no_space(folder) from None
        if told := files.refusal(error, folder):
            raise told from None
        log = unfinished / paths.TRAIN_LOG
        if not log.exists():
            raise
        kept = log.rename(folder.with_name(f"{folder.name}.failed.log"))
        if isinstance(error, UserError):
            raise type(error)(f"{error} (log: {kept})") from error
        raise


def set_aside(folder: Path) -> Path:
    """Moves a folder that is no committed generation out of the way, and returns where to."""
    number = 1
    while (aside := folder.with_name(f"{folder.name}.damaged{number}")).exists():
        number += 1
    folder.rename(aside)
    return aside


def sha256(path: Path) -> str:
    """Hash of a file's bytes, hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def done(digests: dict[str, str]) -> str:
    """What DONE.json says of files with these hashes."""
    return json.dumps({"sha256": digests}, indent=1) + "\n"


def _commit(unfinished: Path, folder: Path) -> None:
    written = sorted(path for path in unfinished.iterdir() if path.is_file())
    for path in written:
        files.sync(path)
    files.write_whole(unfinished / paths.DONE, done({path.name: sha256(path) for path in written}))
    unfinished.rename(folder)
    files.sync(folder.parent)
