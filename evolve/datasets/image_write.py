"""A split of images with a class each becomes an LMDB of Caffe's Datum messages."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evolve.datasets import image_datum
from evolve.datasets.lmdb_write import Store, space
from evolve.datasets.source import Split

BATCH = 2000  # images padded at a time


def write(folder: Path, split: Split, order: NDArray[np.int64], stored: Callable[[bytes], None]) -> None:
    """Writes the split's samples in ``order`` (N,) into ``folder``, and tells ``stored`` each key and value.

    The stored pixels are uint8, not encoded, channels first: what Caffe's Data layer reads. Returns when all
    of it is on the disk. Raises lmdb.Error or OSError if that fails.
    """
    with Store(folder, split_bytes(split, len(order)), stored) as store:
        for start in range(0, len(order), BATCH):
            for value in _datums(split, order[start : start + BATCH]):
                store.put(value)


def split_bytes(split: Split, count: int) -> int:
    """Bytes that ``count`` of the split's samples take on disk, at most."""
    return space(int(np.prod(split.shape)), count)


def _datums(split: Split, rows: NDArray[np.int64]) -> list[bytes]:
    side = (split.margin, split.margin)
    images = np.pad(split.images[rows], ((0, 0), (0, 0), side, side))
    return [image_datum.value(image, int(label)) for image, label in zip(images, split.labels[rows], strict=True)]
