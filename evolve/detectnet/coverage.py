"""Boxes become ground truth on the grid: which cells answer for which object, and with what.

Eight channels and one a class, as NVIDIA Caffe's RectangularCoverageGenerator writes them: 0 foreground; 1-4 the box's
x1, y1, x2, y2 minus the cell's top left corner, in pixels; 5, 6 one over its width and height; 7 obj_norm; 8 and on,
coverage, one map a class. Computed in 64 bits, stored in 32.
"""

import math

import numpy as np
from numpy.typing import NDArray

from evolve.detectnet.labels import CLASS, H, Rows, W, X, Y
from evolve.network.layers.detectnet_parameters import BEFORE_COVERAGE, GroundTruth

_LEAST = float(np.finfo(np.float32).eps)  # of a box's area in pixels, of a cell's covered part

Box = tuple[float, float, float, float]  # x, y, w, h in pixels


def generate(rows: Rows, given: GroundTruth, clip: bool) -> NDArray[np.float32]:
    """Ground truth (8 + classes, H / stride, W / stride) of an image's `rows` (objects, 16), in its own pixels.

    With `clip`, boxes are cut at the image's edge first. Objects of classes that `object_class` does not name and
    boxes without area are left out. Where coverage rectangles overlap, the later row has the cells, whatever class.
    """
    result = np.zeros((BEFORE_COVERAGE + given.classes, *given.grid), np.float32)
    for row in rows.astype(np.float64):
        box = (row[X], row[Y], row[W], row[H])
        if clip:
            box = clipped(box, given.image_size_x, given.image_size_y)
        if int(row[CLASS]) in given.object_class and box[2] * box[3] >= _LEAST:
            _draw(result, box, given.object_class[int(row[CLASS])], given)
    return result


def clipped(box: Box, width: int, height: int) -> Box:
    """What of a box lies inside the image; width and height 0 if nothing does."""
    x, y, w, h = box
    left, top = max(x, 0.0), max(y, 0.0)
    w, h = min(x + w, width) - left, min(y + h, height) - top
    return (left, top, w, h) if w > 0 and h > 0 else (0.0, 0.0, 0.0, 0.0)


def rectangle(box: Box, given: GroundTruth) -> Box:
    """The coverage rectangle: centred on the box, scale_cvg of its sides, not below or above the set length."""
    x, y, w, h = box
    width, height = _side(w, given), _side(h, given)
    return x + (w - width) / 2, y + (h - height) / 2, width, height


def _side(side: float, given: GroundTruth) -> float:
    shrunk = given.scale_cvg * side
    if given.gridbox_type == "GRIDBOX_MIN":
        return min(side, max(given.min_cvg_len, shrunk))
    return min(given.max_cvg_len or math.inf, shrunk)


def _draw(result: NDArray[np.float32], box: Box, number: int, given: GroundTruth) -> None:
    x, y, width, height = rectangle(box, given)
    stride, (rows, columns) = given.stride, given.grid
    covered = np.outer(_overlaps(y, height, stride, rows), _overlaps(x, width, stride, columns))
    cells = covered / stride**2 > _LEAST
    across, down = np.arange(columns) * stride, np.arange(rows)[:, None] * stride
    norm = stride**2 / (width * height)
    values: list[float | NDArray[np.floating]] = [
        1.0,
        box[0] - across,
        box[1] - down,
        box[0] + box[2] - across,
        box[1] + box[3] - down,
        1.0 / box[2],
        1.0 / box[3],
        norm if given.obj_norm else max(1.0, norm),
        # Whatever class had this cell before has it no longer.
        *(float(other == number) for other in range(given.classes)),
    ]
    for channel, value in enumerate(values):
        np.copyto(result[channel], value, where=cells, casting="same_kind")


def _overlaps(start: float, length: float, stride: int, cells: int) -> NDArray[np.float64]:
    """Pixels of each cell (cells,) of one axis that [start, start + length] overlaps."""
    edges = np.arange(cells + 1) * float(stride)
    return np.clip(np.minimum(edges[1:], start + length) - np.maximum(edges[:-1], start), 0, None)
