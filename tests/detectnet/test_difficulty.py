"""Scores by KITTI's difficulties, worked by hand."""

import numpy as np
import pytest
from detectnet_examples import Objects, label_of, rows_of

from evolve.detectnet import coverage, labels
from evolve.detectnet.average_precision import AveragePrecision
from evolve.detectnet.difficulty import ByDifficulty, difficulty, levels
from evolve.detectnet.scores import Counts
from evolve.detectnet.validation import Validation
from evolve.network.layers.detectnet_clustering import Clustering
from evolve.network.layers.detectnet_parameters import GroundTruth

NO_REGIONS = np.zeros((0, 4))


def rows(*objects: tuple[float, float, float, float, float, float]) -> labels.Rows:
    """Of x, y, height, occlusion, truncation and class; all are 20 wide."""
    made = rows_of([(x, y, 20, height, int(kind)) for x, y, height, _, _, kind in objects])
    made[:, labels.OCCLUSION] = [each[3] for each in objects]
    made[:, labels.TRUNCATED] = [each[4] for each in objects]
    return made


@pytest.mark.parametrize(
    ("height", "occlusion", "truncated", "expected"),
    [
        (40, 0, 0.15, "easy"),
        (39.9, 0, 0.15, "moderate"),
        (40, 1, 0.15, "moderate"),
        (40, 0, 0.30, "moderate"),
        (25, 2, 0.50, "hard"),
        (24.9, 0, 0, ""),
        (40, 3, 0, ""),
        (40, 0, 0.51, ""),
    ],
)
def test_difficulties(height: float, occlusion: int, truncated: float, expected: str) -> None:
    assert difficulty(height, occlusion, truncated) == expected


@pytest.mark.parametrize(
    ("height", "occlusion", "truncated", "expected"),
    [
        (40, 0, 0.15, 0),
        (40, 0, 0.16, 1),
        (39.5, 0, 0, 1),
        (40, 1, 0, 1),
        (25, 1, 0.30, 1),
        (25, 2, 0.50, 2),
        (25, 2, 0.51, 3),
        (24.5, 0, 0, 3),
        (99, 3, 0, 3),
    ],
)
def test_levels_by_limits_that_32_bits_do_not_hold(
    height: float, occlusion: float, truncated: float, expected: int
) -> None:
    assert levels(rows((0, 0, height, occlusion, truncated, 1)), 1).tolist() == [expected]
    # In an image of half the size the label is half as high.
    assert levels(rows((0, 0, height / 2, occlusion, truncated, 1)), 2).tolist() == [expected]


EASY, MODERATE, HARD, BEYOND = (0, 0, 60, 0, 0, 1), (30, 0, 30, 1, 0, 1), (60, 0, 30, 2, 0.4, 1), (90, 0, 30, 3, 0, 1)


def found(x: float, y: float, height: float, confidence: float) -> tuple[float, ...]:
    return (x, y, x + 20, y + height, confidence)


def test_what_is_harder_may_be_found_or_not() -> None:
    scorer = ByDifficulty(iou=0.5, file_pixels=1)
    detections = [
        found(0, 0, 60, 2.0),  # the easy one
        found(60, 0, 30, 1.5),  # the hard one
        found(90, 0, 30, 1.4),  # the one beyond
        found(0, 100, 60, 1.0),  # false, and high enough for all
        found(30, 100, 30, 0.5),  # false, and too low for easy
        found(60, 100, 20, 0.2),  # false, and too low for any
    ]
    scorer.add(rows(EASY, MODERATE, HARD, BEYOND), np.array(detections), NO_REGIONS)
    scored = scorer.scores()
    assert list(scored) == ["easy", "moderate", "hard"]
    assert scored["easy"].counts == Counts(1, 1, 0)
    assert scored["moderate"].counts == Counts(1, 2, 1)
    assert scored["hard"].counts == Counts(2, 2, 1)
    # Hits come first: precision is 1 up to the recall that is reached.
    assert [each.average_precision for each in scored.values()] == pytest.approx([1, 1 / 2, 2 / 3])
    assert [each.average_precision for each in scorer.scores(40).values()] == pytest.approx([1, 20 / 40, 26 / 40])


def test_false_ones_before_the_hits() -> None:
    scorer = ByDifficulty(iou=0.5, file_pixels=1)
    detections = np.array([found(0, 100, 30, 3), found(0, 0, 60, 2), found(30, 0, 30, 1)])
    scorer.add(rows(EASY, MODERATE), detections, NO_REGIONS)
    scored = scorer.scores()
    # Too low for easy, the false one counts from moderate on: precision 0, 1/2, 2/3.
    assert scored["easy"].average_precision == 1 and scored["moderate"].average_precision == pytest.approx(2 / 3)


def test_regions_to_ignore_and_a_second_detection_of_a_harder_object() -> None:
    scorer = ByDifficulty(iou=0.5, file_pixels=1)
    twice = [found(60, 0, 30, 2), found(61, 0, 30, 1), found(200, 0, 60, 1)]
    scorer.add(rows((60, 0, 30, 2, 0, 1)), np.array(twice), np.array([(190, 0, 250, 90)]))
    scored = scorer.scores()
    # An optional object takes one detection; the second is false, except where it is too low to count.
    assert [each.counts for each in scored.values()] == [Counts(0, 0, 0), Counts(0, 1, 0), Counts(1, 1, 0)]


def test_optional_objects_are_none_where_there_are_none() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        objects, boxes = (rng.uniform(0, 60, (int(rng.integers(0, 5)), 4)) for _ in range(2))
        for each in (objects, boxes):
            each[:, 2:] = each[:, :2] + 1 + rng.uniform(0, 40, (len(each), 2))
        detections = np.column_stack([boxes, rng.integers(0, 3, len(boxes))])
        plain, other = AveragePrecision(0.3), AveragePrecision(0.3)
        plain.add(objects, detections, NO_REGIONS)
        other.add(objects, detections, NO_REGIONS, NO_REGIONS, 0)
        assert plain.curve().counts == other.curve().counts


def test_a_split_scored_by_difficulty() -> None:
    truth = GroundTruth(16, 160, 96, {1: 0, 2: 1})
    given = Clustering(160, 96, 16, coverage_threshold=0.6, group_threshold=1, eps=0.02, min_height=22, classes=2)
    near: Objects = [(0, 0, 60, 60, 1)]
    far: Objects = [(80, 20, 70, 70, 1)]
    predicted = coverage.generate(rows_of(near + far), truth, clip=False)[None]
    shown = coverage.generate(rows_of(near + far), truth, clip=False)[None]
    label = label_of(near + far)
    label[0, 2, labels.OCCLUSION] = 2
    # Of half the file's pixels: 120 and 140 are high enough for easy; of a third of a pixel, 20 and 23.3 for none.
    for pixels, easy, hard in ((2, Counts(1, 0, 0), Counts(2, 0, 0)), (1 / 3, Counts(), Counts())):
        validation = Validation(given, truth.object_class, iou=0.5, file_pixels=pixels)
        validation.add(predicted[:, 8:], predicted[:, 1:5], shown, label[None])
        one, two = validation.scores()
        assert one.counts == Counts(2, 0, 0)
        assert [each.counts for each in one.difficulties.values()] == [easy, easy, hard]
        assert [each.counts for each in two.difficulties.values()] == [Counts()] * 3
    plain = Validation(given, truth.object_class, iou=0.5)
    plain.add(predicted[:, 8:], predicted[:, 1:5], shown, label[None])
    assert plain.scores()[0].difficulties == {}
