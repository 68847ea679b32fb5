"""Whether two LMDBs belong together as images and their labels, whoever made them: keys, sizes, kinds of numbers."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evolve.base.errors import UserError
from evolve.datasets.lmdb_read import opened
from evolve.datasets.lmdb_write import COLUMNS


@dataclass(frozen=True)
class Pair:
    """``count`` images of (channels, height, width), and labels with rows for ``max_boxes`` boxes."""

    count: int
    shape: tuple[int, int, int]
    max_boxes: int


def check(images: Path, labels: Path) -> Pair:
    """What the folders hold, by their first records; every key is compared.

    Raises UserError if one is no LMDB or empty, if keys differ, if an image is not 3 channels of bytes, or a label
    not a table of floats with a count.
    """
    with _reading(images) as of_images, _reading(labels) as of_labels:
        count = _same_keys(images, of_images, labels, of_labels)
        return Pair(count, _image_shape(images, of_images), _rows(labels, of_labels) - 1)


@contextmanager
def _reading(folder: Path) -> Iterator[Any]:
    """A transaction."""
    with opened(folder) as environment, environment.begin() as transaction:
        yield transaction


def _same_keys(images: Path, of_images: Any, labels: Path, of_labels: Any) -> int:
    pairs = zip(_keys(of_images), _keys(of_labels), strict=True)
    count = 0
    try:
        for image, label in pairs:
            if image != label:
                raise UserError(
                    f"{labels}: expected the keys of {images}, got '{label.decode(errors='replace')}' where that has "
                    f"'{image.decode(errors='replace')}' (record {count}); make both again, together"
                )
            count += 1
    except ValueError:
        have, has = of_images.stat()["entries"], of_labels.stat()["entries"]
        raise UserError(
            f"{labels}: expected a label for each of {have} images in {images}, got {has}; make both again, together"
        ) from None
    return count


def _keys(transaction: Any) -> Iterator[bytes]:
    return iter(transaction.cursor().iternext(keys=True, values=False))


def _first(folder: Path, transaction: Any) -> Any:
    from google.protobuf.message import DecodeError

    from evolve.base.caffe_messages import caffe_pb2

    cursor = transaction.cursor()
    cursor.first()
    try:
        return caffe_pb2.Datum.FromString(cursor.value())
    except DecodeError:
        key = cursor.key().decode(errors="replace")
        raise UserError(f"{folder}: record {key}: expected Caffe's Datum, got something else; make it again") from None


def _image_shape(folder: Path, transaction: Any) -> tuple[int, int, int]:
    datum = _first(folder, transaction)
    if datum.encoded:
        raise UserError(
            f"{folder}: expected images as plain bytes, got encoded ones, which a Caffe without OpenCV cannot read; "
            "make them again without encoding"
        )
    if datum.channels != 3:
        raise UserError(f"{folder}: expected images of 3 channels, got {datum.channels}; make them again in colour")
    shape = datum.channels, datum.height, datum.width
    if len(datum.data) != datum.channels * datum.height * datum.width:
        size = "x".join(map(str, shape))
        raise UserError(f"{folder}: expected {size} bytes in an image, got {len(datum.data)}; make them again")
    return shape


def _rows(folder: Path, transaction: Any) -> int:
    datum = _first(folder, transaction)
    if (datum.channels, datum.width) != (1, COLUMNS) or len(datum.float_data) != datum.height * COLUMNS:
        raise UserError(
            f"{folder}: expected labels of 1 x rows x {COLUMNS} floats, got {datum.channels}x{datum.height}x"
            f"{datum.width} with {len(datum.float_data)}; images and labels may be interchanged"
        )
    count = datum.float_data[0]
    if datum.float_data[1] != COLUMNS or not 0 <= count < datum.height or not count.is_integer():
        raise UserError(
            f"{folder}: expected a label that begins with its count of boxes (up to {datum.height - 1}) and {COLUMNS}, "
            f"got {count:g} and {datum.float_data[1]:g}; make them again"
        )
    return int(datum.height)
