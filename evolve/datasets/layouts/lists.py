"""A list names the images of a split, one a line; a name may hold anything, and stands there once."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from evolve.base.errors import UserError, said
from evolve.datasets import annotation_files

# Pascal VOC's lists of one class say behind the name whether the image has it.
_FLAG = re.compile(r"(.*\S)\s+(?:-1|0|1)")


def names(file: Path, known: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
    """Each listed name, and the file and line that list it. UserError for a name twice, or what is no list.

    A line is a name as it is if that is ``known``, else without Pascal VOC's flag behind it, else without the ending of
    an image.
    """
    first: dict[str, int] = {}
    for number, line in enumerate(_lines(file), 1):
        if not line.strip():
            continue
        name, where = _name(line.strip(), known), f"{file}:{number}"
        if name in first:
            raise UserError(
                f"{where}: expected every image once, got '{name}' again, listed in line {first[name]} before; take "
                "one out"
            )
        first[name] = number
        yield name, where


def _lines(file: Path) -> list[str]:
    try:
        return annotation_files.text(file).split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file}: expected a list of images, one a line, got: {said(error)}; write one") from None


def _name(line: str, known: Callable[[str], bool]) -> str:
    flagged = _FLAG.fullmatch(line)
    plain = flagged[1] if flagged else line
    stem, _, _ = plain.rpartition(".")
    return next((name for name in (line, plain, stem) if name and known(name)), plain)
