"""What is in a detection data set, counted as it was stored: images, boxes, their sizes in cells, and what is amiss."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from evolve.base import records
from evolve.base.counted import counted
from evolve.base.errors import UserError, said
from evolve.base.files import write_whole
from evolve.datasets.annotations import Clipped
from evolve.datasets.dataset import CENSUS, Dataset
from evolve.datasets.detection import Box

EDGES = (1, 2, 4, 8, 16)  # cells; a size falls below the first that is larger
SIZES = ("under 1", "1 to 2", "2 to 4", "4 to 8", "8 to 16", "16 and more")


@dataclass
class Census:
    """One split. ``small`` boxes are under a cell wide or high; ``ignored`` ones were made dontcare for their size.

    A cell is ``cell`` pixels wide and high. ``difficult`` boxes are dontcare, ``turned`` images lay on their side.
    """

    cell: int = 16
    images: int = 0
    empty: int = 0  # images without a box of any class
    fullest: int = 0  # boxes in the image that has most
    boxes: dict[str, int] = field(default_factory=dict)
    dontcare: dict[str, int] = field(default_factory=dict)
    widths: list[int] = field(default_factory=lambda: [0] * len(SIZES))
    heights: list[int] = field(default_factory=lambda: [0] * len(SIZES))
    small: int = 0
    ignored: int = 0
    difficult: int = 0
    turned: int = 0
    clipped: Clipped = field(default_factory=Clipped)

    def add(self, rows: Iterable[tuple[int, Box]]) -> None:
        """Counts an image by its (class id, box in stored pixels)."""
        counted = 0
        for class_id, box in rows:
            if not class_id:
                self.dontcare[box.name] = self.dontcare.get(box.name, 0) + 1
                self.difficult += box.difficult
                continue
            counted += 1
            self.boxes[box.name] = self.boxes.get(box.name, 0) + 1
            self.widths[_bin(box.w / self.cell)] += 1
            self.heights[_bin(box.h / self.cell)] += 1
            self.small += min(box.w, box.h) < self.cell
        self.images += 1
        self.empty += not counted
        self.fullest = max(self.fullest, counted)


def _bin(cells: float) -> int:
    return sum(cells >= edge for edge in EDGES)


def write(folder: Path, splits: dict[str, Census]) -> None:
    """Writes census.json into ``folder``."""
    record = {split: asdict(census) for split, census in splits.items()}
    write_whole(folder / CENSUS, json.dumps(record, indent=2) + "\n")


def read(dataset: Dataset) -> dict[str, Census]:
    """The census of a finished data set, by split; UserError if somebody has written over it."""
    file = dataset.folder / CENSUS
    try:
        return {split: records.read(Census, each, split) for split, each in json.loads(file.read_text()).items()}
    except (OSError, ValueError, AttributeError) as error:
        raise UserError(
            f"{file}: expected a census, got: {said(error)}; remove its folder to have it made anew"
        ) from None


def text(dataset: Dataset) -> str:
    """What `make data` prints: a column a split, then the warnings, a line each."""
    splits = read(dataset)
    _, height, width = dataset.shape
    cell = splits["train"].cell
    lines = [f"{dataset.name}: {width}x{height} pixels, a grid of {width // cell}x{height // cell} cells of {cell}"]
    lines += [_row("", splits)]
    lines += [_row(label, values) for label, values in _rows(splits, dataset.class_names)]
    return "\n".join(lines + warnings(splits))


def _rows(splits: dict[str, Census], classes: Iterable[str]) -> list[tuple[str, list[int]]]:
    each = splits.values()
    rows = [
        ("images", [census.images for census in each]),
        ("  without a box", [census.empty for census in each]),
        ("  boxes in the fullest", [census.fullest for census in each]),
    ]
    rows += [(f"boxes: {name}", [census.boxes.get(name, 0) for census in each]) for name in classes]
    others = sorted({name for census in each for name in census.dontcare})
    rows += [(f"dontcare: {name}", [census.dontcare.get(name, 0) for census in each]) for name in others]
    for side in ("widths", "heights"):
        for i, size in enumerate(SIZES):
            cells = "cell" if size == SIZES[0] else "cells"
            rows.append((f"{side} of {size} {cells}", [getattr(census, side)[i] for census in each]))
    return rows


def _row(label: str, values: Iterable[object]) -> str:
    return f"{label:30}" + "".join(f"{value!s:>9}" for value in values)


def warnings(splits: dict[str, Census]) -> list[str]:
    """What the user should know before training: a line each, none if all is well."""
    said = []
    for split, census in splits.items():
        if census.small:
            small = counted(census.small, "box is", "boxes are")
            said.append(
                f"warning: {split}: {small} under a cell of {census.cell} pixels wide or high: too small for the grid"
            )
        if census.ignored:
            ignored = counted(census.ignored, "box is", "boxes are")
            said.append(f"warning: {split}: {ignored} under the smallest size: dontcare")
        if census.difficult:
            difficult = counted(census.difficult, "box is", "boxes are")
            said.append(f"warning: {split}: {difficult} difficult: dontcare, as in Pascal VOC")
        if census.turned:
            turned = counted(census.turned, "image was turned as its", "images were turned as their")
            said.append(f"warning: {split}: {turned} EXIF says")
        if census.clipped.boxes:
            clipped = counted(census.clipped.boxes, "box stood out of its image", "boxes stood out of their images")
            most = counted(float(f"{census.clipped.most:g}"), "pixel")
            said.append(f"warning: {split}: {clipped}, by {most} at most: cut at the edge")
        if split != "train" and (missing := set(splits["train"].boxes) - set(census.boxes)):
            said.append(f"warning: {split}: no box of {', '.join(sorted(missing))}: these have no score there")
    return said
