"""A detection set's annotations lie in files: where they are looked for, whether they have changed, and their text.

A text of annotations is as long as a person or a tool writes one; what is longer is something else, and not read.
"""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from evolve.base.errors import UserError, said
from evolve.datasets.raw_file import REPLACE, folders
from evolve.datasets.source import Unavailable

LARGEST = 1 << 22  # bytes: a thousand boxes are a few hundred kB


def folder_with(entry: str, subfolder: str, raw: Path) -> Path | None:
    """The first of the folders for raw data that holds ``entry``; None if there is none."""
    return next((folder for folder in folders(subfolder, raw) if os.path.lexists(folder / entry)), None)


def missing(title: str, entry: str, subfolder: str, raw: Path, advice: str) -> Unavailable:
    """That no folder holds ``entry``."""
    looked = ", ".join(map(str, folders(subfolder, raw)))
    return Unavailable(
        f"expected {entry} in one of {looked}, got none; {advice}, and set CAVEFISH_DATA to the folder that holds it, "
        f"or put it into {raw / subfolder}",
        reason=f"{title}'s {entry} was not found",
    )


def state_of(root: Path, files: Iterable[Path]) -> str:
    """A short text that differs as soon as a file's name, size or time of change does; nothing is read."""
    state = hashlib.sha256()
    for file in sorted(files):
        stat = file.stat() if file.exists() else file.lstat()  # a link to nothing is for those who read to complain of
        state.update(os.fsencode(file.relative_to(root)) + f" {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return state.hexdigest()[:16]


def content(file: Path, largest: int = LARGEST) -> bytes:
    """What is in it; UserError if that is more than ``largest`` bytes. Raises OSError."""
    with open(file, "rb") as opened:
        size = os.fstat(opened.fileno()).st_size
        if size > largest:
            raise UserError(f"{file}: expected annotations of at most {largest} bytes, got {size}; {REPLACE}")
        return opened.read(size)


def text(file: Path) -> str:
    """The same in UTF-8, without its byte order mark, lines ended by \\n. Raises OSError or UnicodeDecodeError."""
    return content(file).decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")


def original_text(file: Path) -> str:
    """The same. UserError where it is no text."""
    try:
        return text(file)
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file}: expected a text file, got: {said(error)}; {REPLACE}") from None
