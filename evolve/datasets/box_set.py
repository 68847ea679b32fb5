"""A data set of images with boxes is found, or made from its photographs, once all that can be known of them is right.

It is made anew if its annotations have changed since.
"""

import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from evolve.base.counted import counted
from evolve.base.errors import UserError
from evolve.base.files import check_space, refusals, replacing, turn
from evolve.base.progress import Report
from evolve.datasets import annotations, census, image_file
from evolve.datasets.dataset import Dataset, finished, write_done
from evolve.datasets.detection import ONLY_SOME, SPLITS, Detection, DetectionSource, Photo, Photos, checked
from evolve.datasets.detection_write import record_bytes, write_detection
from evolve.datasets.lmdb_write import space
from evolve.datasets.lookup import Found
from evolve.datasets.source import SHARED

CHANGED, BROKEN = "its annotations have changed since", "is not as its DONE.json says"


def prepared(found: Found[DetectionSource], wanted: Detection, seed: int, data: Path, report: Report) -> Dataset:
    """The data set in ``data``, made if it is not there yet. Raises UserError, and Unavailable if it cannot be had."""
    wanted, seed = suited(found, wanted), _order_seed(found, seed)
    data = Path(os.path.abspath(data))
    folder = data / _folder_name(found.stem, wanted, seed)
    if done := made(found, wanted, seed, data):
        return done
    with turn(folder, report):
        if done := made(found, wanted, seed, data):  # by the process that this one waited for
            return done
        # As they were before they were read: what changes meanwhile is read again. What is drawn is there only then.
        before = state(found, wanted, seed, data / "raw")
        every = photos(found, wanted, seed, data / "raw", report)
        origin = before or state(found, wanted, seed, data / "raw")
        written = _write_detection(found.name, folder, every, wanted, seed, origin, report)
    return replace(written, notice=found.source.notice)


def suited(found: Found[DetectionSource], wanted: Detection) -> Detection:
    """What is wanted of this data set: without what is for others, with its classes where none are named. UserError."""
    unused = {field: type(getattr(wanted, field))() for field in ONLY_SOME - found.source.uses}
    return checked(found.name, replace(wanted, **unused), found.source)


def made(found: Found[DetectionSource], wanted: Detection, seed: int, data: Path) -> Dataset | None:
    """The data set in ``data`` where it is there, and its annotations are still those that it was made from."""
    data, seed = Path(os.path.abspath(data)), _order_seed(found, seed)
    done = finished(data / _folder_name(found.stem, wanted, seed), found.name)
    now = state(found, wanted, seed, data / "raw")
    if done and now and now != done.origin:
        return None
    return done and replace(done, notice=found.source.notice)


def photos(found: Found[DetectionSource], wanted: Detection, seed: int, raw: Path, report: Report) -> Photos:
    """Its photographs; UserError for what can be known without reading an image."""
    return _all_checked(found.name, _loaded(found, wanted, seed, raw, report), wanted)


def with_room(wanted: Detection, splits: Mapping[str, Sequence[Photo]]) -> Detection:
    """``wanted`` with rows of a label for as many boxes as the fullest of the photographs has, if none are named."""
    fullest = max(len(photo.boxes) for those in splits.values() for photo in those)
    return replace(wanted, max_boxes=wanted.max_boxes or fullest)


def state(found: Found[DetectionSource], wanted: Detection, seed: int, raw: Path) -> str:
    """The state of the raw data; "" if there is none."""
    with found.calling("find"):
        root = found.source.find(wanted=wanted, seed=seed, raw=raw)
    with found.calling("state"):
        return found.source.state(root) if root else ""


