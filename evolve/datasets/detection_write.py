"""A split of photographs becomes two LMDBs of the same keys: images/ as bytes, labels/ as floats."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evolve.base.errors import UserError
from evolve.datasets import annotations, image_file, orientation
from evolve.datasets.annotations import clipped
from evolve.datasets.census import Census
from evolve.datasets.detection import Box, Detection, Photo
from evolve.datasets.fitting import fitting
from evolve.datasets.image_form import Form
from evolve.datasets.label_datum import datum, table
from evolve.datasets.lmdb_write import Store, space
from evolve.network.layers.detectnet_parameters import LABEL_LENGTH

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
    census = Census(cell=wanted.stride)
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
    return 3 * wanted.width * wanted.height, 4 * LABEL_LENGTH * (wanted.max_boxes + 1)


def fitted(photo: Photo, wanted: Detection, census: Census) -> tuple[NDArray[np.uint8], Rows]:
    """The image (height, width, 3) as stored, and its boxes with their class ids, in stored pixels."""
    turn = orientation.turned(photo, wanted)
    levels = (wanted.levels[0], wanted.levels[1]) if wanted.levels else None
    pixels = image_file.read(photo.file, photo.where, Form(turned=turn is not False, levels=levels))
    census.turned += turn is True
    height, width = pixels.shape[:2]
    if photo.size and photo.size != (width, height):
        raise UserError(
            f"{photo.where}: expected an image of {photo.size[0]}x{photo.size[1]}, got {width}x{height} in "
            f"{photo.file}; the boxes were drawn on another image"
        )
    fit = fitting(wanted, (width, height), photo)
    boxes = [_in_pixels(box, width, height) for box in photo.boxes] if photo.relative else photo.boxes
    inside = [clipped(box, width, height, census.clipped) for box in boxes]
    return fit.image(pixels), [_row(box, fit.box(box.x, box.y, box.w, box.h), wanted, census) for box in inside]


def _in_pixels(box: Box, width: int, height: int) -> Box:
    return replace(box, x=box.x * width, y=box.y * height, w=box.w * width, h=box.h * height)


def _row(box: Box, place: Sequence[float], wanted: Detection, census: Census) -> tuple[int, Box]:
    x, y, w, h = place
    class_id = annotations.DONTCARE if box.difficult else annotations.ids(wanted)[box.name]
    if class_id and min(w, h) < wanted.smallest:
        census.ignored += 1
        class_id = annotations.DONTCARE
    return class_id, replace(box, x=x, y=y, w=w, h=h)


def _image_datum(pixels: NDArray[np.uint8]) -> Any:
    from evolve.base.caffe_messages import caffe_pb2

    height, width, channels = pixels.shape
    return caffe_pb2.Datum(channels=channels, height=height, width=width, data=pixels.transpose(2, 0, 1).tobytes())
