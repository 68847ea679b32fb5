"""YOLO's labels say a class by its number; a file beside them says the names: a data.yaml, or a line a name."""

import re
from collections.abc import Iterator
from pathlib import Path

import yaml

from evolve.base.errors import UserError, said
from evolve.datasets import annotation_files
from evolve.datasets.layouts.images import listed

_KEY = re.compile(rb"^\s*[\"']?names[\"']?\s*:", re.MULTILINE)
_SEARCHED = 1 << 16  # bytes
LINES = ("classes.txt", "obj.names", "names.txt", "_darknet.labels")


def file_of(*folders: Path) -> Path | None:
    """The first file of names in those folders; None where there is none."""
    return next((file for folder in folders for file in _candidates(folder)), None)


def read(file: Path) -> list[str]:
    """The names in the order of their numbers, from 0. UserError."""
    try:
        text = annotation_files.text(file)
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file}: expected the names of classes, got: {said(error)}; write them, a line each") from None
    if file.suffix.lower() in (".yaml", ".yml"):
        return _of_yaml(file, text)
    return _checked(file, [line.strip() for line in text.strip().split("\n")])


def is_names(file: Path) -> bool:
    """Whether a text file holds names rather than labels."""
    return file.name.lower() in LINES


def _candidates(folder: Path) -> Iterator[Path]:
    yield from (file for file in listed(folder, ".yaml", ".yml") if _KEY.search(file.read_bytes()[:_SEARCHED]))
    yield from (folder / name for name in LINES if (folder / name).is_file())
    yield from listed(folder, ".names")


def _of_yaml(file: Path, text: str) -> list[str]:
    try:
        # Plain text, all of it: to YAML `no` is false and 1_0 is ten.
        whole = yaml.load(text, Loader=yaml.BaseLoader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise UserError(f"{file}: expected YAML, got: {' '.join(str(error).split())}; correct it") from None
    names = whole.get("names") if isinstance(whole, dict) else None
    if isinstance(names, dict):
        names = [names.get(str(number)) for number in range(len(names))]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise UserError(f"{file}: expected names: a list, or numbers from 0 with a name each; correct it")
    return _checked(file, names)


def _checked(file: Path, names: list[str]) -> list[str]:
    for number, name in enumerate(names):
        if not name or name in names[:number]:
            raise UserError(f"{file}: expected every class once, got '{name}' as number {number}; correct it")
    return names
