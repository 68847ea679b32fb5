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

# The first words of a prototxt that `make fold` or `make shrink` made, "from" which one follows.
FOLDED, SHRUNK = "folded", "shrunk"


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


def for_pair(out: Path, model: Path, caffemodel: Path, prototxt: str) -> None:
    """UserError where `out` is no folder for what is made of a pair: `prototxt` and a caffemodel of the same name.

    That is the pair's own folder, and one where a file of somebody else's would be overwritten.
    """
    if out.resolve() in (model.resolve().parent, caffemodel.resolve().parent):
        raise UserError(f"OUT={out}: expected another folder than that of MODEL and WEIGHTS, which stay as they are")
    as_folder(out, "a folder for both files")
    along = [name for name in (paths.LABELS, paths.MEAN) if model.with_name(name).is_file()]
    there = next((name for name in (prototxt, caffemodel.name, *along) if (out / name).exists()), None)
    if there and not _is_of_pair(out / prototxt):
        raise UserError(
            f"OUT={out}: expected a folder without {there}, or one that `make fold` or `make shrink` filled, got "
            "another; name another OUT="
        )


def _is_of_pair(prototxt: Path) -> bool:
    try:
        with open(prototxt, "rb") as file:
            return file.readline().startswith(tuple(f"# {made} from ".encode() for made in (FOLDED, SHRUNK)))
    except OSError:
        return False


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
