"""A split scored class by class, worked by hand."""

import numpy as np
import pytest
from detectnet_examples import Objects, label_of, rows_of

from evolve.detectnet import coverage
from evolve.detectnet.scores import Counts
from evolve.detectnet.validation import Validation
from evolve.network.layers.detectnet_clustering import Clustering
from evolve.network.layers.detectnet_parameters import GroundTruth
from evolve.training import detect

GROUND_TRUTH = GroundTruth(16, 160, 96, {1: 0, 2: 1})
GIVEN = Clustering(160, 96, 16, coverage_threshold=0.6, group_threshold=1, eps=0.02, min_height=22, classes=2)


def batch(images: list[tuple[Objects, Objects]]) -> tuple[np.ndarray, ...]:
    """Of (labelled, predicted) objects of each image what `Validation.add` takes."""
    predicted = np.stack([coverage.generate(rows_of(each), GROUND_TRUTH, clip=False) for _, each in images])
    truth = np.stack([coverage.generate(rows_of(each), GROUND_TRUTH, clip=False) for each, _ in images])
    return predicted[:, 8:], predicted[:, 1:5], truth, np.stack([label_of(each) for each, _ in images])


A: Objects = [(0, 0, 60, 60, 1)]
B: Objects = [(80, 20, 70, 70, 2)]
FAR: Objects = [(50, 30, 40, 40, 1)]  # NEAR takes all of its cells
NEAR: Objects = [(0, 0, 140, 90, 1)]


def test_a_net_that_is_right() -> None:
    validation = Validation(GIVEN, GROUND_TRUTH.object_class, iou=0.5)
    found = validation.add(*batch([(A + B, A + B), (B, B)]))
    assert [[len(each) for each in image] for image in found] == [[1, 1], [0, 1]]
    one, two = validation.scores()
    assert (one.counts, two.counts) == (Counts(1, 0, 0), Counts(2, 0, 0)) and (one.simplified, two.simplified) == (
        one.counts,
        two.counts,
    )
    assert one.average_precision == two.average_precision == 1


def test_each_class_has_its_own_mistakes_over_all_batches() -> None:
    validation = Validation(GIVEN, GROUND_TRUTH.object_class, iou=0.5)
    validation.add(*batch([(A + B, A)]))
    validation.add(*batch([(B, B + A)]))
    one, two = validation.scores()
    assert one.counts == one.simplified == Counts(1, 1, 0) and two.counts == two.simplified == Counts(1, 0, 1)
    # Both of class 1 have one confidence.
    assert one.average_precision == pytest.approx(0.5) and two.average_precision == pytest.approx(0.5)


def test_what_a_later_object_covers_is_missed_by_the_labels_and_not_by_nvidias_scores() -> None:
    validation = Validation(GIVEN, GROUND_TRUTH.object_class, iou=0.5)
    validation.add(*batch([(FAR + NEAR, FAR + NEAR)]))
    one = validation.scores()[0]
    assert (one.counts, one.simplified) == (Counts(1, 0, 1), Counts(1, 0, 0))
    assert one.average_precision == 0.5


def test_a_region_to_ignore_and_a_class_without_a_map() -> None:
    validation = Validation(GIVEN, GROUND_TRUTH.object_class, iou=0.5)
    validation.add(*batch([([(75, 15, 80, 80, 0), (0, 0, 60, 60, 7)], [*B, (0, 0, 60, 60, 1)])]))
    one, two = validation.scores()
    assert one.counts == Counts(0, 1, 0) and two.counts == Counts(0, 0, 0) and two.simplified == Counts(0, 1, 0)


def test_overlap_of_a_half_is_enough_for_the_labels_only() -> None:
    shifted: Objects = [(80, 30, 70, 60, 2)]
    validation = Validation(GIVEN, GROUND_TRUTH.object_class, iou=0.5, simplified_iou=0.9)
    validation.add(*batch([(B, shifted)]))
    two = validation.scores()[1]
    assert two.counts == Counts(1, 0, 0) and two.simplified == Counts(0, 1, 1)


def test_a_class_without_objects_has_no_score() -> None:
    """What is found of it is false all the same; the mean is that of the classes that are there."""
    validation = Validation(GIVEN, GROUND_TRUTH.object_class, iou=0.5)
    validation.add(*batch([(A, A), (A, A)]))
    scores = detect._scores(validation.scores(), ["person", "tram"])
    assert (scores["ap"], scores["precision"], scores["recall"]) == (1, 1, 1) and list(scores["classes"]) == ["person"]
    validation.add(*batch([(A, A + B)]))
    scores = detect._scores(validation.scores(), ["person", "tram"])
    assert scores["ap"] == 1 and scores["precision"] == 0.75 and list(scores["classes"]) == ["person"]
    nothing = Validation(GIVEN, GROUND_TRUTH.object_class, iou=0.5)
    nothing.add(*batch([([], A)]))
    scores = detect._scores(nothing.scores(), ["person", "tram"])
    assert (scores["ap"], scores["recall"], scores["classes"]) == (0, 0, {})
