"""OUT= is the user's to choose: outside what is committed, and a folder where several files go."""

from pathlib import Path

from evolve.base.errors import UserError
from evolve.runs import paths

_OF_FILES = frozenset(
    ".c .caffemodel .cc .cpp .csv .engine .gz .h .html .jpeg .jpg .json .onnx .pdf .plan .png .prototxt .svg .tar .tgz "
    ".txt .zip".split()
)


def outside_generations(place: Path, folder: Path) -> None:
    """UserError where `place` would be written into a `folder` that is a committed generation, which stays as it is."""
    if (folder / paths.DONE).exists():
        raise UserError(f"{place}: expected a place outside a committed generation; name another OUT=")


def as_folder(out: Path, expected: str = "a folder") -> Path:
    """`out`, which becomes a folder. UserError in a committed generation, and where it is called as files are.

    `expected` says what OUT= may be.
    """
    if out.suffix.lower() in _OF_FILES and not out.is_dir():
        raise UserError(f"OUT={out}: expected {expected}, got the name of another file; name a folder for what is made")
    outside_generations(out, out)
    return out
