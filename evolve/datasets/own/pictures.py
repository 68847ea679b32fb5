"""Images with a class each that lie somewhere, still to be read: a split of them, and all that are listed."""

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from evolve.base.errors import UserError
from evolve.datasets import image_file
from evolve.datasets.image_form import Facts, Form

SHOWN = 50  # complaints of one kind; more than fit on a screen help nobody
_BEGINNING = 4096  # bytes
_LOOKED_AT = 256  # images whose form decides whether all are grey


class Pictures(Protocol):
    """Images numbered from 0, ``labels`` (N,) the class of each."""

    labels: NDArray[np.int64]

    def name(self, number: int) -> str:
        """How a message calls an image."""
        ...

    def read(self, number: int, wanted: Form) -> tuple[NDArray[np.uint8], Facts]:
        """(H, W, 3), blue first, or (H, W) for grey, and what it was before. UserError if it cannot be read."""
        ...

    def alike(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Of each image the first one of ``numbers`` that has the same content."""
        ...


@dataclass(frozen=True)
class Listing:
    """What is there: ``splits`` are train and perhaps validation and test, ``class_names`` those of the labels 0, 1 ...

    ``shape`` is (channels, height, width) where every image has it already, else only its channels are known. ``state``
    is a short text that differs as soon as a file does. ``passed_over`` says, a line each, what was not taken for an
    image. ``advice`` is "" or what else the user should know.
    """

    class_names: tuple[str, ...]
    splits: dict[str, Pictures]
    shape: tuple[int, int, int]
    state: str
    passed_over: tuple[str, ...] = ()
    databases: dict[str, Path] = field(default_factory=dict)  # of splits that Caffe can read as they are
    advice: str = ""


class ImageFiles:
    """Image files; ``places`` says of each which line of a list names it."""

    def __init__(self, files: Sequence[str], labels: Sequence[int], places: Sequence[str] = ()) -> None:
        self.files, self.labels, self._places = files, np.array(labels, np.int64), places

    def name(self, number: int) -> str:
        return shown(self.files[number])

    def read(self, number: int, wanted: Form) -> tuple[NDArray[np.uint8], Facts]:
        where = self._places[number] if self._places else self.name(number)
        return image_file.read_with_facts(self.files[number], where, wanted)

    def alike(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Only files of one size are read for it, and whole ones only where they begin alike."""
        files = [self.files[number] for number in numbers]
        keys: list[object] = [_size(file) for file in files]
        for read in (_beginning, _digest):
            counts = Counter(keys)
            keys = [(key, read(file)) if counts[key] > 1 else key for key, file in zip(keys, files, strict=True)]
        first: dict[object, int] = {}
        return np.array([first.setdefault(key, number) for key, number in zip(keys, numbers, strict=True)], np.int64)


def _size(file: str) -> int:
    try:
        return os.stat(file).st_size
    except OSError:
        return -1


def _beginning(file: str) -> bytes:
    try:
        with open(file, "rb") as opened:
            return hashlib.sha256(opened.read(_BEGINNING)).digest()
    except OSError:
        return b""


def _digest(file: str) -> object:
    try:
        with open(file, "rb") as opened:
            return hashlib.file_digest(opened, "sha256").digest()
    except OSError:
        return file  # whoever reads it says why it cannot be read


def channels(splits: Iterable[ImageFiles]) -> int:
    """1 if none of some images has colours, as far as their first bytes tell, else 3."""
    for files in splits:
        few = np.unique(np.linspace(0, len(files.files) - 1, _LOOKED_AT).astype(int)) if len(files.files) else ()
        if any(image_file.seems_grey(Path(files.files[number])) is False for number in few):
            return 3
    return 1


def state_of(files: Iterable[str]) -> str:
    """A short text that differs as soon as a file's name, size or time of change does; nothing is read."""
    state = hashlib.sha256()
    for file in files:
        try:
            stat = os.stat(file)
            state.update(f"{stat.st_size} {stat.st_mtime_ns} ".encode() + os.fsencode(file) + b"\n")
        except OSError:
            state.update(b"none " + os.fsencode(file) + b"\n")
    return state.hexdigest()[:16]


def shown(path: str | Path) -> str:
    """A path as text; what in it is no UTF-8 as a question mark."""
    return os.fsencode(path).decode("utf-8", "replace")


def raise_all(problems: Sequence[str], advice: str = "") -> None:
    """One UserError of all ``problems``, SHOWN of them in full; nothing if there are none."""
    if problems:
        rest = len(problems) - SHOWN
        more = f"and {rest} more" if rest > 0 else ""
        raise UserError("\n".join([*problems[:SHOWN], *filter(None, (more, advice))]))
