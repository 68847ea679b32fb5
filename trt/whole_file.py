"""Bytes written so that a reader, or a power cut, sees the old file or the new one."""

import os
from pathlib import Path

from evolve.errors import UserError


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
