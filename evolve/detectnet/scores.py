"""How many objects were found, and how many detections are none: NVIDIA's `simplified` scores of DetectNet.

For each object in turn, the first detection that overlaps it enough and was not matched before is a true positive.
"mAP" is what NVIDIA calls precision times recall; `average_precision` has the real one.

The real average precision: detections of all images by falling confidence, against the labels themselves.

Each detection takes the free object that it overlaps most, if by `iou` at least (KITTI: 0.5 pedestrians and cyclists,
0.7 cars); otherwise it is false. Detections of one confidence, which ln(members) makes many, enter the curve together.
Interpolation: precision at a recall is the best at that recall or a higher one; AP is the area below that curve (Pascal
VOC since 2010), or with `points` its mean at 11 recalls 0, .1, …, 1 (VOC 2007) or at 40 recalls 1/40, …, 1 (KITTI).

KITTI's scores of one class by difficulty: easy, moderate, hard, each with all that is easier.

An object that is harder, or beyond hard, may be found or not; a detection lower than the difficulty asks counts only if
it finds an object. As in KITTI's own evaluation, but for two things: detections take objects in the order of their
confidence, as `average_precision` has it; and whatever the data set made dontcare (vans, where cars are learnt, but
trucks too) is a region that counts neither way.

A validation split is scored batch by batch, class by class: NVIDIA's scores, and average precision by the labels.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from evolve.detectnet import clustering, labels
from evolve.detectnet.difficulty import DIFFICULTIES, difficulty
from evolve.network.layers.detectnet_clustering import Clustering
from evolve.network.layers.detectnet_parameters import BEFORE_COVERAGE

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


def simplified_scores(objects: Boxes, detections: Boxes, iou: float = IOU) -> Counts:
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


_AREA = 0  # points: all that the curve has


@dataclass(frozen=True)
class Curve:
    """Precision and recall after each distinct confidence (points,), highest first; the counts of all detections."""

    confidence: NDArray[np.float64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    counts: Counts

    def average_precision(self, points: int = _AREA) -> float:
        """AP, 0 to 1; 0 where nothing was found. `points` is 11 or 40, or 0 for the area."""
        best = np.maximum.accumulate(self.precision[::-1])[::-1]
        if points == _AREA:
            return float((np.diff(self.recall, prepend=0.0) * best).sum())
        wanted = np.linspace(0, 1, 11) if points == 11 else np.arange(1, points + 1) / points
        # A recall of 3 of 10 must count as .3, whatever the last bits say.
        reached = np.searchsorted(self.recall, wanted - 1e-9)
        return float(np.append(best, 0.0)[reached].mean())


@dataclass
class AveragePrecision:
    """Collects one class, image by image; `iou` is the overlap from which a detection counts."""

    iou: float
    _confidences: list[float] = field(default_factory=list)
    _hits: list[bool] = field(default_factory=list)
    _objects: int = 0

    def add(
        self,
        objects: Boxes,
        detections: Boxes,
        ignored: Boxes | None = None,
        optional: Boxes | None = None,
        least_height: float = 0,
    ) -> None:
        """An image's `objects` (objects, 4) and `detections` (detections, 5), the last column their confidence.

        A detection that finds no object but lies in an `ignored` region (regions, 4), such as KITTI's DontCare, by
        `iou` of its own area at least, does not count. Nor does one that finds an `optional` object (optional, 4),
        nor one that finds none and is less than `least_height` high.
        """
        order = np.argsort(-detections[:, 4], kind="stable")
        detections = detections[order]
        every = objects if optional is None else np.concatenate([objects[:, :4], optional[:, :4]])
        taken = best_matches(every, detections, self.iou)
        hits = (taken >= 0) & (taken < len(objects))
        low = detections[:, 3] - detections[:, 1] < least_height
        counted = hits | (taken < 0) & ~inside(detections, ignored, self.iou) & ~low
        self._confidences += detections[counted, 4].tolist()
        self._hits += hits[counted].tolist()
        self._objects += len(objects)

    def curve(self) -> Curve:
        """The curve over everything added so far."""
        confidences, hits = np.array(self._confidences, float), np.array(self._hits, bool)
        order = np.argsort(-confidences, kind="stable")
        confidences, found = confidences[order], np.cumsum(hits[order])
        last = np.flatnonzero(np.diff(confidences, append=-np.inf)) if len(confidences) else np.zeros(0, int)
        return Curve(
            confidences[last],
            found[last] / (last + 1),
            found[last] / max(1, self._objects),
            Counts(int(hits.sum()), int((~hits).sum()), self._objects - int(hits.sum())),
        )


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


_BEYOND = len(DIFFICULTIES)


@dataclass(frozen=True)
class Scored:
    """Counts and average precision, 0 to 1, of what counts at one difficulty."""

    counts: Counts
    average_precision: float


class ByDifficulty:
    """Collects one class, image by image; a pixel of the labels is `file_pixels` pixels of its file high."""

    def __init__(self, iou: float, file_pixels: float) -> None:
        self._file_pixels = file_pixels
        self._curves = {name: AveragePrecision(iou) for name in DIFFICULTIES}

    def add(self, rows: labels.Rows, detections: Boxes, ignored: Boxes) -> None:
        """An image's objects, rows (objects, 16), detections (detections, 5), and regions to ignore (regions, 4)."""
        corners, found = labels.corners(rows), levels(rows, self._file_pixels)
        for level, (name, curve) in enumerate(self._curves.items()):
            counts = found <= level
            least = DIFFICULTIES[name][0] / self._file_pixels
            curve.add(corners[counts], detections, ignored, corners[~counts], least)

    def scores(self, points: int = 0) -> dict[str, Scored]:
        """By difficulty, over everything added so far; KITTI's own interpolation is `points` 40."""
        curves = {name: each.curve() for name, each in self._curves.items()}
        return {name: Scored(curve.counts, curve.average_precision(points)) for name, curve in curves.items()}


def levels(rows: labels.Rows, file_pixels: float) -> NDArray[np.int64]:
    """The place (objects,) of each object's difficulty among easy, moderate and hard, from 0; 3 beyond these."""
    names = list(DIFFICULTIES)
    found = np.full(len(rows), _BEYOND)
    for number, row in enumerate(rows):
        # A label's numbers have 32 bits: .15 is a little more there than the limit of .15.
        height, occlusion, truncated = (
            round(float(value), 4)
            for value in (row[labels.H] * file_pixels, row[labels.OCCLUSION], row[labels.TRUNCATED])
        )
        name = difficulty(height, occlusion, truncated)
        found[number] = names.index(name) if name else _BEYOND
    return found


DONT_CARE = 0  # the class in the data set's list whose regions count neither way

Array = NDArray[np.float32]


@dataclass(frozen=True)
class ClassScores:
    """One class over the split: counts and average precision (0 to 1) against the labels, and NVIDIA's counts."""

    counts: Counts
    average_precision: float
    simplified: Counts
    difficulties: dict[str, Scored] = field(default_factory=dict)  # KITTI's, if asked for


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
        kinds = rows[:, labels.CLASS].astype(int)
        corners, ignored = labels.corners(rows), labels.corners(rows[kinds == DONT_CARE])
        maps = np.array([self._object_class.get(kind, -1) for kind in kinds.tolist()], int)
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
