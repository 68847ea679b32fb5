"""DIGITS's label blob: a count, then a row of sixteen numbers for each object of an image.

Row 0 is [count, 16, 0, …]; a row is x, y, w, h, alpha, class, scenario, roty, truncated, occlusion, length, width,
height, locx, locy, locz: x and y of the top left corner and w and h in pixels.
"""

import numpy as np
from numpy.typing import NDArray

from evolve.base.counted import counted
from evolve.base.errors import UserError
from evolve.datasets.dataset import AGAIN
from evolve.network.axes import written
from evolve.network.layers.detectnet_parameters import LABEL_LENGTH

X, Y, W, H = range(4)
TRUNCATED, OCCLUSION = 8, 9  # KITTI's: 0 to 1; 0, 1, 2, and 3 for unknown
CLASS = 5  # in the data set's own list of classes; 0 is dontcare
MOST_CLASSES = 1 << 24  # whole numbers that 32 bits tell apart

Rows = NDArray[np.float32]  # (objects, 16)


def unpack(blob: NDArray[np.float32], where: str) -> Rows:
    """A copy of the rows (objects, 16) of one label (…, max_boxes + 1, 16). UserError at `where` if malformed."""
    if blob.ndim < 2 or blob.shape[-1] != LABEL_LENGTH or blob.size != blob.shape[-2] * LABEL_LENGTH:
        raise UserError(
            f"{where}: expected a label of 1 x (max_boxes + 1) x {LABEL_LENGTH}, "
            f"got {written(blob.shape)}; {AGAIN}"
        )
    table = blob.reshape(-1, LABEL_LENGTH)
    count, length = table[0, :2]
    if length != LABEL_LENGTH or not 0 <= count < len(table) or count != int(count):
        raise UserError(
            f"{where}: expected row 0 of a label to be a count up to {len(table) - 1}, then {LABEL_LENGTH}, "
            f"got {count:g}, {length:g}; {AGAIN}"
        )
    rows = table[1 : 1 + int(count)].copy()
    if not np.isfinite(rows).all() or (rows[:, [W, H]] < 0).any():
        raise UserError(f"{where}: expected boxes of finite, not negative size; {AGAIN}")
    kinds = rows[:, CLASS]
    if (wrong := (kinds != np.rint(kinds)) | (kinds < 0) | (kinds > MOST_CLASSES)).any():
        raise UserError(f"{where}: expected whole numbers from 0 for classes, got {kinds[wrong][0]:g}; {AGAIN}")
    return rows


def pack(rows: Rows, blob: NDArray[np.float32], where: str) -> None:
    """Writes `rows` (objects, 16) into one image's label `blob` (…, max_boxes + 1, 16). UserError if it has no room."""
    table = blob.reshape(-1, LABEL_LENGTH)
    if len(rows) >= len(table):
        most = counted(len(table) - 1, "box", "boxes")
        raise UserError(f"{where}: expected at most {most}, got {len(rows)}; {AGAIN}")
    table[...] = 0
    table[0, :2] = len(rows), LABEL_LENGTH
    table[1 : 1 + len(rows)] = rows


def maps(rows: Rows, object_class: dict[int, int]) -> NDArray[np.int64]:
    """The coverage map of each of `rows`, -1 for what is no object; `object_class` maps the labels' classes to them."""
    return np.array([object_class.get(int(kind), -1) for kind in rows[:, CLASS]], int)


def corners(rows: Rows) -> NDArray[np.float32]:
    """x1, y1, x2, y2 (objects, 4) of `rows`, in pixels."""
    return np.concatenate([rows[:, [X, Y]], rows[:, [X, Y]] + rows[:, [W, H]]], axis=1)
