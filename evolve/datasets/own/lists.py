"""A list says of each image which class it has: lines `path label`, as Caffe's ImageData layer has them, or a CSV.

Labels are whole numbers from 0, or names. A path is seen from the folder of the images, or from the list's own.
"""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from evolve.base.errors import UserError, said
from evolve.datasets.file_names import Finder, composed
from evolve.datasets.image_file import SUFFIXES
from evolve.datasets.own.class_folders import split_of
from evolve.datasets.own.pictures import ImageFiles, raise_all, shown

# What people call the columns.
_PATHS = (
    *("path", "file", "filename", "file_name", "filepath", "file_path"),
    *("image", "image_path", "image_name", "image_id", "img", "id", "name"),
)
_LABELS = ("label", "class", "category", "target", "class_name", "class_id", "label_name", "labels", "species", "breed")
_PARTS = ("split", "set", "subset", "partition")
_NAMES = ("labels.txt", "synset_words.txt", "classes.txt")  # beside a list: what its numbers stand for, a line each


@dataclass(frozen=True)
class Row:
    """An image's path as it is written, its label, the split that a CSV says or "", and the line."""

    path: str
    label: str
    split: str
    line: int


def rows(file: Path) -> list[Row]:
    """Every image that the list names. UserError with file and line for what is no list."""
    try:
        with open(file, encoding="utf-8-sig", newline=None) as opened:
            found = list(_of_csv(file, opened) if _is_csv(file) else _of_lines(file, opened))
    except OSError as error:
        raise UserError(f"{shown(file)}: expected a list of images, got: {error.strerror}; name another") from None
    except UnicodeDecodeError as error:
        got = f"byte {error.object[error.start]:#x}"
        do = "name the folder of the images" if file.suffix.lower() in SUFFIXES else "save it as that"
        raise UserError(f"{shown(file)}: expected a list in UTF-8, got {got}; {do}") from None
    except csv.Error as error:
        raise UserError(f"{shown(file)}: expected a CSV, got: {error}; save it as one") from None
    if not found:
        raise UserError(f"{shown(file)}: expected lines `path label`, got none; name another list")
    for row in found:
        _check_line(file, row)
    return found


def _check_line(file: Path, row: Row) -> None:
    """A name of several lines would be several in labels.txt, and in what is said of it."""
    for what, words in (("path", row.path), ("label", row.label)):
        if len(words.splitlines()) != 1:
            raise UserError(f"{shown(file)}:{row.line}: expected a {what} of one line, got {words!r:.80}; correct it")


def _is_csv(file: Path) -> bool:
    if file.suffix.lower() in (".csv", ".tsv"):
        return True
    with open(file, encoding="utf-8-sig", newline=None) as opened:
        first = next((line for line in opened if line.strip()), "")
    return len(first.split()) < 2 and "," in first


def _of_lines(file: Path, lines: Iterator[str]) -> Iterator[Row]:
    for number, line in enumerate(lines, 1):
        words = line.strip().rsplit(None, 1)
        if len(words) == 1:
            got = words[0][:80]
            raise UserError(f"{shown(file)}:{number}: expected a path and a label, got '{got}'; add the label")
        if words:
            yield Row(words[0], words[1], "", number)


def _of_csv(file: Path, lines: Iterator[str]) -> Iterator[Row]:
    head = next((line for line in lines if line.strip()), "")
    between = max(",;\t", key=head.count)
    first = next(csv.reader([head], delimiter=between), [])
    rows = csv.reader(lines, delimiter=between)
    second = next(rows, [])
    columns = _columns(file, first, second)
    if columns is None:
        columns = (0, 1, 2 if len(first) > 2 and split_of(first[2].strip()) else None)
        yield from _row(file, first, columns, 1)
    for number, cells in enumerate(chain([second], rows), 2):
        yield from _row(file, cells, columns, number)


Columns = tuple[int, int, int | None]


def _columns(file: Path, first: Sequence[str], second: Sequence[str]) -> Columns | None:
    """Where path, label and split stand, by the words of a head, the `first` row; None where there is no head."""
    words = ["_".join(cell.lower().split()) for cell in first]
    path, label, part = (
        next((words.index(name) for name in names if name in words), None) for names in (_PATHS, _LABELS, _PARTS)
    )
    if path is not None and label is not None:
        return path, label, part
    if len(words) >= 2 and path is None and label is None and words[0].endswith(SUFFIXES):
        return None
    got = ", ".join(first)[:80] or "none"
    marks = [cell.strip() for number, cell in enumerate(second) if number not in (path, part)]
    if path is not None and len(marks) > 1 and set(marks) <= {"0", "1", "0.0", "1.0"}:
        raise UserError(
            f"{shown(file)}:1: expected a column `label`, got 0 or 1 in a column for each of {len(marks)} classes "
            f"(one-hot), {got}; write the name of the one that has the 1 into a column `label`"
        )
    raise UserError(f"{shown(file)}:1: expected a column `path` and a column `label`, got {got}; name them so")


