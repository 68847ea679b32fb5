"""A label is a Datum of floats, 1 x (max_boxes + 1) x 16: a count, then a row a box, as DIGITS stores them."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evolve.datasets.detection import Box
from evolve.network.layers.detectnet_parameters import LABEL_LENGTH


def table(boxes: Iterable[tuple[int, Box]], max_boxes: int) -> NDArray[np.float32]:
    """(max_boxes + 1, 16): row 0 is [count, 16, 0 ...]; then x, y, w, h, alpha, class, scenario, roty, truncated,
    occlusion, length, width, height, locx, locy, locz.

    ``boxes`` are (class id, box in stored pixels). Far ones come first, where the distance locz is known, and small
    ones where it is not: DetectNet lets a later box overwrite an earlier one. Dontcare regions lie at -1000 in KITTI.
    """
    rows = sorted(boxes, key=lambda row: (-row[1].locz, row[1].w * row[1].h))
    filled = np.zeros((max_boxes + 1, LABEL_LENGTH), np.float32)
    filled[0, :2] = len(rows), LABEL_LENGTH
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
