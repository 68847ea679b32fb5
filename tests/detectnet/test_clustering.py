"""From coverage and boxes on the grid to detections, in both readings of NVIDIA's layer."""

import dataclasses
import math

import cv2
import numpy as np
import pytest
from detectnet_examples import Objects, rows_of

from evolve.base.errors import UserError
from evolve.detectnet import clustering, coverage
from evolve.detectnet.clustering import cluster
from evolve.network.layers import detectnet_clustering
from evolve.network.layers.detectnet_clustering import Clustering
from evolve.network.layers.detectnet_parameters import GroundTruth

GIVEN = Clustering(160, 96, 16, coverage_threshold=0.6, group_threshold=1, eps=0.2, min_height=22)
GROUND_TRUTH = GroundTruth(16, 160, 96, {1: 0, 2: 1})


def predicted(objects: Objects, noise: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Coverage (2, rows, columns) and boxes (4, rows, columns) of a net that is right, but for noise in pixels."""
    truth = coverage.generate(rows_of(objects), GROUND_TRUTH, clip=False)
    rng = np.random.default_rng(0)
    return truth[8:], truth[1:5] + rng.normal(0, noise, truth[1:5].shape).astype(np.float32)


def test_cells_of_one_object_become_its_box_with_the_log_of_their_number() -> None:
    maps, boxes = predicted([(30, 20, 100, 50, 1)])
    assert cluster(maps[0], boxes, GIVEN).tolist() == [[30, 20, 130, 70, math.log(8)]]
    assert cluster(maps[1], boxes, GIVEN).shape == (0, 5)


def test_noise_averages_out() -> None:
    maps, boxes = predicted([(30, 20, 100, 50, 1)], noise=2.0)
    (detection,) = cluster(maps[0], boxes, GIVEN)
    assert np.abs(detection[:4] - [30, 20, 130, 70]).max() <= 3 and detection[4] == math.log(8)


def test_the_threshold_itself_is_enough_coverage() -> None:
    maps, boxes = predicted([(30, 20, 100, 50, 1)])
    half = dataclasses.replace(GIVEN, coverage_threshold=0.5)
    assert len(cluster(maps[0] * np.float32(0.5), boxes, half)) == 1
    assert len(cluster(maps[0] * np.float32(0.499), boxes, half)) == 0


def test_a_group_needs_more_members_than_the_threshold() -> None:
    maps, boxes = predicted([(30, 20, 100, 50, 1)])
    assert len(cluster(maps[0], boxes, dataclasses.replace(GIVEN, group_threshold=7))) == 1
    assert len(cluster(maps[0], boxes, dataclasses.replace(GIVEN, group_threshold=8))) == 0


def test_what_is_lower_than_the_minimum_height_is_dropped() -> None:
    for height, kept in ((22, 1), (21, 0)):
        maps, boxes = predicted([(30, 20, 100, height, 1)])
        assert len(cluster(maps[0], boxes, GIVEN)) == kept


def test_of_too_many_the_most_confident_remain_in_their_order() -> None:
    maps, boxes = predicted([(0, 0, 48, 40, 1), (70, 0, 80, 40, 1), (20, 50, 100, 40, 1)])
    found = cluster(maps[0], boxes, GIVEN)
    fewer = cluster(maps[0], boxes, dataclasses.replace(GIVEN, max_boxes=2))
    assert len(found) == 3 and np.array_equal(fewer, found[np.sort(np.argsort(-found[:, 4], kind="stable")[:2])])


def test_legacy_gives_corners_to_opencv_as_if_they_were_sizes() -> None:
    rng = np.random.default_rng(0)
    differing = 0
    for _ in range(300):
        maps = rng.random((6, 10)).astype(np.float32)
        boxes = np.stack([rng.normal(mean, 12, (6, 10)) for mean in (-40, -40, 40, 40)]).astype(np.float32)
        found = clustering.candidates(boxes, 16, maps >= 0.6)
        corners, members = cv2.groupRectangles(np.rint(found).astype(int).tolist(), 1, 0.2)
        expected = [
            [*map(float, corner), math.log(number)]
            for corner, number in zip(np.reshape(corners, (-1, 4)), np.reshape(members, -1), strict=True)
            if corner[3] - corner[1] >= 22
        ]
        legacy = cluster(maps, boxes, dataclasses.replace(GIVEN, legacy=True))
        assert legacy.tolist() == expected
        differing += not np.array_equal(legacy, cluster(maps, boxes, GIVEN))
    assert differing > 200


def test_corners_is_opencv_given_sizes() -> None:
    rng = np.random.default_rng(1)
    for _ in range(300):
        maps = rng.random((6, 10)).astype(np.float32)
        boxes = np.stack([rng.normal(mean, 12, (6, 10)) for mean in (-40, -40, 40, 40)]).astype(np.float32)
        found = clustering.candidates(boxes, 16, maps >= 0.6)
        sizes = [[round(x1), round(y1), round(x2 - x1), round(y2 - y1)] for x1, y1, x2, y2 in found.tolist()]
        rectangles, members = cv2.groupRectangles(sizes, 1, 0.2)
        expected = [
            [x, y, x + w, y + h, math.log(number)]
            for (x, y, w, h), number in zip(np.reshape(rectangles, (-1, 4)), np.reshape(members, -1), strict=True)
            if h >= 22
        ]
        assert cluster(maps, boxes, GIVEN).tolist() == expected


def test_a_diverging_net_detects_nothing() -> None:
    assert len(cluster(np.ones((6, 10), np.float32), np.full((4, 6, 10), np.nan, np.float32), GIVEN)) == 0


def test_ground_truth_comes_back_from_its_cells() -> None:
    objects: Objects = [(0.3, 10.7, 50.1, 40.9, 1), (80.55, 30.35, 60.7, 45.2, 1)]
    maps, boxes = predicted(objects)
    found = clustering.ground_truth(maps[0], boxes, 16)
    expected = sorted([[x, y, x + w, y + h] for x, y, w, h, _ in objects])
    assert np.array(sorted(found.tolist())) == pytest.approx(np.array(expected), abs=1e-4)


def test_an_object_that_a_later_one_covers_is_gone_from_the_ground_truth() -> None:
    maps, boxes = predicted([(40, 20, 30, 30, 1), (20, 0, 90, 70, 2)])
    assert len(clustering.ground_truth(maps[0], boxes, 16)) == 0
    assert len(clustering.ground_truth(maps[1], boxes, 16)) == 1


def test_param_str_is_nvidias() -> None:
    assert detectnet_clustering.parse("1248, 384, 16, 0.6, 3, 0.02, 22") == Clustering(1248, 384, 16, 0.6, 3, 0.02, 22)
    full = detectnet_clustering.parse("1248,384,16,0.6,3,0.02,22,2,80,legacy")
    assert full == Clustering(1248, 384, 16, 0.6, 3, 0.02, 22, 2, 80, True)
    corners = detectnet_clustering.parse("160,96,16,0.6,3,0.02,22,2,corners")
    assert corners == Clustering(160, 96, 16, 0.6, 3, 0.02, 22, 2)


@pytest.mark.parametrize(
    ("param_str", "message"),
    [
        ("1248,384,16", "param_str: expected 'W, H, stride, coverage threshold, group threshold, eps, minimum height'"),
        ("1248,384,16,0.6,3,x,22", "param_str: expected a number, got 'x'"),
        ("1250,384,16,0.6,3,0.02,22", "param_str: expected W and H to be multiples of the stride"),
        ("1248,384,0,0.6,3,0.02,22", "param_str: expected W and H to be multiples of the stride, and 1 or more"),
        ("1248,384,16,0.6,3,0.02,22,0", "param_str: expected W and H to be multiples of the stride, and 1 or more"),
        ("", "param_str: expected 'W, H"),
    ],
)
def test_a_malformed_param_str(param_str: str, message: str) -> None:
    with pytest.raises(UserError) as error:
        detectnet_clustering.parse(param_str)
    assert str(error.value).startswith(message)