def _row(file: Path, cells: Sequence[str], columns: Columns, number: int) -> Iterator[Row]:
    if not any(cell.strip() for cell in cells):
        return
    path, label, part = columns
    if len(cells) <= max(path, label, part or 0) or not cells[path].strip() or not cells[label].strip():
        got = ",".join(cells)[:80]
        raise UserError(f"{shown(file)}:{number}: expected a path and a label, got '{got}'; complete it")
    split = cells[part].strip() if part is not None else ""
    if split and not split_of(split):
        raise UserError(f"{shown(file)}:{number}: expected train, val or test, got '{split}'; correct it")
    yield Row(cells[path].strip(), cells[label].strip(), split_of(split), number)


def classes(found: Sequence[tuple[Path, Sequence[Row]]], folder: Path) -> tuple[tuple[str, ...], dict[str, int]]:
    """Names of the classes 0, 1 ..., and which class a label means.

    Labels that are names are classes in alphabetical order; numbers are called as a file of names beside lists says.
    """
    labels = {row.label for _, each in found for row in each}
    if not all(label.isdecimal() and len(label) < 10 for label in labels):
        spelt = {composed(label): label for label in sorted(labels, reverse=True)}
        names = tuple(sorted(spelt.values()))
        numbers = {name: number for number, name in enumerate(names)}
        return names, {label: numbers[spelt[composed(label)]] for label in labels}
    numbers = {label: int(label) for label in labels}
    return named(beside(folder, (file for file, _ in found)), max(numbers.values()) + 1), numbers


def beside(folder: Path, found: Iterable[Path]) -> list[Path]:
    """Where the names of the classes may lie: in the images' folder, and beside the lists ``found``."""
    return list(dict.fromkeys((folder, *(file.parent for file in found))))


def named(places: Iterable[Path], count: int) -> tuple[str, ...]:
    """Names for so many classes, from a file of names in the first of ``places`` that has one; else their numbers."""
    file = next(iter(names_files(places)), None)
    return names_in(file, count) if file else numbered(count)


def names_files(places: Iterable[Path]) -> list[Path]:
    """The files of names in ``places``; the first one is the one that is read."""
    return [file for place in places for file in (place / name for name in _NAMES) if file.is_file()]


def numbered(count: int) -> tuple[str, ...]:
    """Names for classes that nobody named. UserError for more than anybody has."""
    if count > 1_000_000:
        raise UserError(f"expected labels from 0 up to as many as there are classes, got {count - 1}; number them so")
    return tuple(map(str, range(count)))


def names_in(file: Path, count: int) -> tuple[str, ...]:
    """A file's names for ``count`` classes or more, a line each, no two alike.

    Of WordNet's lines the first name, without the number before it, unless another class has it too: there is a bird
    called crane, and a machine.
    """
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{shown(file)}: expected a line for each class, got: {said(error)}; correct it") from None
    names = [" ".join(line.split()) for line in lines]
    while names and not names[-1]:
        names.pop()
    if len(names) < count:
        raise UserError(f"{shown(file)}: expected a line for each of {count} classes, got {len(names)}; add the others")
    if file.name == "synset_words.txt":
        first = [name.partition(" ")[2].split(",")[0] or name for name in names]
        twice = _twice(first)
        names = [whole if name in twice else name for name, whole in zip(first, names, strict=True)]
    names = [name or str(number) for number, name in enumerate(names)]
    while twice := _twice(names):
        names = [f"{name} ({number})" if name in twice else name for number, name in enumerate(names)]
    return tuple(names)


def _twice(names: Sequence[str]) -> set[str]:
    return {name for name, count in Counter(names).items() if count > 1}


def files_of(file: Path, found: Sequence[Row], folder: Path, numbers: Mapping[str, int]) -> ImageFiles:
    """The images of some rows, each once. UserError naming every one that is not there, or has two classes."""
    roots = folder, file.parent
    places = list(dict.fromkeys((*roots, *(root / name for root in roots for name in (file.stem, "images")))))
    seen: dict[str, Row] = {}
    problems, finder = [], Finder()
    for row in found:
        where, path = f"{shown(file)}:{row.line}", _there(row.path, places, finder)
        if path is None:
            got = f"got no such file in {shown(places[0])}"
            problems.append(f"{where}: expected an image {row.path}, {got}; bring it, or take the line out")
        elif (before := seen.setdefault(path, row)).label != row.label:
            wanted = f"'{before.label}' as in line {before.line}"
            problems.append(f"{where}: expected {row.path} to be {wanted}, got '{row.label}'; keep one of the lines")
    raise_all(problems)
    labels = [numbers[row.label] for row in seen.values()]
    return ImageFiles(list(seen), labels, [f"{shown(file)}:{row.line}" for row in seen.values()])


def _there(path: str, places: Sequence[Path], finder: Finder) -> str | None:
    """The file in the first of ``places``; a name without its ending gets one."""
    for written in dict.fromkeys((path, path.replace("\\", "/"))):
        for suffix in ("", *SUFFIXES):
            for place in places:
                # convert_imageset sets the root folder before a path that begins with a slash, too.
                for each in dict.fromkeys((written, written.lstrip("/"))):
                    if file := finder.find(place, each + suffix):
                        return file
    return None
