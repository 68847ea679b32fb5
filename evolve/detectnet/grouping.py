"""Rectangles that nearly coincide become one: OpenCV's groupRectangles, which OpenCV 5 has no more.

Integer rectangles x, y, w, h as OpenCV 4's, number for number: similarity in 64 bits, means in 32, halves to even.
"""

import numpy as np
from numpy.typing import NDArray

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
