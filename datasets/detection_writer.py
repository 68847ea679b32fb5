"""A split of photographs becomes two LMDBs of the same keys: images/ as bytes, labels/ as floats."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datasets import box_classes, image_file, label_datum
from datasets.box_checks import clipped
from datasets.boxes import Box, Photo
from datasets.census import Census
from datasets.detection import Detection
from datasets.fitting import fitting
from datasets.lmdb_store import Store, space
from evolve.errors import UserError

Rows = list[tuple[int, Box]]


def write(
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
            labels.put(label_datum.datum(label_datum.table(rows, wanted.max_boxes)).SerializeToString())
            census.add(rows)
    return census


def record_bytes(wanted: Detection) -> tuple[int, int]:
    """Bytes of an image and of a label."""
    return 3 * wanted.width * wanted.height, 4 * label_datum.COLUMNS * (wanted.max_boxes + 1)


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
    class_id = box_classes.ids(wanted)[box.name]
    if class_id and min(w, h) < wanted.smallest:
        census.ignored += 1
        class_id = box_classes.DONTCARE
    return class_id, replace(box, x=x, y=y, w=w, h=h)


def _image_datum(pixels: NDArray[np.uint8]) -> Any:
    from evolve.network.caffe_proto import caffe_pb2

    height, width, channels = pixels.shape
    return caffe_pb2.Datum(channels=channels, height=height, width=width, data=pixels.transpose(2, 0, 1).tobytes())
