"""What is in a data set of one's own, counted as it was stored: images by class, sizes, mean, and what is amiss."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
from numpy.typing import NDArray

from evolve.base import records
from evolve.base.counted import counted
from evolve.base.errors import UserError, said
from evolve.datasets.dataset import CENSUS, Dataset
from evolve.datasets.own import contact_sheet
from evolve.datasets.own.stream import Made

_MOST_CLASSES = 30  # that are listed, the smallest
_SHOWN = 5  # of the same complaint
_FEW = 10  # images of a class that can hardly be learned
_UNEVEN = 10  # times that the largest class has the images of the smallest


@dataclass(frozen=True)
class SplitCensus:
    """One split: images of each class; sizes (width, height) before they were stored; channels' moments as stored."""

    classes: list[int]
    smallest: list[int]
    largest: list[int]
    usual: list[int]
    usual_images: int
    sizes: int
    grey: int
    deep: int
    mean: list[float]
    deviation: list[float]

    @property
    def images(self) -> int:
        """How many there are."""
        return sum(self.classes)


@dataclass(frozen=True)
class ClassCensus:
    """Every split; ``copies`` are pairs of the same image in two splits, ``torn`` such of two classes."""

    splits: dict[str, SplitCensus]
    copies: list[str] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    in_order: bool = False  # whether the images to train on lie class by class, as nothing should learn them
    passed_over: list[str] = field(default_factory=list)

    def text(self) -> str:
        """The census as census.json has it."""
        return json.dumps(asdict(self), indent=2) + "\n"


class Tally:
    """Counts a split's pictures one by one."""

    def __init__(self, classes: int, channels: int) -> None:
        self._classes = [0] * classes
        self._sizes = Counter[tuple[int, int]]()
        self._grey = self._deep = 0
        self._mean, self._square = np.zeros(channels), np.zeros(channels)

    def add(self, label: int, made: Made) -> None:
        """Counts one."""
        self._classes[label] += 1
        self._sizes[made.facts.width, made.facts.height] += 1
        self._grey += made.facts.grey
        self._deep += made.facts.deep
        self._mean += made.mean
        self._square += made.variance + made.mean**2

    @property
    def any(self) -> bool:
        """Whether there was one."""
        return any(self._classes)

    def census(self) -> SplitCensus:
        """What was counted. There must be one picture."""
        images = sum(self._classes)
        mean = self._mean / images
        by_area = sorted(self._sizes, key=lambda size: (size[0] * size[1], size))
        usual, usual_images = self._sizes.most_common(1)[0]
        return SplitCensus(
            self._classes, list(by_area[0]), list(by_area[-1]), list(usual), usual_images, len(by_area),
            self._grey, self._deep, [round(float(each), 3) for each in mean],
            [round(float(each), 3) for each in np.sqrt(np.maximum(self._square / images - mean**2, 0))],
        )  # fmt: skip


def read(dataset: Dataset) -> ClassCensus:
    """The census of a finished data set; UserError if somebody has written over it."""
    file = dataset.folder / CENSUS
    try:
        return records.read(ClassCensus, json.loads(file.read_text(encoding="utf-8")), "census")
    except (OSError, ValueError, AttributeError) as error:
        raise UserError(
            f"{file}: expected a census, got: {said(error)}; remove its folder to have it made anew"
        ) from None


def text(dataset: Dataset) -> str:
    """What `make data` prints: a column a split, then sizes and mean, then the warnings, a line each."""
    census = read(dataset)
    channels, height, width = dataset.shape
    content = f"{counted(channels, 'channel')}, {counted(dataset.classes, 'class', 'classes')}"
    lines = [f"{dataset.called}: {width}x{height} pixels, {content}"]
    lines += [_row("", census.splits), _row("images", [each.images for each in census.splits.values()])]
    order = list(range(dataset.classes))
    if len(order) > _MOST_CLASSES:
        order = sorted(order, key=lambda label: census.splits["train"].classes[label])[:_MOST_CLASSES]
        lines.append(f"the {_MOST_CLASSES} smallest of {dataset.classes} classes:")
    for label in order:
        counts = [each.classes[label] for each in census.splits.values()]
        lines.append(_row(f"  {dataset.class_names[label]}", counts))
    lines += _about_train(census.splits["train"], dataset)
    lines.append(f"contact sheet: {dataset.folder / contact_sheet.FILE}")
    return "\n".join([*lines, *warnings(census, dataset.class_names)])


