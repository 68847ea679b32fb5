"""A batch of examples is made: images, ground truth and moved labels, in memory that processes can share."""

import mmap
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evolve.detectnet import labels
from evolve.detectnet.examples import Examples
from evolve.network.layers.detectnet_parameters import Data, Parameters

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
        return cls(*given.shapes(batch, max_boxes))

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


def open_examples(data: Data) -> Examples:
    """The examples that a data layer reads. UserError as Examples."""
    return Examples(Path(data.source), Path(data.label_source))


def make(number: int, examples: Examples, given: Parameters, train: bool, batch: Batch) -> None:
    """Makes batch `number` (from 0, after data_param's start) into `batch`. UserError if an example is malformed."""
    # Who asks for shapes alone needs no OpenCV.
    from evolve.detectnet import transformation

    assert given.data
    size = len(batch.images)
    for place in range(size):
        example = given.data.start + number * size + place
        image, rows = examples.image(example), examples.rows(example)
        moved = transformation.transform(image, rows, given, train, example, batch.images[place], batch.truth[place])
        labels.pack(moved, batch.labels[place], f"example {example}")


def shared_memory(descriptor: int, count: int, slots: int) -> list[Array]:
    """`slots` arrays (count,) in the file of that descriptor, which every process that has it sees."""
    # The arrays keep the map, and the map the memory: nothing has a name that could stay behind.
    memory = mmap.mmap(descriptor, 4 * count * slots)
    return list(np.frombuffer(memory, np.float32).reshape(slots, count))


def new_memory(count: int, slots: int) -> int:
    """The descriptor of a file in memory (or, where there is no such thing, without a name) with room for that."""
    descriptor = os.memfd_create("batches") if hasattr(os, "memfd_create") else _unnamed_file()
    os.truncate(descriptor, 4 * count * slots)
    return descriptor


def _unnamed_file() -> int:
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
