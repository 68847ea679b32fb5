"""The real average precision: detections of all images by falling confidence, against the labels themselves.

Each detection takes the free object that it overlaps most, if by `iou` at least (KITTI: 0.5 pedestrians and cyclists,
0.7 cars); otherwise it is false. Detections of one confidence, which ln(members) makes many, enter the curve together.
Interpolation: precision at a recall is the best at that recall or a higher one; AP is the area below that curve (Pascal
VOC since 2010), or with `points` its mean at 11 recalls 0, .1, …, 1 (VOC 2007) or at 40 recalls 1/40, …, 1 (KITTI).
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from evolve.detectnet.overlap import Boxes, best_matches, inside
from evolve.detectnet.scores import Counts

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
