"""Where a folder has its images and its annotations, split by split: by the names that people give such folders.

Below the root lie either a folder a split, with its images and annotations in two folders or in one, or folders of
images and of annotations with a folder a split in each, or nothing is split. Capitals do not matter, nor does a year
behind a split's name.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from evolve.datasets.layouts.images import SUFFIXES, listed

SPLIT = {
    "train": re.compile(r"train(ing)?(\d{4})?"),
    "val": re.compile(r"val(id(ation)?)?(\d{4})?"),
    "test": re.compile(r"test(ing)?(\d{4})?"),
}
IMAGES = ("jpegimages", "images", "image_2", "image", "imgs", "img")


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
    """By split, under "" where there is none; {} for a folder in which no annotations are found."""
    for found in (_split_above(root, kept), _split_below(root, kept)):
        if found:
            return found
    whole = _place(root, kept)
    return {"": whole} if whole else {}


def split_of(name: str) -> str:
    """The split that a folder or file of that name is of; "" for none."""
    return next((split for split, words in SPLIT.items() if words.fullmatch(name.lower())), "")


def below(folder: Path) -> dict[str, Path]:
    """The folders in it, by their names in small letters."""
    try:
        with os.scandir(folder) as entries:
            return {entry.name.lower(): Path(entry.path) for entry in entries if entry.is_dir()}
    except OSError:
        return {}


def _split_above(root: Path, kept: Kept) -> dict[str, Place]:
    """train/images and train/labels, or both in train/."""
    found: dict[str, Place] = {}
    for name, folder in sorted(below(root).items()):
        if (split := split_of(name)) and (place := _place(folder, kept)):
            found.setdefault(split, place)
    return found


def _split_below(root: Path, kept: Kept) -> dict[str, Place]:
    """images/train and labels/train."""
    there, found = below(root), dict[str, Place]()
    for annotations in _named(there, kept.folders):
        for name, folder in sorted(below(annotations).items()):
            images = [below(each).get(name) for each in _named(there, IMAGES)]
            if (split := split_of(name)) and listed(folder, kept.suffix):
                found.setdefault(split, Place(folder, next(filter(None, images), folder)))
    return found


def _place(folder: Path, kept: Kept) -> Place | None:
    there = below(folder)
    annotations = next((each for each in (*_named(there, kept.folders), folder) if listed(each, kept.suffix)), None)
    if annotations is None:
        return None
    candidates = (*_named(there, IMAGES), annotations, folder)
    return Place(annotations, next((each for each in candidates if listed(each, *SUFFIXES)), candidates[0]))


def _named(there: dict[str, Path], names: tuple[str, ...]) -> Iterator[Path]:
    return (there[name] for name in names if name in there)
