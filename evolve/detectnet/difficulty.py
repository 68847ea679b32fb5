"""KITTI's scores of one class by difficulty: easy, moderate, hard, each with all that is easier.

An object that is harder, or beyond hard, may be found or not; a detection lower than the difficulty asks counts only if
it finds an object. As in KITTI's own evaluation, but for two things: detections take objects in the order of their
confidence, as `average_precision` has it; and whatever the data set made dontcare (vans, where cars are learnt, but
trucks too) is a region that counts neither way.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evolve.detectnet import labels
from evolve.detectnet.average_precision import AveragePrecision
from evolve.detectnet.overlap import Boxes
from evolve.detectnet.scores import Counts

# Least height in pixels, most occlusion, most truncation.
DIFFICULTIES = {"easy": (40, 0, 0.15), "moderate": (25, 1, 0.30), "hard": (25, 2, 0.50)}
_BEYOND = len(DIFFICULTIES)


def difficulty(height: float, occlusion: float, truncation: float) -> str:
    """The easiest of "easy", "moderate" and "hard" that an object is, its height in pixels of the file; "" if none."""
    for name, (least, most_occluded, most_truncated) in DIFFICULTIES.items():
        if height >= least and occlusion <= most_occluded and truncation <= most_truncated:
            return name
    return ""


@dataclass(frozen=True)
class Scored:
    """Counts and average precision, 0 to 1, of what counts at one difficulty."""

    counts: Counts
    average_precision: float


class ByDifficulty:
    """Collects one class, image by image; a pixel of the labels is `file_pixels` pixels of its file high."""

    def __init__(self, iou: float, file_pixels: float) -> None:
        self._file_pixels = file_pixels
        self._curves = {name: AveragePrecision(iou) for name in DIFFICULTIES}

    def add(self, rows: labels.Rows, detections: Boxes, ignored: Boxes) -> None:
        """An image's objects, rows (objects, 16), detections (detections, 5), and regions to ignore (regions, 4)."""
        corners, found = labels.corners(rows), levels(rows, self._file_pixels)
        for level, (name, curve) in enumerate(self._curves.items()):
            counts = found <= level
            least = DIFFICULTIES[name][0] / self._file_pixels
            curve.add(corners[counts], detections, ignored, corners[~counts], least)

    def scores(self, points: int = 0) -> dict[str, Scored]:
        """By difficulty, over everything added so far; KITTI's own interpolation is `points` 40."""
        curves = {name: each.curve() for name, each in self._curves.items()}
        return {name: Scored(curve.counts, curve.average_precision(points)) for name, curve in curves.items()}


def levels(rows: labels.Rows, file_pixels: float) -> NDArray[np.int64]:
    """The place (objects,) of each object's difficulty among easy, moderate and hard, from 0; 3 beyond these."""
    names = list(DIFFICULTIES)
    found = np.full(len(rows), _BEYOND)
    for number, row in enumerate(rows):
        # A label's numbers have 32 bits: .15 is a little more there than the limit of .15.
        height, occlusion, truncated = (
            round(float(value), 4)
            for value in (row[labels.H] * file_pixels, row[labels.OCCLUSION], row[labels.TRUNCATED])
        )
        name = difficulty(height, occlusion, truncated)
        found[number] = names.index(name) if name else _BEYOND
    return found
