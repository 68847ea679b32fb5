"""A data set of images and boxes is found, or made from its photographs.

A data set of images and their classes is found, or made from its samples.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from evolve.base.errors import UserError
from evolve.base.files import check_space, refusals, replacing, turn
from evolve.datasets import annotations, census, image_file
from evolve.datasets.dataset import Dataset, finished, write_done
from evolve.datasets.lmdb_write import record_bytes, space, split_bytes, write, write_detection
from evolve.datasets.registry import detection_source, source
from evolve.datasets.source import (
    ONLY_SOME,
    SPLITS,
    Detection,
    DetectionSource,
    Photo,
    Photos,
    Report,
    Samples,
    Unavailable,
    checked,
)

CHANGED, BROKEN = "its annotations have changed since", "is not as its DONE.json says"


def prepare_detection(
    name: str,
    wanted: Detection,
    *,
    seed: int = 1,
    or_else: str = "",
    data: Path = Path("data"),
    report: Callable[[str], None] = print,
) -> Dataset:
    """The detection data set of that name in ``data``, with train/, val/ and perhaps test/, each images/ and labels/.

    Made if it is not there yet, and made anew if the annotations have changed since. ``seed`` shuffles the train
    split (and draws what is drawn). If the raw data can be had nowhere, the set named ``or_else`` stands in. The
    result's ``notice`` says so; it is for every place where results of this data are shown. Raises UserError.
    """
    known = {each: detection_source(each) for each in filter(None, (name, or_else))}
    if seed < 0:
        raise UserError(f"data set '{name}': expected a seed of 0 or more, got {seed}; choose another")
    every = frozenset[str]().union(*(source.uses for source in known.values()))
    checked(name, wanted, replace(known[name], uses=every))
    try:
        return _prepare_detection(name, known[name], wanted, seed, data, report)
    except Unavailable as missing:
        if not or_else:
            raise UserError(f"data set '{name}': {missing}") from None
        first, reason = str(missing), missing.reason
    try:
        made = _prepare_detection(or_else, known[or_else], wanted, seed, data, report)
    except (Unavailable, UserError) as second:
        raise UserError(f"data set '{name}': {first}; nor could another stand in: {second}") from None
    notice = f"{known[name].title} could not be had ({reason}): {known[or_else].title} instead"
    return replace(made, notice="; ".join(filter(None, (notice, made.notice))))


def _prepare_detection(
    name: str, source: DetectionSource, wanted: Detection, seed: int, data: Path, report: Report
) -> Dataset:
    unused = {field: type(getattr(wanted, field))() for field in ONLY_SOME - source.uses}
    wanted = checked(name, replace(wanted, **unused), source)
    data = Path(os.path.abspath(data))
    folder = data / _folder_name(name, wanted, seed)

    def _done() -> Dataset | None:
        done = finished(folder, name)
        found = source.find(wanted=wanted, seed=seed, raw=data / "raw")
        if done and found and source.state(found) != done.origin:
            return None
        return done and replace(done, notice=source.notice)

    if done := _done():
        return done
    with turn(folder, report):
        if done := _done():  # by the process that this one waited for
            return done
        photos = source.load(wanted=wanted, seed=seed, raw=data / "raw", report=report)
        found = source.find(wanted=wanted, seed=seed, raw=data / "raw")
        origin = source.state(found) if found else ""
        made = _write_detection(name, folder, _all_checked(name, photos, wanted), wanted, seed, origin, report)
    return replace(made, notice=source.notice)


def _folder_name(name: str, wanted: Detection, seed: int) -> str:
    """Different for every different wish."""
    wish = hashlib.sha256(json.dumps(asdict(wanted), sort_keys=True).encode()).hexdigest()[:8]
    own = f"-{Path(wanted.folder).name}" if wanted.folder else ""
    return f"{name}{own}-{wanted.width}x{wanted.height}-{wish}-seed{seed}"


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
    if wanted.max_boxes:
        annotations.raise_all(
            [
                f"{photo.where}: expected at most {wanted.max_boxes} boxes in an image, got {len(photo.boxes)}; "
                "raise max_boxes, or leave it out for as many as are needed"
                for photo in every
                if len(photo.boxes) > wanted.max_boxes
            ]
        )
    return photos


def _write_detection(
    name: str, folder: Path, photos: Photos, wanted: Detection, seed: int, origin: str, report: Report
) -> Dataset:
    splits = {split: list(photos[split]) for split in SPLITS if split in photos}
    fullest = max(len(photo.boxes) for those in splits.values() for photo in those)
    wanted = replace(wanted, max_boxes=wanted.max_boxes or fullest)
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


def prepare(
    name: str,
    *,
    image_size: int,
    seed: int = 1,
    or_else: str = "",
    data: Path = Path("data"),
    report: Callable[[str], None] = print,
) -> Dataset:
    """The data set of that name in ``data``/<name>-<image_size>-seed<seed>, made if it is not there yet.

    Images are ``image_size`` pixels square. ``seed`` shuffles the train split; the same seed gives the same
    content. If the raw data can be had nowhere, the data set named ``or_else`` stands in, and the result's
    ``notice`` says so. Raises UserError.
    """
    instead = source(or_else) if or_else else None  # a mistyped name is heard of now, not when it is needed
    wanted = source(name)
    if seed < 0:
        raise UserError(f"data set '{name}': expected a seed of 0 or more, got {seed}; choose another")
    try:
        return _prepare(name, image_size, seed, data, report)
    except Unavailable as missing:
        if instead is None:
            raise UserError(f"data set '{name}': {missing}") from None
        notice = f"{wanted.title} could not be had ({missing.reason}): {instead.title} instead"
        first = str(missing)
    try:
        return replace(_prepare(or_else, image_size, seed, data, report), notice=notice)
    except (Unavailable, UserError) as second:
        raise UserError(f"data set '{name}': {first}; nor could another stand in: {second}") from None


def _prepare(name: str, image_size: int, seed: int, data: Path, report: Callable[[str], None]) -> Dataset:
    data = Path(os.path.abspath(data))
    folder = data / f"{name}-{image_size}-seed{seed}"
    if done := finished(folder, name):
        return done
    with turn(folder, report):
        if done := finished(folder, name):  # by the process that this one waited for
            return done
        samples = source(name).load(image_size=image_size, seed=seed, raw=data / "raw", report=report)
        return _write(name, folder, samples, seed, report)


def _write(name: str, folder: Path, samples: Samples, seed: int, report: Callable[[str], None]) -> Dataset:
    needed = split_bytes(samples.train) + split_bytes(samples.test)
    began = time.monotonic()
    with refusals(folder, needed), replacing(folder, report) as unfinished:
        check_space(folder, needed)
        content = hashlib.sha256()
        shuffled = np.random.default_rng(seed).permutation(len(samples.train))
        write(unfinished / "train", samples.train, shuffled, content.update)
        write(unfinished / "test", samples.test, np.arange(len(samples.test)), content.update)
        counts = {"train": len(samples.train), "test": len(samples.test)}
        shape = samples.train.shape
        dataset = Dataset(name, folder, shape, counts, samples.classes, content.hexdigest())
        write_done(unfinished, dataset)
    report(
        f"{name}: {counts['train']} images to train and {counts['test']} to test, {shape[1]}x{shape[2]}, "
        f"in {time.monotonic() - began:.1f} s into {folder}"
    )
    return dataset
