"""A split's first images, read back from its LMDB without Caffe.

An LMDB is opened only if its file is as long as its meta page says, or has every page that is read all the same: one
that is missing ends the process.
"""

import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import lmdb
import numpy as np
from numpy.typing import NDArray

from evolve.base.counted import counted
from evolve.base.errors import UserError
from evolve.datasets import label_datum, lmdb_pages
from evolve.datasets.dataset import AGAIN, LMDB, Dataset

# From LMDB's own layout (mdb.c, 0.9): each of the first two pages is a header and a meta page, the newer one counts.
_MAGIC = struct.Struct("<16xI")
_PAGE_SIZE = struct.Struct("<40xI")
_LAST_PAGE, _TRANSACTION = struct.Struct("<136xQ"), struct.Struct("<144xQ")
_META = 152  # bytes to its end


def opened(folder: Path) -> Any:
    """The environment in ``folder``, for reading; UserError if it is none, empty or cut off."""
    file = folder / LMDB
    held, whole = _bytes(file)
    if held < whole and lmdb_pages.damage(file):
        raise UserError(f"{file}: expected {whole} bytes, got {held}: it was cut off; {AGAIN}")
    try:
        # No lock file: the folder may be read-only, and nobody writes to a finished data set.
        environment = lmdb.open(str(folder), readonly=True, lock=False, create=False)
    except lmdb.Error as error:
        raise UserError(f"{folder}: expected an LMDB, got: {_what(folder, error)}; {AGAIN}") from None
    if not environment.stat()["entries"]:
        environment.close()
        raise UserError(f"{folder}: expected records, got an empty LMDB; {AGAIN}")
    return environment


def _bytes(file: Path) -> tuple[int, int]:
    """How many it has, and how many its newer meta page says; 0 and 0 for what LMDB refuses by itself."""
    try:
        with open(file, "rb") as opened:
            first = opened.read(_META)
            size = _PAGE_SIZE.unpack_from(first)[0]
            opened.seek(size)
            newer = max(first, opened.read(_META), key=lambda meta: _TRANSACTION.unpack_from(meta)[0])
            held = opened.seek(0, os.SEEK_END)
    except (OSError, struct.error):
        return 0, 0
    is_lmdb = _MAGIC.unpack_from(first)[0] == 0xBEEFC0DE
    return (held, (_LAST_PAGE.unpack_from(newer)[0] + 1) * size) if is_lmdb else (0, 0)


@contextmanager
def whole(folder: Path) -> Iterator[None]:
    """Turns what LMDB says of damaged pages, which the block reads, into a UserError."""
    try:
        yield
    except lmdb.Error as error:
        raise UserError(f"{folder}: expected a whole LMDB, got: {_what(folder, error)}; {AGAIN}") from None


def _what(folder: Path, error: lmdb.Error) -> str:
    file = folder / LMDB
    if file.is_file() and not file.stat().st_size:
        return f"an empty file {LMDB}"
    return str(error).removeprefix(f"{folder}: ")


T = TypeVar("T")


def read(folder: Path, count: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The first ``count`` images (count, C, H, W) as raw pixel values 0..255, and their labels (count,).

    Raises UserError if the folder holds no LMDB, or fewer images.
    """
    found = _datums(folder, count, _image)
    if len(shapes := {image.shape for image, _ in found}) > 1:
        several = " and ".join(sorted("x".join(map(str, shape)) for shape in shapes))
        raise UserError(f"{folder}: expected images of one shape, got {several}; {AGAIN}")
    return np.stack([image for image, _ in found]), np.array([label for _, label in found], np.int64)


def images(dataset: Dataset, split: str, count: int) -> NDArray[np.float32]:
    """The first ``count`` images of that split, as ``read`` gives them."""
    folder = dataset.folder / split
    return read(folder / "images" if dataset.has_boxes else folder, count)[0]


def labels(dataset: Dataset, split: str, count: int) -> NDArray[np.float32]:
    """The first ``count`` labels (count, max_boxes + 1, 16) of that split of a detection data set."""
    return np.stack(_datums(dataset.folder / split / "labels", count, label_datum.array))


def _image(datum: Any) -> tuple[NDArray[np.float32], int]:
    pixels = np.frombuffer(datum.data, np.uint8).astype(np.float32)
    return pixels.reshape(datum.channels, datum.height, datum.width), datum.label


def _datums(folder: Path, count: int, read: Callable[[Any], T]) -> list[T]:
    """What ``read`` makes of each Datum; UserError for a record that is none, or has not the values that it says."""
    from google.protobuf.message import DecodeError

    from evolve.base.caffe_messages import caffe_pb2

    found = []
    for number, value in enumerate(_values(folder, count)):
        try:
            found.append(read(caffe_pb2.Datum.FromString(value)))
        except (DecodeError, ValueError) as error:
            raise UserError(f"{folder}: record {number}: expected a Datum, got: {error}; {AGAIN}") from None
    return found


def _values(folder: Path, count: int) -> list[bytes]:
    with opened(folder) as environment, whole(folder), environment.begin() as transaction:
        held = environment.stat()["entries"]
        if not 0 < count <= held:
            raise UserError(
                f"{folder}: expected 1 to {counted(held, 'image')} to read, got {count}; ask for as many as there are"
            )
        return [value for _, (_, value) in zip(range(count), transaction.cursor(), strict=False)]
