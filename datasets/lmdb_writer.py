"""A split becomes an LMDB of Caffe's Datum messages under the keys 00000000, 00000001 and so on."""

from collections.abc import Callable
from pathlib import Path

import lmdb
import numpy as np
from numpy.typing import NDArray

from datasets.disk import sync_file, sync_folder
from datasets.source import Split

BATCH = 2000  # records a transaction
PAGE = 4096  # bytes


def write(folder: Path, split: Split, order: NDArray[np.int64], stored: Callable[[bytes], None]) -> None:
    """Writes the split's samples in ``order`` (N,) into ``folder``, and tells ``stored`` each key and value.

    The stored pixels are uint8, not encoded, channels first: what Caffe's Data layer reads. Returns when all
    of it is on the disk. Raises lmdb.Error or OSError if that fails.
    """
    folder.mkdir()
    # The map is address space, not disk: four times the content is never too little, and costs nothing.
    environment = lmdb.open(str(folder), map_size=4 * split_bytes(split), sync=False)
    try:
        for start in range(0, len(order), BATCH):
            values = _datums(split, order[start : start + BATCH])
            with environment.begin(write=True) as transaction:
                for number, value in enumerate(values, start):
                    key = b"%08d" % number
                    transaction.put(key, value, append=True)
                    stored(key + value)
    finally:
        environment.close()
    (folder / "lock.mdb").unlink()  # readers make their own
    sync_file(folder / "data.mdb")
    sync_folder(folder)


def split_bytes(split: Split) -> int:
    """Bytes that the split takes on disk, at most: small records share an LMDB page, large ones have some."""
    record = int(np.prod(split.shape)) + 64  # and the Datum's other fields, the key, LMDB's own
    each = PAGE // (PAGE // record) if record <= PAGE // 2 else PAGE * -(-record // PAGE) + 64
    return len(split) * each * 51 // 50 + (1 << 18)  # 2 % for the pages that lead to those


def _datums(split: Split, rows: NDArray[np.int64]) -> list[bytes]:
    # Imported here: without Caffe its messages raise a UserError, which belongs to the writing alone.
    from evolve.network.caffe_proto import caffe_pb2

    side = (split.margin, split.margin)
    images = np.pad(split.images[rows], ((0, 0), (0, 0), side, side))
    channels, height, width = split.shape
    return [
        caffe_pb2.Datum(
            channels=channels, height=height, width=width, data=image.tobytes(), label=int(label)
        ).SerializeToString()
        for image, label in zip(images, split.labels[rows], strict=True)
    ]
