"""A split of photographs becomes two LMDBs of the same keys: images/ as bytes, labels/ as floats.

A label is a Datum of floats, 1 x (max_boxes + 1) x 16: a count, then a row a box, as DIGITS stores them.

An LMDB is filled value by value under the keys 00000000, 00000001 and so on, and is on the disk in the end.

A split becomes an LMDB of Caffe's Datum messages.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import lmdb
import numpy as np
from numpy.typing import NDArray

from evolve.base.errors import UserError
from evolve.base.files import sync
from evolve.datasets import annotations, image_file
from evolve.datasets.annotations import clipped
from evolve.datasets.census import Census
from evolve.datasets.image_file import fitting
from evolve.datasets.source import Box, Detection, Photo, Split

COLUMNS = 16


def table(boxes: Iterable[tuple[int, Box]], max_boxes: int) -> NDArray[np.float32]:
    """(max_boxes + 1, 16): row 0 is [count, 16, 0 ...]; then x, y, w, h, alpha, class, scenario, roty, truncated,
    occlusion, length, width, height, locx, locy, locz.

    ``boxes`` are (class id, box in stored pixels). Far ones come first, where the distance locz is known, and small
    ones where it is not: DetectNet lets a later box overwrite an earlier one. Dontcare regions lie at -1000 in KITTI.
    """
    rows = sorted(boxes, key=lambda row: (-row[1].locz, row[1].w * row[1].h))
    filled = np.zeros((max_boxes + 1, COLUMNS), np.float32)
    filled[0, :2] = len(rows), COLUMNS
    for number, (class_id, box) in enumerate(rows, 1):
        filled[number] = (
            *(box.x, box.y, box.w, box.h, box.alpha, class_id, box.scenario, box.roty, box.truncated, box.occlusion),
            *(box.length, box.width, box.height, box.locx, box.locy, box.locz),
        )
    return filled


def datum(filled: NDArray[np.float32]) -> Any:
    """The caffe Datum of a label's table; Caffe's Data layer gives it back as 1 x rows x 16."""
    from evolve.base.caffe_messages import caffe_pb2

    rows, columns = filled.shape
    return caffe_pb2.Datum(channels=1, height=rows, width=columns, float_data=filled.ravel().tolist())


def array(datum: Any) -> NDArray[np.float32]:
    """The table (rows, 16) in a label's Datum."""
    return np.array(datum.float_data, np.float32).reshape(datum.height, datum.width)


PAGE = 4096  # bytes
PIECE = 1 << 26  # bytes a transaction


class Store:
    """A new LMDB in ``folder`` that takes ``expected`` bytes at most; ``stored`` hears each key and value.

    Used as a context; when it ends well, all is on the disk. Raises lmdb.Error or OSError.
    """

    def __init__(self, folder: Path, expected: int, stored: Callable[[bytes], None]) -> None:
        folder.mkdir(parents=True)
        self._folder, self._stored = folder, stored
        # The map is address space, not disk: four times the content is never too little, and costs nothing.
        self._environment = lmdb.open(str(folder), map_size=4 * expected, sync=False)
        self._count = 0
        self._pending: list[tuple[bytes, bytes]] = []
        self._bytes = 0

    def put(self, value: bytes) -> None:
        """Adds a value under the next key."""
        key = b"%08d" % self._count
        self._count += 1
        self._pending.append((key, value))
        self._bytes += len(value)
        self._stored(key + value)
        if self._bytes >= PIECE:
            self._commit()

    def _commit(self) -> None:
        with self._environment.begin(write=True) as transaction:
            for key, value in self._pending:
                transaction.put(key, value, append=True)
        self._pending, self._bytes = [], 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._commit()
        finally:
            self._environment.close()
        (self._folder / "lock.mdb").unlink()  # readers make their own
        if kind is None:
            sync(self._folder / "data.mdb")
            sync(self._folder)


def space(record: int, count: int) -> int:
    """Bytes on disk, at most, of ``count`` values of ``record`` bytes: small ones share a page, large have some."""
    record += 64  # the Datum's other fields, the key, LMDB's own
    each = PAGE // (PAGE // record) if record <= PAGE // 2 else PAGE * -(-record // PAGE) + 64
    return count * each * 51 // 50 + (1 << 18)  # 2 % for the pages that lead to those


