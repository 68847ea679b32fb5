"""A split's first images, read back from its LMDB without Caffe."""

from pathlib import Path

import lmdb
import numpy as np
from numpy.typing import NDArray

from datasets import label_datum
from datasets.dataset import Dataset
from evolve.errors import UserError


def read(folder: Path, count: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The first ``count`` images (count, C, H, W) as raw pixel values 0..255, and their labels (count,).

    Raises UserError if the folder holds no LMDB, or fewer images.
    """
    from evolve.network.caffe_proto import caffe_pb2

    images, labels = [], []
    for value in _values(folder, count):
        datum = caffe_pb2.Datum.FromString(value)
        pixels = np.frombuffer(datum.data, np.uint8).astype(np.float32)
        images.append(pixels.reshape(datum.channels, datum.height, datum.width))
        labels.append(datum.label)
    return np.stack(images), np.array(labels, np.int64)


def images(dataset: Dataset, split: str, count: int) -> NDArray[np.float32]:
    """The first ``count`` images of that split, as ``read`` gives them."""
    folder = dataset.folder / split
    return read(folder / "images" if dataset.class_names else folder, count)[0]


def labels(dataset: Dataset, split: str, count: int) -> NDArray[np.float32]:
    """The first ``count`` labels (count, max_boxes + 1, 16) of that split of a detection data set."""
    from evolve.network.caffe_proto import caffe_pb2

    values = _values(dataset.folder / split / "labels", count)
    return np.stack([label_datum.array(caffe_pb2.Datum.FromString(value)) for value in values])


def _values(folder: Path, count: int) -> list[bytes]:
    try:
        # No lock file: the folder may be read-only, and nobody writes to a finished data set.
        environment = lmdb.open(str(folder), readonly=True, lock=False, create=False)
    except lmdb.Error as error:
        raise UserError(f"{folder}: expected an LMDB, got {error}; make the data again") from None
    with environment, environment.begin() as transaction:
        held = environment.stat()["entries"]
        if not 0 < count <= held:
            raise UserError(
                f"{folder}: expected 1 to {held} images to read, got {count}; ask for as many as there are"
            )
        return [value for _, (_, value) in zip(range(count), transaction.cursor(), strict=False)]
