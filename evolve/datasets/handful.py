"""A handful of a data set's real images, in a folder of their own: enough to try a network on, there in a moment.

They are copied from the data set where it is made already, else read from its raw files; nothing else is converted.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from evolve.base.progress import Report
from evolve.datasets import box_set, image_set, own_set
from evolve.datasets.dataset import DONE, Dataset, finished
from evolve.datasets.detection import SPLITS, Detection, DetectionSource
from evolve.datasets.detection_write import write_detection
from evolve.datasets.image_write import write
from evolve.datasets.label_datum import datum, table
from evolve.datasets.lmdb_read import opened
from evolve.datasets.lmdb_write import Store, space
from evolve.datasets.lookup import Found
from evolve.datasets.own.source import OwnSource
from evolve.datasets.own.wish import Wish
from evolve.datasets.source import Source, Split

IMAGES = 8  # of each split
MADE_UP = "made-up images"


@dataclass(frozen=True)
class Handful:
    """`dataset` holds a few images of each split; `whole` says how many there are of each in all.

    `notice` is as a Dataset's.
    """

    dataset: Dataset
    whole: dict[str, int]
    notice: str = ""


def of_classes(
    found: Found[Source], image_size: int, seed: int, validation: int, data: Path, into: Path, report: Report
) -> Handful:
    """Images with a class each into the folder `into`. Raises UserError, and Unavailable if they cannot be had."""
    made = finished(image_set.folder(found, image_size, seed, validation, data), found.name)
    if made:
        return _copied(made, into, ("",))
    samples = image_set.loaded(found, image_size, seed, data, report)
    order = image_set.order_seed(found, seed, validation)
    orders = image_set.orders(found.name, samples, order, validation)
    for split, rows in orders.items():
        write(into / split, samples.test if split == "test" else samples.train, rows[:IMAGES], _unheard)
    dataset = Dataset(found.name, into, samples.train.shape, {}, samples.classes, "")
    return _of(dataset, {split: len(rows) for split, rows in orders.items()})


def of_ones_own(
    found: Found[OwnSource], wish: Wish, image_size: int, validation: int, data: Path, into: Path, report: Report
) -> Handful:
    """Images of the user's own into the folder `into`: what is listed is checked, a few are read. Raises UserError."""
    wish = own_set.sized(found, wish, image_size)
    if made := own_set.made(found, wish, validation, data):
        return _copied(made, into, ("",))
    with own_set.called(found.name):
        listing = found.source.listed(wish, report)
        parts = own_set.parts(listing, wish, validation)
        whole = {split: len(part.rows) for split, part in parts.items()}
        few = {split: replace(part, rows=part.rows[:IMAGES]) for split, part in parts.items()}
        dataset = own_set.stored(found.name, into, listing, few, wish, False, _unsaid)
    return Handful(dataset, whole)


def of_boxes(
    found: Found[DetectionSource], wanted: Detection, seed: int, data: Path, into: Path, report: Report
) -> Handful:
    """Images with boxes into the folder `into`. Raises UserError, and Unavailable if they cannot be had."""
    asked, raw = box_set.suited(found, wanted), data / "raw"
    if made := box_set.made(found, asked, seed, data):
        return _copied(made, into, ("images", "labels"))
    if "frames" in found.source.uses and not found.source.find(wanted=asked, seed=seed, raw=raw):
        # What Cavefish is still to draw holds no surprise, and takes longer than all the rest.
        noise = made_up((3, asked.height, asked.width), into, len(asked.classes))
        return replace(noise, dataset=replace(noise.dataset, name=found.name, class_names=asked.classes), whole={})
    photos = box_set.photos(found, asked, seed, raw, report)
    every = {split: list(photos[split]) for split in SPLITS if split in photos}
    asked = box_set.with_room(asked, every)
    for split, those in every.items():
        write_detection(into / split, those[:IMAGES], min(IMAGES, len(those)), asked, _unheard)
    shape = (3, asked.height, asked.width)
    dataset = Dataset(found.name, into, shape, {}, len(asked.classes), "", asked.classes)
    return _of(dataset, {split: len(those) for split, those in every.items()})


def made_up(shape: tuple[int, int, int], into: Path, boxes_of: int = 0) -> Handful:
    """Noise of `shape` (channels, height, width) in the place of images that cannot be had: all of the first class.

    Or images without a box, where there are `boxes_of` so many classes.
    """
    random, parts = np.random.default_rng(0), ("images",) if boxes_of else ("",)
    splits = ("train", "val" if boxes_of else "test")
    for split in splits:
        pixels = random.integers(0, 256, (IMAGES, *shape), np.uint8)
        for part in parts:
            write(into / split / part, Split(pixels, np.zeros(IMAGES, np.int64)), np.arange(IMAGES), _unheard)
        if boxes_of:
            label = datum(table([], 1)).SerializeToString()
            with Store(into / split / "labels", space(len(label), IMAGES), _unheard) as store:
                for _ in range(IMAGES):
                    store.put(label)
    names = tuple(f"class {number + 1}" for number in range(boxes_of))
    return _of(Dataset(MADE_UP, into, shape, {}, boxes_of or 1, "", names), dict.fromkeys(splits, IMAGES))


def _copied(made: Dataset, into: Path, parts: tuple[str, ...]) -> Handful:
    """The first records of each split, and whatever else lies beside the splits."""
    for split in made.counts:
        for part in parts:
            with opened(made.folder / split / part) as environment, environment.begin() as transaction:
                values = [value for _, (_, value) in zip(range(IMAGES), transaction.cursor(), strict=False)]
            with Store(into / split / part, sum(space(len(value), 1) for value in values), _unheard) as store:
                for value in values:
                    store.put(value)
    for file in made.folder.iterdir():
        if file.is_file() and file.name != DONE:
            (into / file.name).symlink_to(file)
    return _of(replace(made, folder=into), made.counts)


def _of(dataset: Dataset, whole: dict[str, int]) -> Handful:
    return Handful(replace(dataset, counts={split: min(IMAGES, count) for split, count in whole.items()}), whole)


def _unsaid(line: str) -> None:
    """What is stored for a moment alone is not told of."""


def _unheard(stored: bytes) -> None:
    """Nobody asks for the hash of a handful."""