Rows = list[tuple[int, Box]]


def write_detection(
    folder: Path,
    photos: Iterable[Photo],
    count: int,
    wanted: Detection,
    stored: Callable[[bytes], None],
) -> Census:
    """Writes ``count`` photographs in their order, tells ``stored`` each key and value (image, then its label).

    Images are read one at a time. Raises UserError for one that cannot be read or is not as its annotations say.
    """
    census = Census()
    image_bytes, label_bytes = record_bytes(wanted)
    images = Store(folder / "images", space(image_bytes, count), stored)
    labels = Store(folder / "labels", space(label_bytes, count), stored)
    with images, labels:
        for photo in photos:
            pixels, rows = fitted(photo, wanted, census)
            images.put(_image_datum(pixels).SerializeToString())
            labels.put(datum(table(rows, wanted.max_boxes)).SerializeToString())
            census.add(rows)
    return census


def record_bytes(wanted: Detection) -> tuple[int, int]:
    """Bytes of an image and of a label."""
    return 3 * wanted.width * wanted.height, 4 * COLUMNS * (wanted.max_boxes + 1)


def fitted(photo: Photo, wanted: Detection, census: Census) -> tuple[NDArray[np.uint8], Rows]:
    """The image (height, width, 3) as stored, and its boxes with their class ids, in stored pixels."""
    pixels = image_file.read(photo.file, photo.where)
    height, width = pixels.shape[:2]
    if photo.size and photo.size != (width, height):
        raise UserError(
            f"{photo.where}: expected an image of {photo.size[0]}x{photo.size[1]}, got {width}x{height} in "
            f"{photo.file}; the boxes were drawn on another image"
        )
    fit = fitting(wanted, (width, height), photo)
    inside = [clipped(box, width, height, census.clipped) for box in photo.boxes]
    return fit.image(pixels), [_row(box, fit.box(box.x, box.y, box.w, box.h), wanted, census) for box in inside]


def _row(box: Box, place: Sequence[float], wanted: Detection, census: Census) -> tuple[int, Box]:
    x, y, w, h = place
    class_id = annotations.ids(wanted)[box.name]
    if class_id and min(w, h) < wanted.smallest:
        census.ignored += 1
        class_id = annotations.DONTCARE
    return class_id, replace(box, x=x, y=y, w=w, h=h)


def _image_datum(pixels: NDArray[np.uint8]) -> Any:
    from evolve.base.caffe_messages import caffe_pb2

    height, width, channels = pixels.shape
    return caffe_pb2.Datum(channels=channels, height=height, width=width, data=pixels.transpose(2, 0, 1).tobytes())


BATCH = 2000  # images padded at a time


def write(folder: Path, split: Split, order: NDArray[np.int64], stored: Callable[[bytes], None]) -> None:
    """Writes the split's samples in ``order`` (N,) into ``folder``, and tells ``stored`` each key and value.

    The stored pixels are uint8, not encoded, channels first: what Caffe's Data layer reads. Returns when all
    of it is on the disk. Raises lmdb.Error or OSError if that fails.
    """
    with Store(folder, split_bytes(split), stored) as store:
        for start in range(0, len(order), BATCH):
            for value in _datums(split, order[start : start + BATCH]):
                store.put(value)


def split_bytes(split: Split) -> int:
    """Bytes that the split takes on disk, at most."""
    return space(int(np.prod(split.shape)), len(split))


def _datums(split: Split, rows: NDArray[np.int64]) -> list[bytes]:
    # Imported here: without Caffe its messages raise a UserError, which belongs to the writing alone.
    from evolve.base.caffe_messages import caffe_pb2

    side = (split.margin, split.margin)
    images = np.pad(split.images[rows], ((0, 0), (0, 0), side, side))
    channels, height, width = split.shape
    return [
        caffe_pb2.Datum(
            channels=channels, height=height, width=width, data=image.tobytes(), label=int(label)
        ).SerializeToString()
        for image, label in zip(images, split.labels[rows], strict=True)
    ]
