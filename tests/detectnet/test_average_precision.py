"""The real average precision: by hand, against plain loops, and its laws."""

import detectnet_loops
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolve.detectnet.average_precision import AveragePrecision
from evolve.detectnet.scores import Counts

corner = st.integers(0, 60)
box = st.tuples(corner, corner, st.integers(1, 40), st.integers(1, 40)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)
# Few different confidences: ln(members) makes many equal ones.
detection = st.tuples(box, st.sampled_from([0.0, 0.7, 1.1, 1.4])).map(lambda d: (*d[0], d[1]))
image = st.tuples(st.lists(box, max_size=5), st.lists(detection, max_size=6))

A, B, C, D = ((10.0 * n, 0.0, 10.0 * n + 8, 8.0) for n in range(4))


def collected(images: list, iou: float = 0.5) -> AveragePrecision:
    scorer = AveragePrecision(iou)
    for objects, detections in images:
        scorer.add(np.array(objects, float).reshape(-1, 4), np.array(detections, float).reshape(-1, 5))
    return scorer


@given(st.lists(image, max_size=4), st.sampled_from([0.3, 0.5, 0.7]), st.sampled_from([0, 11, 40]))
def test_as_plain_loops(images: list, iou: float, points: int) -> None:
    ours = collected(images, iou).curve().average_precision(points)
    assert ours == pytest.approx(detectnet_loops.average_precision(images, iou, points)) and 0 <= ours <= 1 + 1e-12


def test_worked_by_hand() -> None:
    # Of 4 objects: hit, miss, hit, hit.
    missed = (90.0, 90.0, 99.0, 99.0, 1.1)
    curve = collected([([A, B], [(*A, 1.4), missed]), ([C, D], [(*D, 0.7), (*C, 0.0)])]).curve()
    assert curve.precision == pytest.approx([1, 1 / 2, 2 / 3, 3 / 4]) and curve.recall == pytest.approx(
        [1 / 4, 1 / 4, 2 / 4, 3 / 4]
    )
    assert curve.counts == Counts(3, 1, 1)
    assert curve.average_precision() == pytest.approx(1 / 4 + 3 / 4 * 2 / 4)
    assert curve.average_precision(11) == pytest.approx((3 * 1 + 5 * 3 / 4) / 11)
    assert curve.average_precision(40) == pytest.approx((10 * 1 + 20 * 3 / 4) / 40)


def test_equal_confidences_enter_together_whatever_their_order() -> None:
    missed = (90.0, 90.0, 99.0, 99.0, 1.0)
    for detections in ([(*A, 1.0), missed], [missed, (*A, 1.0)]):
        curve = collected([([A], detections)]).curve()
        assert curve.precision.tolist() == [0.5] and curve.average_precision() == 0.5


def test_a_second_detection_of_an_object_is_false() -> None:
    assert collected([([A], [(*A, 1.0), (*A, 0.5)])]).curve().counts == Counts(1, 1, 0)


def test_each_detection_takes_the_object_that_it_overlaps_most() -> None:
    near = (1.0, 0.0, 9.0, 8.0)
    curve = collected([([near, A], [(*A, 1.0), (*near, 0.5)])]).curve()
    assert curve.counts == Counts(2, 0, 0)


@given(st.lists(st.lists(box, min_size=1, max_size=5, unique=True), min_size=1, max_size=4))
def test_a_net_that_is_right_scores_one(images: list) -> None:
    scorer = collected([(objects, [(*each, 1.0) for each in objects]) for objects in images], iou=0.999)
    assert scorer.curve().average_precision() == 1 and scorer.curve().average_precision(11) == 1


def test_what_is_found_in_an_ignored_region_does_not_count() -> None:
    scorer = AveragePrecision(0.5)
    detections = np.array([(*A, 1.0), (*C, 2.0), (*D, 3.0)])
    scorer.add(np.array([A]), detections, ignored=np.array([(19.0, 0.0, 29.0, 9.0), (30.0, 0.0, 33.9, 8.0)]))
    # C lies inside the first region, D by less than a half in the second.
    assert scorer.curve().counts == Counts(1, 1, 0)


def test_no_objects_and_no_detections() -> None:
    assert collected([]).curve().average_precision() == 0
    assert collected([([], [(*A, 1.0)])]).curve().average_precision() == 0
    assert collected([([A], [])]).curve().average_precision(11) == 0