def in_order(labels: NDArray[np.int64]) -> bool:
    """Whether far fewer neighbours differ than of shuffled images would."""
    parts = np.bincount(labels) / len(labels)
    expected = (len(labels) - 1) * (1 - float((parts**2).sum()))
    return float(np.count_nonzero(np.diff(labels))) < expected / 4


def _row(label: str, values: Iterable[object]) -> str:
    return f"{label:30}" + "".join(f"{value!s:>11}" for value in values)


def _about_train(train: SplitCensus, dataset: Dataset) -> list[str]:
    low, high = int(np.argmin(train.classes)), int(np.argmax(train.classes))
    by = [f"{width}x{height}" for width, height in (train.smallest, train.largest, train.usual)]
    sizes = f"all {by[0]}" if train.sizes == 1 else (
        f"{by[0]} to {by[1]}, most often {by[2]} ({train.usual_images} of {train.images})"
    )
    colours = "red, green, blue" if dataset.colours == "RGB" else "blue, green, red"
    order = {1: "grey", 3: colours}.get(len(train.mean), "by channel")
    extremes = (
        f"smallest class: {dataset.class_names[low]}, {train.classes[low]} to train on; "
        f"largest: {dataset.class_names[high]}, {train.classes[high]}"
    )
    return [
        extremes if train.classes[low] < train.classes[high] else f"every class: {train.classes[low]} to train on",
        f"pixels as they came: {sizes}",
        f"mean ({order}): {_numbers(train.mean)}; standard deviation: {_numbers(train.deviation)}",
    ]


def _numbers(values: Sequence[float]) -> str:
    return " ".join(f"{value:.1f}" for value in values)


def warnings(census: ClassCensus, class_names: Sequence[str]) -> list[str]:
    """What the user should know before training: a line each, none if all is well."""
    said = []
    for split, each in census.splits.items():
        if missing := [name for name, count in zip(class_names, each.classes, strict=True) if not count]:
            said.append(f"warning: {split}: no image of {_some(missing)}")
        if each.deep:
            deep = counted(each.deep, "grey image has", "grey images have")
            said.append(f"warning: {split}: {deep} more than 8 bits: stretched, see darkest and brightest")
        if each.grey and len(each.mean) == 3:
            grey = counted(each.grey, "image is", "images are")
            said.append(f"warning: {split}: {grey} grey, stored three times; channels: 1 makes all so")
        if each.grey < each.images and len(each.mean) == 1:
            colours = counted(each.images - each.grey, "image has", "images have")
            said.append(f"warning: {split}: {colours} colours, which are lost; channels: 3 keeps them")
    said += _of_classes(census.splits["train"], class_names)
    if census.in_order:
        said.append("warning: train: the database has one class after the other; convert_imageset -shuffle mixes them")
    said += _of_files(census)
    return said


def _of_classes(train: SplitCensus, class_names: Sequence[str]) -> list[str]:
    counts = [count for count in train.classes if count]
    few = [name for name, count in zip(class_names, train.classes, strict=True) if 0 < count < _FEW]
    said = [f"warning: train: fewer than {_FEW} images of {_some(few)}"] if few else []
    if max(counts) >= _UNEVEN * min(counts):
        said.append(
            f"warning: train: the largest class has {max(counts) / min(counts):.0f} times as many images as the "
            "smallest: accuracy says little about small classes, see those of each class"
        )
    return said


def _of_files(census: ClassCensus) -> list[str]:
    said = [f"passed over: {line}" for line in census.passed_over]
    for one, several, what, pairs in (
        ("image is", "images are", "in two splits, so that the score flatters: take one of each away", census.copies),
        ("image has", "images have", "two classes: correct one of each", census.torn),
        ("image", "images", "could not be read, left out", census.left_out),
    ):
        if pairs:
            said.append(f"warning: {counted(len(pairs), one, several)} {what}:")
            said += [f"  {pair}" for pair in pairs[:_SHOWN]]
            said += [f"  and {len(pairs) - _SHOWN} more: {CENSUS} names all"] if len(pairs) > _SHOWN else []
    return said


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
