"""How many objects were found, and how many detections are none: NVIDIA's `simplified` scores of DetectNet.

For each object in turn, the first detection that overlaps it enough and was not matched before is a true positive.
"mAP" is what NVIDIA calls precision times recall; `average_precision` has the real one.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

IOU = 0.7

Boxes = NDArray[np.float64] | NDArray[np.float32]  # (boxes, 4 or more): x1, y1, x2, y2


@dataclass(frozen=True)
class Counts:
    """What adds up over images; the scores are 0 where they would divide by 0."""

    true_positives: int = 0
    false_positives: int = 0
    false_negatives: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.true_positives + other.true_positives,
            self.false_positives + other.false_positives,
            self.false_negatives + other.false_negatives,
        )

    @property
    def precision(self) -> float:
        """TP / (TP + FP)."""
        return self.true_positives / max(1, self.true_positives + self.false_positives)

    @property
    def recall(self) -> float:
        """TP / (TP + FN)."""
        return self.true_positives / max(1, self.true_positives + self.false_negatives)

    @property
    def simplified_map(self) -> float:
        """Precision times recall."""
        return self.precision * self.recall


def simplified(objects: Boxes, detections: Boxes, iou: float = IOU) -> Counts:
    """Counts of one class in one image. NVIDIA's objects are those of `clustering.ground_truth`."""
    matched = first_matches(objects, detections, iou)
    hits = int((matched >= 0).sum())
    return Counts(hits, len(detections) - hits, len(objects) - hits)


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
