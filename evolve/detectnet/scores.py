"""How many objects were found, and how many detections are none: NVIDIA's `simplified` scores of DetectNet.

For each object in turn, the first detection that overlaps it enough and was not matched before is a true positive.
"mAP" is what NVIDIA calls precision times recall; `average_precision` has the real one.
"""

from dataclasses import dataclass

from evolve.detectnet.overlap import Boxes, first_matches

IOU = 0.7


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
    def objects(self) -> int:
        """Those that were to be found."""
        return self.true_positives + self.false_negatives

    @property
    def precision(self) -> float:
        """TP / (TP + FP)."""
        return self.true_positives / max(1, self.true_positives + self.false_positives)

    @property
    def recall(self) -> float:
        """TP / (TP + FN)."""
        return self.true_positives / max(1, self.objects)

    @property
    def simplified_map(self) -> float:
        """Precision times recall."""
        return self.precision * self.recall


def simplified_scores(objects: Boxes, detections: Boxes, iou: float = IOU) -> Counts:
    """Counts of one class in one image. NVIDIA's objects are those of `clustering.ground_truth`."""
    matched = first_matches(objects, detections, iou)
    hits = int((matched >= 0).sum())
    return Counts(hits, len(detections) - hits, len(objects) - hits)
