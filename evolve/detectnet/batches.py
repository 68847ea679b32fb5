"""A batch of examples, made: images, ground truth and moved labels, in memory that processes can share."""

import mmap
import os
import tempfile
from pathlib import Path

import numpy as np

from evolve.detectnet import labels, transformation
from evolve.detectnet.batch import Array, Batch
from evolve.detectnet.examples import Examples
from evolve.detectnet.parameters import Data, Parameters


def open_examples(data: Data) -> Examples:
    """The examples that a data layer reads. UserError as Examples."""
    return Examples(Path(data.source), Path(data.label_source))


def make(number: int, examples: Examples, given: Parameters, train: bool, batch: Batch) -> None:
    """Makes batch `number` (from 0, after data_param's start) into `batch`. UserError if an example is malformed."""
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
