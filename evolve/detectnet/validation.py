"""A validation split is scored batch by batch, class by class: NVIDIA's scores, and average precision by the labels."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from evolve.detectnet import clustering, labels
from evolve.detectnet.average_precision import AveragePrecision
from evolve.detectnet.difficulty import ByDifficulty, Scored
from evolve.detectnet.scores import IOU, Counts, simplified_scores
from evolve.network.layers.detectnet_clustering import Clustering
from evolve.network.layers.detectnet_parameters import BEFORE_COVERAGE

DONT_CARE = 0  # the class in the data set's list whose regions count neither way
Array = NDArray[np.float32]


@dataclass(frozen=True)
class ClassScores:
    """One class over the split: counts and average precision (0 to 1) against the labels, and NVIDIA's counts."""

    counts: Counts
    average_precision: float
    simplified: Counts
    difficulties: dict[str, Scored] = field(default_factory=dict)  # KITTI's, if asked for


def mean_average_precision(found: Sequence[ClassScores]) -> float:
    """The mean of the classes that have objects, of which alone there is an average precision; 0 where none has."""
    each = [scores.average_precision for scores in found if scores.counts.objects]
    return float(np.mean(each)) if each else 0.0


class Validation:
    """Collects what a net in phase TEST predicts. `object_class` maps the labels' classes to coverage maps.

    `iou` holds for the labels (KITTI: 0.5 pedestrians, 0.7 cars), `simplified_iou` for NVIDIA's scores; `points` is
    average_precision's interpolation. `file_pixels` is how many pixels of its file a pixel of the labels is high (1
    where images are padded): given, each class is scored for KITTI's difficulties too.
    """

    def __init__(
        self,
        given: Clustering,
        object_class: dict[int, int],
        iou: float,
        simplified_iou: float = IOU,
        points: int = 0,
        file_pixels: float | None = None,
    ) -> None:
        self._given, self._object_class = given, object_class
        self._simplified_iou, self._points = simplified_iou, points
        self._curves = [AveragePrecision(iou) for _ in range(given.classes)]
        self._simplified = [Counts() for _ in range(given.classes)]
        classes = range(given.classes) if file_pixels else ()
        self._difficulties = [ByDifficulty(iou, file_pixels or 1) for _ in classes]

    def add(self, covered: Array, boxes: Array, truth: Array, moved: Array) -> list[list[clustering.Detections]]:
        """Scores a batch, and returns the detections of each image, class by class.

        `covered` (N, classes, rows, columns) and `boxes` (N, 4, rows, columns) are the net's; `truth` and `moved`, the
        labels, are tops of a data layer. UserError for a malformed label.
        """
        found = []
        for place in range(len(covered)):
            rows = labels.unpack(moved[place], f"labels: image {place} of the batch")
            found.append(self._add(covered[place], boxes[place], truth[place], rows))
        return found

    def _add(self, covered: Array, boxes: Array, truth: Array, rows: labels.Rows) -> list[clustering.Detections]:
        found = [clustering.cluster(covered[number], boxes, self._given) for number in range(self._given.classes)]
        corners, ignored = labels.corners(rows), labels.corners(rows[rows[:, labels.CLASS] == DONT_CARE])
        maps = labels.maps(rows, self._object_class)
        for number, detections in enumerate(found):
            self._curves[number].add(corners[maps == number], detections, ignored)
            if self._difficulties:
                self._difficulties[number].add(rows[maps == number], detections, ignored)
            shown = clustering.ground_truth(truth[BEFORE_COVERAGE + number], truth[1:5], self._given.stride)
            self._simplified[number] += simplified_scores(shown, detections, self._simplified_iou)
        return found

    def scores(self) -> list[ClassScores]:
        """Each class's, over everything added so far."""
        curves = [each.curve() for each in self._curves]
        difficulties = [each.scores(self._points) for each in self._difficulties] or [{} for _ in curves]
        return [
            ClassScores(curve.counts, curve.average_precision(self._points), simplified, scored)
            for curve, simplified, scored in zip(curves, self._simplified, difficulties, strict=True)
        ]
