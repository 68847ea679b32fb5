"""NVIDIA's simplified scores."""

import detectnet_loops
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolve.detectnet.overlap import first_matches, overlaps
from evolve.detectnet.scores import Counts, simplified_scores

corner = st.integers(0, 60)
side = st.integers(0, 40)
box = st.tuples(corner, corner, side, side).map(lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3]))
boxes = st.lists(box, max_size=6)


def array(found: list[tuple[int, ...]], columns: int = 4) -> np.ndarray:
    return np.array(found, np.float64).reshape(-1, columns)


@given(boxes, boxes, st.sampled_from([0.1, 0.5, 0.7]))
def test_as_plain_loops(objects: list, detections: list, iou: float) -> None:
    counts = simplified_scores(array(objects), array(detections), iou)
    found = (counts.true_positives, counts.false_positives, counts.false_negatives)
    assert found == detectnet_loops.simplified(objects, detections, iou)


@given(boxes, boxes)
def test_overlap_of_each_pair(one: list, other: list) -> None:
    expected = [[detectnet_loops.iou(a, b) for b in other] for a in one]
    assert overlaps(array(one), array(other)) == pytest.approx(np.array(expected).reshape(len(one), len(other)))


def test_the_first_detection_counts_not_the_best() -> None:
    item = array([(0, 0, 100, 100)])
    assert simplified_scores(item, array([(0, 0, 100, 75), (0, 0, 100, 100)])) == Counts(1, 1, 0)
    # The first one is taken though another object needs it, and the second would do.
    both, needed = array([(0, 0, 100, 100), (0, 0, 100, 60)]), array([(0, 0, 100, 80), (0, 0, 100, 110)])
    assert simplified_scores(both, needed) == Counts(1, 1, 1) and simplified_scores(both, needed[::-1]) == Counts(
        2, 0, 0
    )
    assert first_matches(both, needed, 0.7).tolist() == [0, -1]
    # One detection serves one object only.
    assert simplified_scores(np.repeat(item, 2, axis=0), item) == Counts(1, 0, 1)
    # 70 of 100: the threshold itself is enough.
    assert simplified_scores(item, array([(0, 0, 100, 70)])) == Counts(1, 0, 0)
    assert simplified_scores(item, array([(0, 0, 100, 69)])) == Counts(0, 1, 1)


def test_scores_of_counts_that_add_up() -> None:
    counts = Counts(2, 1, 0) + Counts(1, 2, 1)
    assert counts == Counts(3, 3, 1)
    assert (counts.precision, counts.recall) == (0.5, 0.75) and counts.simplified_map == 0.375


def test_nothing_scores_nothing() -> None:
    assert (Counts().precision, Counts().recall, Counts().simplified_map) == (0, 0, 0)
    assert simplified_scores(array([]), array([])) == Counts()
