"""What a disk refuses, space, the right to write or its service, in one line that says what to do."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evolve.errors import MachineError

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
