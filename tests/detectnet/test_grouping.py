"""groupRectangles: OpenCV 4's own on thousands of random cases, plain loops, and cases worked by hand."""

import cv2
import detectnet_loops
import numpy as np
import pytest

from evolve.detectnet.grouping import group

CASES = 4000


def random_case(rng: np.random.Generator) -> tuple[np.ndarray, int, float]:
    """Rectangles around a few objects, some of them inside each other, and strays."""
    objects = rng.integers(0, 300, (rng.integers(1, 5), 4))
    objects[:, 2:] = objects[:, 2:] % 120 + 5
    if rng.random() < 0.5:
        objects[-1] = objects[0] + [3, 3, -2, -2]
    spread = rng.integers(1, 12)
    rectangles = objects[rng.integers(0, len(objects), rng.integers(1, 40))]
    rectangles = rectangles + rng.integers(-spread, spread + 1, rectangles.shape)
    rectangles[:, 2:] = np.maximum(rectangles[:, 2:], 1)
    return rectangles.astype(np.int64), int(rng.integers(0, 5)), float(rng.choice([0.02, 0.1, 0.2, 0.5, 1.0]))


def listed(rectangles: np.ndarray, members: np.ndarray) -> list[tuple[list[int], int]]:
    return list(zip(rectangles.tolist(), members.tolist(), strict=True))


def opencv(rectangles: np.ndarray, threshold: int, eps: float) -> list[tuple[list[int], int]]:
    means, members = cv2.groupRectangles(rectangles.tolist(), threshold, eps)
    return listed(np.array(means, np.int64).reshape(-1, 4), np.array(members, np.int64).reshape(-1))


def test_number_for_number_opencv() -> None:
    rng = np.random.default_rng(0)
    kept = 0
    for number in range(CASES):
        case = random_case(rng)
        ours = listed(*group(*case))
        assert ours == opencv(*case), f"case {number}: {case}"
        kept += len(ours)
    assert kept > CASES


def test_negative_sides_such_as_an_untrained_net_predicts() -> None:
    rng = np.random.default_rng(1)
    for number in range(500):
        rectangles, threshold, eps = random_case(rng)
        rectangles[:, 2:] -= rng.integers(0, 100)
        assert listed(*group(rectangles, threshold, eps)) == opencv(rectangles, threshold, eps), f"case {number}"


def test_plain_loops() -> None:
    rng = np.random.default_rng(2)
    for number in range(300):
        rectangles, threshold, eps = random_case(rng)
        expected = [(mean, members) for mean, members in detectnet_loops.groups(rectangles.tolist(), threshold, eps)]
        if threshold:
            assert listed(*group(rectangles, threshold, eps)) == expected, f"case {number}"


def test_four_around_one_object_and_a_stray() -> None:
    rectangles = np.array([[10, 10, 40, 80], [11, 10, 40, 80], [10, 13, 40, 80], [13, 12, 42, 78], [200, 50, 40, 80]])
    means, members = group(rectangles, 1, 0.2)
    # 44 / 4 = 11, 45 / 4 = 11.25, 162 / 4 = 40.5 (to even: 40), 318 / 4 = 79.5 (to even: 80).
    assert means.tolist() == [[11, 11, 40, 80]] and members.tolist() == [4]


def test_a_chain_is_one_group_though_its_ends_differ() -> None:
    rectangles = np.array([[step * 6, 0, 40, 40] for step in range(6)])
    assert group(rectangles, 1, 0.2)[1].tolist() == [6]
    assert group(rectangles, 1, 0.1)[1].tolist() == []


def test_a_group_inside_a_stronger_one_is_dropped() -> None:
    outer = [[0, 0, 100, 100]] * 5
    inner = [[30, 30, 20, 20]]
    assert group(np.array(outer + inner * 4), 1, 0.2)[0].tolist() == [[0, 0, 100, 100]]
    # Not against one of as many members, unless it has fewer than 3 itself.
    assert group(np.array(outer + inner * 5), 1, 0.2)[1].tolist() == [5, 5]
    assert group(np.array([[0, 0, 100, 100]] * 2 + inner * 2), 1, 0.2)[1].tolist() == [2]


@pytest.mark.parametrize("threshold", [0, 1])
def test_nothing_gives_nothing(threshold: int) -> None:
    means, members = group(np.zeros((0, 4), np.int64), threshold, 0.2)
    assert means.shape == (0, 4) and members.shape == (0,)