def _loaded(found: Found[DetectionSource], wanted: Detection, seed: int, raw: Path, report: Report) -> Photos:
    """What the file's ``load`` gives; UserError unless it is what it promised."""
    with found.calling("load"):
        photos: object = found.source.load(wanted=wanted, seed=seed, raw=raw, report=report)
    where = f"{found.file}: load"
    if not isinstance(photos, Mapping) or not {"train", "val"} <= set(photos) <= set(SPLITS):
        got = f"{sorted(map(str, photos))}" if isinstance(photos, Mapping) else f"one of type {type(photos).__name__}"
        raise UserError(f"{where}: expected a dictionary of train, val and perhaps test, got {got}")
    for split, those in photos.items():
        if not isinstance(those, Sequence) or not all(isinstance(photo, Photo) for photo in those):
            raise UserError(f"{where}: {split}: expected a list of Photo of evolve.datasets, got something else")
    return photos


def _order_seed(found: Found[DetectionSource], seed: int) -> int:
    """The seed in whose order the data set is stored for ``seed``."""
    return SHARED if found.source.shared else seed


def _folder_name(stem: str, wanted: Detection, seed: int) -> str:
    """Different for every different wish."""
    wish = hashlib.sha256(json.dumps(asdict(wanted), sort_keys=True).encode()).hexdigest()[:8]
    own = f"-{Path(wanted.folder).name}" if wanted.folder else ""
    return f"{stem}{own}-{wanted.width}x{wanted.height}-{wish}-seed{seed}"


def _all_checked(name: str, photos: Photos, wanted: Detection) -> Photos:
    """The photographs; UserError for what can be known without reading an image."""
    every = [photo for split in SPLITS for photo in photos.get(split, ())]
    shapes = [annotations.shape_problem(box) for photo in every for box in photo.boxes]
    annotations.raise_all([problem for problem in shapes if problem])
    annotations.check(name, photos, wanted)
    annotations.raise_all(
        [
            f"{photo.where}: expected its image {photo.file}, got no such file; bring it or take its row out"
            for photo in every
            if not image_file.there(photo.file)
        ]
    )
    annotations.raise_all(_twice(every))
    if wanted.max_boxes:
        annotations.raise_all(
            [
                f"{photo.where}: expected at most {counted(wanted.max_boxes, 'box', 'boxes')} in an image, got "
                f"{len(photo.boxes)}; raise max_boxes, or leave it out for as many as are needed"
                for photo in every
                if len(photo.boxes) > wanted.max_boxes
            ]
        )
    return photos


def _twice(every: Sequence[Photo]) -> list[str]:
    """A line for each photograph whose image another one has already."""
    first: dict[Path, Photo] = {}
    return [
        f"{photo.where}: expected an image of its own, got {photo.file}, which {before.where} has too; take one out"
        for photo in every
        if (before := first.setdefault(photo.file, photo)) is not photo
    ]


def _write_detection(
    name: str, folder: Path, photos: Photos, wanted: Detection, seed: int, origin: str, report: Report
) -> Dataset:
    splits = {split: list(photos[split]) for split in SPLITS if split in photos}
    wanted = with_room(wanted, splits)
    needed = sum(space(record, len(those)) for those in splits.values() for record in record_bytes(wanted))
    began = time.monotonic()
    why = CHANGED if finished(folder, name) else BROKEN
    with refusals(folder, needed), replacing(folder, report, why) as unfinished:
        check_space(folder, needed)
        content, counted = hashlib.sha256(), {}
        for split, those in splits.items():
            ordered = _shuffled(those, seed) if split == "train" else those
            counted[split] = write_detection(unfinished / split, ordered, len(those), wanted, content.update)
        census.write(unfinished, counted)
        dataset = Dataset(
            name,
            folder,
            shape=(3, wanted.height, wanted.width),
            counts={split: len(those) for split, those in splits.items()},
            classes=len(wanted.classes),
            sha256=content.hexdigest(),
            class_names=wanted.classes,
            origin=origin,
        )
        write_done(unfinished, dataset)
    sizes = " + ".join(f"{count} {split}" for split, count in dataset.counts.items())
    report(f"{name}: {sizes} images, {wanted.width}x{wanted.height}, in {time.monotonic() - began:.1f} s into {folder}")
    return dataset


def _shuffled(photos: list[Photo], seed: int) -> list[Photo]:
    return [photos[i] for i in np.random.default_rng(seed).permutation(len(photos))]
