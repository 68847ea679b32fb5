"""Photographs that nobody split are split by their names: the same image is always on the same side.

Whatever else is in the folder and whatever seed a run has, so that no network is scored on what another one, whose
weights it starts from, has learned. Copies that Roboflow makes of one photograph stay together.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from evolve.base.errors import UserError
from evolve.datasets.detection import Detection, Photo
from evolve.datasets.file_names import composed

VALIDATION_PART = 0.2  # unless another is asked for
_COPY = ".rf."  # Roboflow: NAME_jpg.rf.HASH.jpg


def complete(root: Path, photos: dict[str, list[Photo]], wanted: Detection) -> dict[str, list[Photo]]:
    """``photos`` with a val split: its own, or ``wanted.validation_part`` of what is to be trained on.

    UserError where there is nothing to train on, or too little to split.
    """
    splits = dict(photos)
    if "" in splits:
        splits["train"] = splits.pop("")
    if "train" not in splits:
        got = ", ".join(splits)
        raise UserError(f"{root}: expected images to train on, got only those of {got}; bring a train split")
    if "val" not in splits:
        splits["train"], splits["val"] = _split(root, splits["train"], wanted)
    return splits


def _split(root: Path, photos: Sequence[Photo], wanted: Detection) -> tuple[list[Photo], list[Photo]]:
    names = sorted({_name(photo) for photo in photos}, key=lambda name: _place(wanted.split_seed, name))
    if len(names) < 2:
        got = len(names)
        raise UserError(f"{root}: expected two images or more to split into train and val, got {got}; bring more")
    part = wanted.validation_part or VALIDATION_PART
    if not part < 1:
        raise UserError(f"{root}: expected a validation_part below 1 to split it by, got {part:g}; 0.2 is usual")
    val = set(names[: min(len(names) - 1, max(1, round(len(names) * part)))])
    sides: tuple[list[Photo], list[Photo]] = [], []
    for photo in photos:
        sides[_name(photo) in val].append(photo)
    return sides


def _name(photo: Photo) -> str:
    """What the photograph is called, that it may be a copy of."""
    return composed(photo.file.stem).partition(_COPY)[0]


def _place(seed: int, name: str) -> tuple[bytes, str]:
    """Where it stands in an order that only the seed and the name decide on."""
    return hashlib.sha256(f"{seed} {name}".encode()).digest(), name
