"""How much boxes overlap, and which detection takes which object."""

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float64] | NDArray[np.float32]  # (boxes, 4 or more): x1, y1, x2, y2


def first_matches(objects: Boxes, detections: Boxes, iou: float) -> NDArray[np.int64]:
    """The detection (objects,) that each object got, -1 for none."""
    enough = overlaps(objects, detections) >= iou
    matched = np.full(len(objects), -1)
    free = np.ones(len(detections), bool)
    for number in range(len(objects)):
        candidates = np.flatnonzero(enough[number] & free)
        if len(candidates):
            matched[number] = candidates[0]
            free[candidates[0]] = False
    return matched


def overlaps(one: Boxes, other: Boxes) -> NDArray[np.float64]:
    """Intersection over union (one, other) of each pair; 0 where both have no area."""
    shared = intersections(one, other)
    union = areas(one)[:, None] + areas(other) - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=shared > 0)


def intersections(one: Boxes, other: Boxes) -> NDArray[np.float64]:
    """The area (one, other) that each pair shares, in pixels; there is no pixel more at the right and the bottom."""
    one, other = one[:, None, :].astype(np.float64), other[None, :, :].astype(np.float64)
    sides = np.minimum(one[..., 2:4], other[..., 2:4]) - np.maximum(one[..., :2], other[..., :2])
    return np.clip(sides, 0, None).prod(axis=-1)


def areas(boxes: Boxes) -> NDArray[np.float64]:
    """The area (boxes,) of each."""
    return (boxes[:, 2:4].astype(np.float64) - boxes[:, :2]).prod(axis=1)


def best_matches(objects: Boxes, detections: Boxes, iou: float) -> NDArray[np.int64]:
    """The object (detections,) that each detection takes in its turn, -1 for none."""
    overlap = overlaps(detections, objects)
    matched = np.full(len(detections), -1)
    if not len(objects):
        return matched
    for number in range(len(detections)):
        best = int(overlap[number].argmax())
        if overlap[number, best] >= iou:
            matched[number] = best
            overlap[:, best] = 0
    return matched


def inside(detections: Boxes, regions: Boxes | None, share: float) -> NDArray[np.bool_]:
    """Whether each of the detections (detections,) lies in one of the regions by that `share` of its own area."""
    if regions is None or not len(regions):
        return np.zeros(len(detections), bool)
    enough = intersections(detections, regions) >= share * areas(detections)[:, None]
    return np.logical_or.reduce(enough, axis=1)
