"""A folder for each class, its name the class's; perhaps in a folder for each split."""

import os
from collections import Counter
from collections.abc import Sequence
from itertools import chain, filterfalse
from pathlib import Path

from evolve.base.counted import counted
from evolve.base.errors import UserError
from evolve.datasets import files_below, split_names
from evolve.datasets.image_file import FORMATS, SUFFIXES
from evolve.datasets.own.pictures import ImageFiles, shown

_READ = ", ".join(FORMATS[:-1]) + f" or {FORMATS[-1]}"
Found = dict[str, dict[str, list[str]]]  # files by split, then by class


def is_image(name: str) -> bool:
    """Whether a file of that name is taken for an image."""
    return name.lower().endswith(SUFFIXES) and not name.startswith(".")


def _kind(name: str) -> str:
    """What is counted of a file that is no image: its ending, else its name; hidden ones are of one kind."""
    return "hidden" if name.startswith(".") else Path(name).suffix.lower() or name


def split_of(name: str) -> str:
    """The split that a folder or list of that name is for; "" if for none."""
    split = split_names.split_of(name)
    return "validation" if split == "val" else split


def find(root: Path, passed_over: list[str]) -> Found:
    """Files by split and class; a folder without splits has train alone. UserError for what cannot be told.

    ``passed_over`` takes a line for whatever is no image.
    """
    if train_of(root) is None:
        return {"train": of_classes(root, passed_over)}
    found = {}
    for each in folders(root):
        split = split_of(each.name)
        if not split:
            passed_over.append(f"{shown(each)}: is beside train and for no split")
        elif split != "train" and not folders(_unwrapped(each)):
            passed_over.append(f"{shown(each)}: has no folder for each class, so nobody knows what its images show")
        elif split in found:
            raise UserError(f"{shown(each)}: expected one folder for {split}, got a second one; take one away")
        else:
            found[split] = of_classes(_unwrapped(each), passed_over)
    return found


def train_of(root: Path) -> Path | None:
    """The folder of what is to be trained on; None where folders are no splits: a class may be called train, too."""
    below = folders(root)
    trains = [each for each in below if split_of(each.name) == "train"]
    if not any(map(folders, trains)) and any(_has_images(each) for each in below if not split_of(each.name)):
        return None
    return _unwrapped(trains[0]) if trains else None


def _unwrapped(split: Path) -> Path:
    """Where a split's classes lie: often in a folder of its own name within it, as zips are packed."""
    within = folders(split)
    return within[0] if [each.name for each in within] == [split.name] else split


def of_classes(root: Path, passed_over: list[str]) -> dict[str, list[str]]:
    """The image files of each class below ``root``, in alphabetical order. UserError for fewer than two classes."""
    loose = [entry.name for entry in os.scandir(root) if entry.is_file()]
    if images := sum(map(is_image, loose)):
        passed_over.append(f"{shown(root)}: {counted(images, 'image is', 'images are')} in no class's folder")
    others = Counter[str](map(_kind, filterfalse(is_image, loose)))
    found = {name: _images(each, others) for name, each in _named(root).items()}
    for name in [name for name, files in found.items() if not files]:
        passed_over.append(f"{shown(root)}/{name}: has no images")
        del found[name]
    if others:
        listed = ", ".join(f"{count} {suffix}" for suffix, count in sorted(others.items()))
        passed_over.append(f"{shown(root)}: files that are no {_READ} by their names: {listed}")
    _check(root, found, images)
    return found


def folders(root: Path) -> list[Path]:
    """The folders in it, in alphabetical order, hidden ones left out. UserError if it cannot be read."""
    try:
        entries = [entry.name for entry in os.scandir(root) if entry.is_dir() and not entry.name.startswith(".")]
    except OSError as error:
        raise UserError(f"{shown(root)}: expected a folder of images, got: {error.strerror}; name another") from None
    return [root / name for name in sorted(entries)]


def _named(root: Path) -> dict[str, Path]:
    """The folders of classes by their names as text. UserError for two that differ in what is no UTF-8 alone."""
    found: dict[str, Path] = {}
    for folder in folders(root):
        if (other := found.setdefault(shown(folder.name), folder)) != folder:
            both = " and ".join(os.fsencode(each.name).decode("utf-8", "backslashreplace") for each in (other, folder))
            raise UserError(f"{shown(root)}: expected names of classes in UTF-8, got {both}; rename these folders")
    return found


def files_of(found: dict[str, list[str]], class_names: Sequence[str]) -> ImageFiles:
    """The files of the classes ``found``, their names as numbers."""
    numbers = {name: number for number, name in enumerate(class_names)}
    numbered = [(file, numbers[name]) for name, files in found.items() for file in files]
    return ImageFiles([file for file, _ in numbered], [label for _, label in numbered])


def _has_images(folder: Path) -> bool:
    return any(map(is_image, chain.from_iterable(names for _, names in files_below.walk(folder))))


def _images(folder: Path, others: Counter[str]) -> list[str]:
    """Image files anywhere in a class's folder; ``others`` counts the rest."""
    found = []
    for place, names in files_below.walk(folder):
        found += [os.path.join(place, name) for name in names if is_image(name)]
        others.update(map(_kind, filterfalse(is_image, names)))
    return found


def _check(root: Path, found: dict[str, list[str]], loose: int) -> None:
    what = "expected a folder for each of two classes or more"
    for name in found:
        if len(name.splitlines()) != 1:
            raise UserError(f"{shown(root)}: {what}, got a name with a line break, {name!r}; rename that folder")
    if len(found) >= 2:
        return
    if loose:
        raise UserError(
            f"{shown(root)}: {what}, got {counted(loose, 'image')} and {len(found)} of those; sort them into "
            "folders, or write a list of lines `path label` and name that"
        )
    got = f"'{next(iter(found))}' alone" if found else "none with images"
    deeper = " (or name the folder below: the classes may be in there)" if found else ""
    raise UserError(f"{shown(root)}: {what}, got {got}; images of each class go into a folder of its name{deeper}")
