"""A text of annotations is as long as a person or a tool writes one; what is longer is something else, and not read."""

import os
from pathlib import Path

from evolve.errors import UserError

LARGEST = 1 << 22  # bytes: a thousand boxes are a few hundred kB


def content(file: Path) -> bytes:
    """What is in it; UserError if that is more than LARGEST. Raises OSError."""
    with open(file, "rb") as opened:
        size = os.fstat(opened.fileno()).st_size
        if size > LARGEST:
            raise UserError(
                f"{file}: expected annotations of at most {LARGEST} bytes, got {size}; replace it with the original "
                "file"
            )
        return opened.read(size)


def text(file: Path) -> str:
    """The same in UTF-8, with lines that end in \\n. Raises OSError or UnicodeDecodeError."""
    return content(file).decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
