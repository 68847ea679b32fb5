"""The parts of a batch and their shapes."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evolve.detectnet import coverage, labels
from evolve.detectnet.parameters import Parameters

Array = NDArray[np.float32]


class Batch(NamedTuple):
    """images (N, 3, H, W), truth (N, 8 + classes, H / stride, W / stride), labels (N, 1, max_boxes + 1, 16)."""

    images: Array
    truth: Array
    labels: Array


@dataclass(frozen=True)
class Shapes:
    """The shapes of a batch's three parts."""

    images: tuple[int, ...]
    truth: tuple[int, ...]
    labels: tuple[int, ...]

    @classmethod
    def of(cls, given: Parameters, batch: int, max_boxes: int) -> "Shapes":
        """For batches of `batch` examples whose labels have room for `max_boxes`."""
        wanted = given.ground_truth
        return cls(
            (batch, 3, wanted.image_size_y, wanted.image_size_x),
            (batch, coverage.CHANNELS + wanted.classes, *wanted.grid),
            (batch, 1, max_boxes + 1, labels.LENGTH),
        )

    @property
    def count(self) -> int:
        """Numbers in a batch."""
        return sum(int(np.prod(shape)) for shape in (self.images, self.truth, self.labels))

    def views(self, memory: Array) -> Batch:
        """`memory` (count,) seen as a batch."""
        parts, start = [], 0
        for shape in (self.images, self.truth, self.labels):
            parts.append(memory[start : start + int(np.prod(shape))].reshape(shape))
            start += parts[-1].size
        return Batch(*parts)
