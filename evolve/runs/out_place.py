"""OUT= is the user's to choose: outside what is committed, a folder where several files go, and there if they are."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evolve.base import files
from evolve.base.errors import UserError
from evolve.runs import paths

_OF_FILES = frozenset(
    ".c .caffemodel .cc .cpp .csv .engine .gz .h .html .jpeg .jpg .json .onnx .pdf .plan .png .prototxt .svg .tar .tgz "
    ".txt .zip".split()
)


def outside_generations(place: Path, folder: Path) -> None:
    """UserError where `place` would be written into a `folder` in a committed generation, which stays as it is."""
    there = Path(os.path.abspath(folder))
    if any(os.path.exists(each / paths.DONE) for each in (there, *there.parents)):
        raise UserError(f"{place}: expected a place outside a committed generation; name another OUT=")


def as_folder(out: Path, expected: str = "a folder") -> Path:
    """`out`, which becomes a folder. UserError in a committed generation, and where it is called as files are.

    `expected` says what OUT= may be.
    """
    if out.suffix.lower() in _OF_FILES and not out.is_dir():
        raise UserError(f"OUT={out}: expected {expected}, got the name of another file; name a folder for what is made")
    outside_generations(out, out)
    return out


@contextmanager
def filled(out: Path) -> Iterator[Path]:
    """A folder in `out`, made if need be, to write in; where that fails, an `out` that was not there is gone again."""
    is_new = not out.exists()
    with files.named_by_out(out):
        out.mkdir(parents=True, exist_ok=True)
        try:
            with tempfile.TemporaryDirectory(dir=out) as name:
                yield Path(name)
        except BaseException:
            if is_new:
                shutil.rmtree(out, ignore_errors=True)
            raise
