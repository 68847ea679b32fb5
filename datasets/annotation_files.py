"""Where a detection set's folder is looked for, and whether its annotations are still those that were read."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from datasets.raw_files import folders
from datasets.source import Unavailable


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
        state.update(f"{file.relative_to(root)} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return state.hexdigest()[:16]
