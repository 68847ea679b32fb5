"""Examples for detection: an LMDB of images and one of labels, whose records belong together by their keys."""

import math
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.datasets import image_file
from evolve.datasets.dataset import AGAIN
from evolve.datasets.lmdb_read import opened
from evolve.detectnet import labels
from evolve.network.axes import written
from evolve.network.layers.detectnet_parameters import LABEL_LENGTH


class Examples:
    """Both LMDBs, open for reading; examples are numbered from 0 in the order of the keys, and begin again at the end.

    UserError if either is no LMDB or empty, if their keys differ, or if the first example is malformed.
    """

    def __init__(self, source: Path, label_source: Path) -> None:
        self._images, self._labels = _records(source), _records(label_source)
        if self._images.keys != self._labels.keys:
            raise UserError(_difference(self._images, self._labels))
        self.max_boxes = self.label(0).shape[-2] - 1
        self.image(0)

    def __len__(self) -> int:
        return len(self._images.keys)

    def image(self, number: int) -> NDArray[Any]:
        """Image (3, H, W) of 0..255, blue, green, red: uint8, or float32 from a float Datum."""
        datum, where = self._images.datum(number)
        if datum.encoded:
            return image_file.decoded(datum.data, where).transpose(2, 0, 1)
        shape = (datum.channels, datum.height, datum.width)
        if shape[0] != 3 or shape[1] < 1 or shape[2] < 1:
            raise UserError(f"{where}: expected an image of 3 channels, got {written(shape)}; {AGAIN}")
        return _values(datum, shape, where)

    def label(self, number: int) -> NDArray[np.float32]:
        """Label (1, max_boxes + 1, 16), as `labels` describes it."""
        datum, where = self._labels.datum(number)
        shape = (datum.channels, datum.height, datum.width)
        if shape[0] != 1 or shape[1] < 1 or shape[2] != LABEL_LENGTH:
            expected = f"1 x (max_boxes + 1) x {LABEL_LENGTH}"
            raise UserError(f"{where}: expected a label of {expected}, got {written(shape)}; {AGAIN}")
        return _values(datum, shape, where).astype(np.float32)

    def rows(self, number: int) -> labels.Rows:
        """The objects (objects, 16) in the label."""
        return labels.unpack(self.label(number), self._labels.place(number))


# LMDB lets a process open a database once: nets of both phases, and layers of one net, share it.
_OPEN: "WeakValueDictionary[Path, _Records]" = WeakValueDictionary()


def _records(folder: Path) -> "_Records":
    records = _OPEN.get(folder.resolve()) or _Records(folder)
    return _OPEN.setdefault(folder.resolve(), records)


class _Records:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._environment = opened(folder)
        with self._environment.begin() as transaction:
            self.keys = [bytes(key) for key in transaction.cursor().iternext(keys=True, values=False)]

    def datum(self, number: int) -> tuple[Any, str]:
        """The Datum of that number, and how a message calls it."""
        key, where = self.keys[number % len(self.keys)], self.place(number)
        with self._environment.begin(buffers=True) as transaction:
            try:
                return caffe_pb2.Datum.FromString(bytes(transaction.get(key) or b"")), where
            except DecodeError as error:
                raise UserError(f"{where}: expected a Datum, got {error}; {AGAIN}") from None

    def place(self, number: int) -> str:
        """How a message calls that record."""
        return f"{self.folder}: record '{self.keys[number % len(self.keys)].decode(errors='replace')}'"


def _values(datum: Any, shape: tuple[int, ...], where: str) -> NDArray[Any]:
    count = math.prod(shape)
    values = np.frombuffer(datum.data, np.uint8) if datum.data else np.array(datum.float_data, np.float32)
    if len(values) != count:
        raise UserError(f"{where}: expected {written(shape)} = {count} values, got {len(values)}; {AGAIN}")
    return values.reshape(shape)


def _difference(images: _Records, boxes: _Records) -> str:
    alone = sorted(set(images.keys) ^ set(boxes.keys))
    holder = images if alone[0] in images.keys else boxes
    return (
        f"{images.folder}, {boxes.folder}: expected the same keys, got {len(images.keys)} and {len(boxes.keys)}, "
        f"'{alone[0].decode(errors='replace')}' in {holder.folder} only; {AGAIN}"
    )
