"""Cells that see an object vote for its box: coverage and boxes on the grid become a list of detections.

NVIDIA Caffe's ClusterDetections. Until February 2019 (before v0.17.3) it gave corners x1, y1, x2, y2 to a function that
takes x, y, w, h, so that boxes far from the image's corner were joined more readily: that is `legacy`.
"""

import numpy as np
from numpy.typing import NDArray

from evolve.detectnet.grouping import group
from evolve.network.layers.detectnet_clustering import Clustering

Detections = NDArray[np.float64]  # (detections, 5): x1, y1, x2, y2 in pixels, confidence


def cluster(coverage: NDArray[np.float32], boxes: NDArray[np.float32], given: Clustering) -> Detections:
    """Detections (detections, 5) of one class in one image, confidence ln(members), in the order of their groups.

    `coverage` (rows, columns) and `boxes` (4, rows, columns), corners in pixels from each cell's top left corner. Of
    more than max_boxes the most confident ones remain.
    """
    # A network that diverges predicts boxes that are no numbers.
    cells = (coverage >= given.coverage_threshold) & np.isfinite(boxes).all(axis=0)
    found = candidates(boxes, given.stride, cells)
    corners, members = _grouped(found, given)
    high = corners[:, 3] - corners[:, 1] >= given.min_height
    detections = np.column_stack([corners[high].astype(np.float64), np.log(members[high])])
    most = np.sort(np.argsort(-detections[:, 4], kind="stable")[: given.max_boxes])
    return detections[most]


def candidates(boxes: NDArray[np.float32], stride: int, cells: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Corners (candidates, 4) in pixels that the `cells` (rows, columns) propose, row by row."""
    rows, columns = np.nonzero(cells)
    corner = np.stack([columns, rows, columns, rows], axis=1) * float(stride)
    return boxes[:, rows, columns].T.astype(np.float64) + corner


def ground_truth(coverage: NDArray[np.float32], boxes: NDArray[np.float32], stride: int) -> NDArray[np.float64]:
    """Corners (objects, 4) of the objects that ground truth on the grid still shows, as NVIDIA's ClusterGroundtruth.

    An object whose cells later ones took is not among them. Boxes that agree to a sixteenth of a pixel are one, as
    a cell's distance from its box is rounded to 32 bits.
    """
    found = candidates(boxes, stride, coverage > 0)
    _, first = np.unique(np.rint(found * 16), axis=0, return_index=True)
    return found[np.sort(first)]


def _grouped(found: NDArray[np.float64], given: Clustering) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Corners (groups, 4) and members (groups,); OpenCV takes whole numbers, and rounds halves to even."""
    if given.legacy:
        return group(np.rint(found).astype(np.int64), given.group_threshold, given.eps)
    sides = np.concatenate([found[:, :2], found[:, 2:] - found[:, :2]], axis=1)
    means, members = group(np.rint(sides).astype(np.int64), given.group_threshold, given.eps)
    return np.concatenate([means[:, :2], means[:, :2] + means[:, 2:]], axis=1), members
