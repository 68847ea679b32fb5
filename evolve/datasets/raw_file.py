"""Raw files are looked for in $CAVEFISH_DATA, then in data/raw, and believed only if their md5 is right."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from evolve.base.errors import UserError

REPLACE = "replace it with the original file"
ANEW = f"remove it to have it downloaded, or {REPLACE}"


@dataclass(frozen=True)
class RawFile:
    """A file as its authors published it: its name, md5 and size in bytes."""

    name: str
    md5: str
    size: int


def folders(subfolder: str, raw: Path) -> list[Path]:
    """Where raw files are looked for, in order: each folder itself, then its subfolder of that name.

    UserError where $CAVEFISH_DATA is no folder: a letter too much there, and another data set would stand in.
    """
    own = os.environ.get("CAVEFISH_DATA", "")
    if own and not os.path.isdir(own):
        raise UserError(f"CAVEFISH_DATA={own}: expected a folder of raw data, got none; name another, or unset it")
    roots = [Path(own).absolute(), raw] if own else [raw]
    return [folder for root in roots for folder in (root, root / subfolder)]


def find(name: str, subfolder: str, raw: Path) -> Path | None:
    """The first file of that name in ``folders``, right or wrong; None if there is none."""
    candidates = (folder / name for folder in folders(subfolder, raw))
    return next((path for path in candidates if os.path.lexists(path)), None)


def checked_bytes(path: Path, file: RawFile) -> bytes:
    """The file's content; UserError with both md5 and the size if it is not what it should be.

    The content is read once and that very content is checked: nothing can change in between.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"{path}: expected a file that can be read, got {error.strerror}; make it readable or remove it"
        ) from None
    return checked(path, content, file)


def checked(path: Path, content: bytes, file: RawFile) -> bytes:
    """``content``, which was read from ``path``; UserError as ``checked_bytes`` if it is another."""
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != file.md5:
        raise UserError(
            f"{path}: expected md5 {file.md5} ({file.size} bytes), got {found} ({len(content)} bytes); {ANEW}"
        )
    return content


def wrong(path: Path, expected: str, got: str) -> UserError:
    """That a file is not as its authors published it."""
    return UserError(f"{path}: expected {expected}, got {got}; {REPLACE}")
