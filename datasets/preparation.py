"""A data set of images and their classes is found, or made from its samples."""

import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from datasets.dataset import Dataset, finished, write_done
from datasets.disk import check_space, disk_errors
from datasets.lmdb_writer import split_bytes, write
from datasets.registry import source
from datasets.source import Samples, Unavailable
from datasets.whole import replacing, turn
from evolve.errors import UserError


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
    with disk_errors(folder, needed), replacing(folder, report) as unfinished:
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
