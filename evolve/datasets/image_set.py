"""A data set of images with a class each is found, or made from its samples: an LMDB of Caffe's Datum a split."""

import hashlib
import os
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evolve.base.errors import UserError
from evolve.base.files import check_space, refusals, replacing, turn
from evolve.base.progress import Report
from evolve.datasets import held_out
from evolve.datasets.dataset import Dataset, finished, write_done
from evolve.datasets.image_write import split_bytes, write
from evolve.datasets.lookup import Found
from evolve.datasets.source import SHARED, Samples, Source


def prepared(
    found: Found[Source], image_size: int, seed: int, validation: int, data: Path, report: Report
) -> Dataset:
    """The data set in ``data``, made if it is not there yet. Raises UserError, and Unavailable if it cannot be had."""
    seed = order_seed(found, seed, validation)
    where = folder(found, image_size, seed, validation, data)
    if done := finished(where, found.name):
        return done
    with turn(where, report):
        if done := finished(where, found.name):  # by the process that this one waited for
            return done
        samples = loaded(found, image_size, seed, data, report)
        return _write(found, where, samples, seed, validation, report)


def order_seed(found: Found[Source], seed: int, validation: int) -> int:
    """The seed in whose order the data set is stored for ``seed``."""
    # Which images choose and which train is the seed's own.
    return SHARED if found.source.shared and not validation else seed


def folder(found: Found[Source], image_size: int, seed: int, validation: int, data: Path) -> Path:
    """Where the data set lies, or is to lie, below ``data``."""
    part = f"-validation{validation}" if validation else ""
    stem = f"{found.stem}-{image_size}-seed{order_seed(found, seed, validation)}"
    return Path(os.path.abspath(data)) / f"{stem}{part}"


def loaded(found: Found[Source], image_size: int, seed: int, data: Path, report: Report) -> Samples:
    """What the file's ``load`` gives; UserError unless it is what it promised."""
    raw = Path(os.path.abspath(data)) / "raw"
    with found.calling("load"):
        samples = found.source.load(image_size=image_size, seed=seed, raw=raw, report=report)
    _check(found, samples, image_size)
    return samples


def orders(name: str, samples: Samples, seed: int, validation: int) -> dict[str, NDArray[np.int64]]:
    """The rows of each split in the order in which they are stored; ``validation`` are of the training images."""
    shuffled = np.random.default_rng(seed).permutation(len(samples.train))
    try:
        order, apart = held_out.split(samples.train.labels, shuffled, validation)
    except UserError as error:
        raise UserError(f"data set '{name}': {error}") from None
    every = {"train": order, "validation": apart, "test": np.arange(len(samples.test))}
    return {split: rows for split, rows in every.items() if len(rows)}


def _check(found: Found[Source], samples: object, image_size: int) -> None:
    """UserError unless the file's ``load`` gave what it promised."""
    where = f"{found.file}: load"
    if not isinstance(samples, Samples):
        raise UserError(f"{where}: expected Samples of evolve.datasets, got one of type {type(samples).__name__}")
    wanted = found.source.channels, image_size, image_size
    for name, split in (("train", samples.train), ("test", samples.test)):
        images, labels = np.asarray(split.images), np.asarray(split.labels)
        if images.dtype != np.uint8 or images.ndim != 4 or not len(images):
            got = f"{images.dtype} {images.shape}"
            raise UserError(f"{where}: {name}: expected images (N, channels, height, width) of uint8, got {got}")
        if split.shape != wanted:
            got = _by(split.shape)
            raise UserError(f"{where}: {name}: expected images of {_by(wanted)} with their margin, got {got}")
        if labels.shape != (len(images),) or labels.dtype.kind not in "iu":
            got = f"{labels.dtype} {labels.shape}"
            raise UserError(f"{where}: {name}: expected {len(images)} whole numbers for labels, got {got}")
        if not 0 <= labels.min() <= labels.max() < samples.classes:
            got = f"{labels.min()} to {labels.max()}"
            raise UserError(f"{where}: {name}: expected labels from 0 to {samples.classes - 1}, got {got}")


def _by(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def _write(
    found: Found[Source], folder: Path, samples: Samples, seed: int, validation: int, report: Report
) -> Dataset:
    name = found.name
    splits = orders(name, samples, seed, validation)
    of = {split: samples.test if split == "test" else samples.train for split in splits}
    needed = sum(split_bytes(of[split], len(rows)) for split, rows in splits.items())
    began = time.monotonic()
    with refusals(folder, needed), replacing(folder, report) as unfinished:
        check_space(folder, needed)
        content = hashlib.sha256()
        for split, rows in splits.items():
            write(unfinished / split, of[split], rows, content.update)
        counts = {split: len(rows) for split, rows in splits.items()}
        shape = samples.train.shape
        dataset = Dataset(
            name, folder, shape, counts, samples.classes, content.hexdigest(), margin=samples.train.margin,
            colours=found.source.colours, is_own=found.is_own,
        )  # fmt: skip
        write_done(unfinished, dataset)
    chosen = f", {counts['validation']} to choose by" if validation else ""
    report(
        f"{name}: {counts['train']} images to train{chosen} and {counts['test']} to test, {shape[1]}x{shape[2]}, "
        f"in {time.monotonic() - began:.1f} s into {folder}"
    )
    return dataset
