"""A data set is a Python file that is found by its name: beside the network first, then among those in datasets/.

The file defines SOURCE. It is no module of an installed package, so that no name of it can be one that others own.
"""

import functools
import hashlib
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType
from typing import Generic, TypeVar

from evolve.base.errors import UserError
from evolve.base.spelling import nearest
from evolve.datasets.detection import DetectionSource
from evolve.datasets.own.source import OwnSource
from evolve.datasets.source import Source, Unavailable

_NAME = re.compile(r"[\w-]+")
_DEFINES = re.compile(rb"^SOURCE\b", re.MULTILINE)
_HINT = "see datasets/README.md"

Known = Source | OwnSource | DetectionSource
S = TypeVar("S", bound=Known, covariant=True)
Narrowed = TypeVar("Narrowed", bound=Known)

_LIKE = 0.7  # of names as short as these; most people's own data sets are like none of them


@dataclass(frozen=True)
class Found(Generic[S]):
    """A data set's file and its SOURCE; ``stem`` is what the folders made from it begin with.

    A file beside a network is the user's own: ``stem`` then tells its every version from the others, and what it
    raises is the user's to mend.
    """

    name: str
    file: Path
    source: S
    is_own: bool
    stem: str

    @property
    def has_boxes(self) -> bool:
        """Whether it is for detection."""
        return isinstance(self.source, DetectionSource)

    def of(self, source: "Narrowed") -> "Found[Narrowed]":
        """This data set with `source` for its own, whose type is known more closely."""
        return Found(self.name, self.file, source, self.is_own, self.stem)

    @contextmanager
    def calling(self, function: str) -> Iterator[None]:
        """What the user's own file raises in ``function`` becomes a UserError with file and line."""
        try:
            yield
        except (UserError, Unavailable, MemoryError):
            raise
        except Exception as error:
            if not self.is_own:
                raise
            raise UserError(f"{_place(self.file, error)}: {function}: {_words(error)}; correct it") from error


def folder() -> Path:
    """The folder of the data sets that come along: the installed copy, or the checkout's datasets/."""
    # In this order: what lies as `datasets` beside an installed evolve is another project's.
    installed = Path(__file__).parent / "sets"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "datasets"


def names(beside: Path | None = None) -> list[str]:
    """The names that ``find`` knows, in alphabetical order."""
    files = (file for folder in _folders(beside) for file in folder.glob("*.py"))
    return sorted({file.stem for file in files if _DEFINES.search(file.read_bytes())})


def find(name: str, beside: Path | None = None) -> Found[Known]:
    """The data set of that name in the folder ``beside``, a network's, or in datasets/.

    Raises UserError, with the nearest known name if there is none, with file and line if the file is wrong.
    """
    file = _file(name, beside)
    content = file.read_bytes()
    is_own = file.parent != folder().resolve()
    version = f"-{hashlib.sha256(content).hexdigest()[:8]}" if is_own else ""
    return Found(name, file, _source(file, _executed(file, content)), is_own, name + version)


def with_classes(name: str, beside: Path | None = None) -> Found[Source | OwnSource]:
    """The data set of that name, if its images have one class each. Raises UserError."""
    found = find(name, beside)
    if isinstance(found.source, Source | OwnSource):
        return found.of(found.source)
    raise UserError(f"data set '{name}': expected images with a class each, got images with boxes; choose another")


def with_boxes(name: str, beside: Path | None = None) -> Found[DetectionSource]:
    """The data set of that name, if its images have boxes. Raises UserError."""
    found = find(name, beside)
    if isinstance(found.source, DetectionSource):
        return found.of(found.source)
    raise UserError(f"data set '{name}': expected images with boxes, got images with a class each; choose another")


def module(name: str, beside: Path | None = None) -> ModuleType:
    """All that the data set's file defines. Raises UserError."""
    file = _file(name, beside)
    return _executed(file, file.read_bytes())


def _folders(beside: Path | None) -> list[Path]:
    return [each.resolve() for each in (beside, folder()) if each]


def _file(name: str, beside: Path | None) -> Path:
    if _NAME.fullmatch(name):
        for each in _folders(beside):
            if (each / f"{name}.py").is_file():
                return each / f"{name}.py"
    known = names(beside)
    near = nearest(name, known, _LIKE)
    own = f", or write {beside / name}.py" if beside and _NAME.fullmatch(name) else ""
    advice = f"write '{near}'" if near else f"choose one of these{own}"
    raise UserError(f"data set '{name}': expected one of {', '.join(known)}; {advice}")


@functools.cache
def _executed(file: Path, content: bytes) -> ModuleType:
    """The module that the file makes; one and the same as long as its content is."""
    # By its path, which nothing else is called; a dataclass looks for the module that it stands in.
    made = sys.modules[str(file)] = ModuleType(str(file))
    made.__file__ = str(file)
    try:
        exec(_compiled(content, file), vars(made))
    except UserError:
        raise
    except SyntaxError as error:  # of a file that this one imports, too
        place = ":".join(str(part) for part in (error.filename or file, error.lineno) if part)
        raise UserError(f"{place}: expected Python, got {error.msg}; correct it") from error
    except Exception as error:
        place = _place(file, error)
        raise UserError(f"{place}: expected a data set's file, got {_words(error)}; correct it") from error
    return made


def _compiled(content: bytes, file: Path) -> CodeType:
    """The file's code. SyntaxError where it is no Python: of a null byte, Python before 3.11.4 has a ValueError."""
    try:
        return compile(content, file, "exec", dont_inherit=True)
    except ValueError as error:
        raise SyntaxError(str(error)) from error


def _source(file: Path, made: ModuleType) -> Known:
    found: object = getattr(made, "SOURCE", None)
    if isinstance(found, Known):
        return found
    got = "none" if found is None else f"one of type {type(found).__name__}"
    raise UserError(f"{file}: expected SOURCE, a Source or DetectionSource of evolve.datasets, got {got}; {_HINT}")


def _place(file: Path, error: Exception) -> str:
    """The file and the last of its lines that the error went through."""
    lines = [entry.lineno for entry in traceback.extract_tb(error.__traceback__) if entry.filename == str(file)]
    return f"{file}:{lines[-1]}" if lines else str(file)


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
