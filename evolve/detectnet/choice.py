"""Which images of a split a person is shown: a few, spread over it, that have something to see.

The split is cut into as many stretches as images are shown, and each gives one: of the stretches in turn the image with
the most boxes, the one with the smallest box, and the one in which the network misses most. The first two are the same
in every generation.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evolve.detectnet import labels
from evolve.detectnet.clustering import Detections
from evolve.detectnet.overlap import best_matches
from evolve.detectnet.picture import Seen

MOST, SMALLEST, MISSED = "most boxes", "smallest box", "most missed"
_TURN = (MOST, SMALLEST, MISSED)


@dataclass(frozen=True)
class _Example:
    rows: labels.Rows
    maps: NDArray[np.int64]  # of each row, -1 for what is no object
    found: Sequence[Detections]
    iou: float

    def boxes(self) -> float:
        return float((self.maps >= 0).sum())

    def smallness(self) -> float:
        sides = self.rows[self.maps >= 0][:, [labels.W, labels.H]]
        return -float(sides.prod(axis=1).min()) if len(sides) else -np.inf

    def missed(self) -> float:
        corners, missed = labels.corners(self.rows), 0
        for number, detections in enumerate(self.found):
            objects = corners[self.maps == number]
            ordered = detections[np.argsort(-detections[:, 4], kind="stable")]
            missed += len(objects) - int((best_matches(objects, ordered, self.iou) >= 0).sum())
        return float(missed)


_INTEREST: dict[str, Callable[[_Example], float]] = {
    MOST: _Example.boxes, SMALLEST: _Example.smallness, MISSED: _Example.missed,
}  # fmt: skip


class Choice:
    """At most `shown` of a split's `images`, which are added in their order."""

    def __init__(self, images: int, shown: int, object_class: dict[int, int], iou: float) -> None:
        self._images, self._shown, self._object_class, self._iou = images, min(images, shown), object_class, iou
        self._best: dict[int, tuple[float, Seen]] = {}
        self._added = 0

    def add(self, pixels: NDArray[np.float32], rows: labels.Rows, found: Sequence[Detections]) -> None:
        """The next image: `pixels` (3, H, W), copied if it is chosen, `rows` (objects, 16), detections by class."""
        stretch = self._added * self._shown // self._images
        why = _TURN[stretch % len(_TURN)]
        maps = labels.maps(rows, self._object_class)
        interest = _INTEREST[why](_Example(rows, maps, found, self._iou))
        if stretch not in self._best or interest > self._best[stretch][0]:
            self._best[stretch] = interest, Seen(pixels.copy(), rows.copy(), found, f"{self._added + 1}: {why}")
        self._added += 1

    def seen(self) -> list[Seen]:
        """The images chosen, in the order of the split."""
        return [self._best[stretch][1] for stretch in sorted(self._best)]
