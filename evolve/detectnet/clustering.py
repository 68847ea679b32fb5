"""Cells that see an object vote for its box: coverage and boxes on the grid become a list of detections.

NVIDIA Caffe's ClusterDetections. Until February 2019 (before v0.17.3) it gave corners x1, y1, x2, y2 to a function that
takes x, y, w, h, so that boxes far from the image's corner were joined more readily: that is `legacy`.

Rectangles that nearly coincide become one: OpenCV's groupRectangles, which OpenCV 5 has no more.

Integer rectangles x, y, w, h as OpenCV 4's, number for number: similarity in 64 bits, means in 32, halves to even.
"""

import numpy as np
from numpy.typing import NDArray

from evolve.network.layers.detectnet_clustering import Clustering

Rectangles = NDArray[np.int64]  # (rectangles, 4): x, y, w, h


def group(rectangles: Rectangles, threshold: int, eps: float) -> tuple[Rectangles, NDArray[np.int64]]:
    """The mean rectangle (groups, 4) and the number of members (groups,) of each group that is kept.

    Two rectangles belong together if all four edges differ by at most eps (min w + min h) / 2; a group is whatever
    such pairs connect. Kept is a group of more than `threshold` members, unless it lies inside another such group of
    more than max(3, its own number) of them, or has fewer than 3 itself. Groups come in the order of their first
    members. With `threshold` 0 every rectangle is a group of its own.
    """
    if threshold <= 0 or not len(rectangles):
        return rectangles.copy(), np.ones(len(rectangles), np.int64)
    means, members = _means(rectangles, connected(rectangles, eps))
    large = members > threshold
    means, members = means[large], members[large]
    kept = np.array([not _inside_another(index, means, members, eps) for index in range(len(means))], bool)
    return means[kept], members[kept]


def connected(rectangles: Rectangles, eps: float) -> NDArray[np.int64]:
    """The number (rectangles,) of the group that each rectangle belongs to, counted by first members."""
    edges = np.concatenate([rectangles[:, :2], rectangles[:, :2] + rectangles[:, 2:]], axis=1)
    numbers = np.full(len(rectangles), -1)
    for first in range(len(rectangles)):
        if numbers[first] >= 0:
            continue
        number = numbers.max() + 1
        numbers[first] = number
        reached = [first]
        while reached:
            member = reached.pop()
            free = np.flatnonzero(numbers < 0)
            near = free[_similar(member, free, rectangles, edges, eps)]
            numbers[near] = number
            reached.extend(near.tolist())
    return numbers


def _similar(one: int, others: NDArray[np.intp], rectangles: Rectangles, edges: Rectangles, eps: float) -> NDArray:
    sides = np.minimum(rectangles[one, 2:], rectangles[others, 2:]).sum(axis=1)
    # In this order of factors, as the last bit decides at the very limit.
    return (np.abs(edges[one] - edges[others]) <= (eps * sides * 0.5)[:, None]).all(axis=1)


def _means(rectangles: Rectangles, numbers: NDArray[np.int64]) -> tuple[Rectangles, NDArray[np.int64]]:
    members = np.bincount(numbers)
    sums = np.zeros((len(members), 4), np.int64)
    np.add.at(sums, numbers, rectangles)
    shares = np.float32(1) / members.astype(np.float32)
    return np.rint(sums.astype(np.float32) * shares[:, None]).astype(np.int64), members


def _inside_another(index: int, means: Rectangles, members: NDArray[np.int64], eps: float) -> bool:
    margins = np.rint(means[:, 2:] * eps).astype(np.int64)
    low = (means[index, :2] >= means[:, :2] - margins).all(axis=1)
    high = (means[index, :2] + means[index, 2:] <= means[:, :2] + means[:, 2:] + margins).all(axis=1)
    stronger = (members > max(3, members[index])) | (members[index] < 3)
    stronger[index] = False
    return bool((low & high & stronger).any())


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
