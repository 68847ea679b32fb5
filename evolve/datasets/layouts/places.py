"""Where a folder has its images and its annotations, split by split: by the names that people give such folders.

Below the root lie either a folder a split, with its images and annotations in two folders or in one, or folders of
images and of annotations with a folder a split in each, or nothing is split. Capitals do not matter.
What CVAT's users put into no split lies in `default`, in place of a split's name.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from evolve.base.errors import UserError
from evolve.datasets.image_file import SUFFIXES
from evolve.datasets.layouts.images import listed
from evolve.datasets.split_names import split_of

T = TypeVar("T")

IMAGES = ("jpegimages", "images", "image_2", "image", "imgs", "img")
UNSPLIT = "default"


@dataclass(frozen=True)
class Place:
    """A folder of annotations and the folder of their images."""

    annotations: Path
    images: Path


@dataclass(frozen=True)
class Kept:
    """How a layout keeps annotations: the ``suffix`` of their files, and how ``folders`` of them are called."""

    suffix: str
    folders: tuple[str, ...]


def places(root: Path, kept: Kept) -> dict[str, Place]:
    """By split, under "" where there is none; {} where no annotations are found. UserError for a split twice.

    Beside a folder to train on, what is in no split is left out.
    """
    for found in (_split_above(root, kept), _split_below(root, kept)):
        if found:
            return {split: place for split, place in found.items() if split or "train" not in found}
    whole = _place(root, kept)
    return {"": whole} if whole else {}


def below(folder: Path) -> dict[str, Path]:
    """The folders in it, by their names in small letters."""
    try:
        with os.scandir(folder) as entries:
            return {entry.name.lower(): Path(entry.path) for entry in entries if entry.is_dir()}
    except OSError:
        return {}


def split_called(name: str) -> str | None:
    """The split that a folder of that name is for, "" for CVAT's of none; None where it is no such folder."""
    return split_of(name) or ("" if name.lower() == UNSPLIT else None)


def once(found: dict[str, T], split: str, value: T, path: Path) -> None:
    """Puts ``value`` into ``found``; UserError, naming its ``path``, where the split has one already."""
    if split in found:
        raise UserError(f"{path}: expected one for {split}, got a second one beside it; take one away")
    found[split] = value


def _split_above(root: Path, kept: Kept) -> dict[str, Place]:
    """train/images and train/labels, or both in train/."""
    found: dict[str, Place] = {}
    for name, folder in sorted(below(root).items()):
        if (split := split_called(name)) is not None and (place := _place(folder, kept)):
            once(found, split, place, folder)
    return found


def _split_below(root: Path, kept: Kept) -> dict[str, Place]:
    """images/train and labels/train."""
    there = below(root)
    for annotations in _named(there, kept.folders):
        found: dict[str, Place] = {}
        for name, folder in sorted(below(annotations).items()):
            images = [below(each).get(name) for each in _named(there, IMAGES)]
            if (split := split_called(name)) is not None and listed(folder, kept.suffix):
                once(found, split, Place(folder, next(filter(None, images), folder)), folder)
        if found:
            return found
    return {}


def _place(folder: Path, kept: Kept) -> Place | None:
    there = below(folder)
    annotations = next((each for each in (*_named(there, kept.folders), folder) if listed(each, kept.suffix)), None)
    if annotations is None:
        return None
    candidates = (*_named(there, IMAGES), annotations, folder)
    return Place(annotations, next((each for each in candidates if listed(each, *SUFFIXES)), candidates[0]))


def _named(there: dict[str, Path], names: tuple[str, ...]) -> Iterator[Path]:
    return (there[name] for name in names if name in there)
