"""Ground truth on the grid: by hand, and against plain loops."""

from typing import Any

import detectnet_loops
import numpy as np
import pytest
from detectnet_examples import Objects, rows_of
from hypothesis import given
from hypothesis import strategies as st

from evolve.detectnet import coverage
from evolve.network.layers.detectnet_parameters import GroundTruth

GIVEN = GroundTruth(16, 160, 96, {1: 0, 2: 1})


def generate(objects: Objects, clip: bool = True, **changes: Any) -> np.ndarray:
    return coverage.generate(rows_of(objects), GroundTruth(16, 160, 96, {1: 0, 2: 1}, **changes), clip)


def cells(truth: np.ndarray, channel: int = 0) -> set[tuple[int, int]]:
    return {(int(row), int(column)) for row, column in np.argwhere(truth[channel])}


def test_a_box_worked_by_hand() -> None:
    # 100 x 50 at (30, 20): centre (80, 45); covered 40 x 20 (.4 x 50 = 20): x 60..100, y 35..55.
    truth = generate([(30, 20, 100, 50, 1)])
    assert cells(truth) == {(row, column) for row in (2, 3) for column in (3, 4, 5, 6)}
    # Cell (2, 3) begins at x 48, y 32.
    expected = [1, 30 - 48, 20 - 32, 130 - 48, 70 - 32, 1 / 100, 1 / 50, 256 / (40 * 20), 1, 0]
    assert truth[:, 2, 3] == pytest.approx(expected)


def test_a_cell_that_is_touched_at_its_edge_only_is_not_covered() -> None:
    # 80 x 80 at (24, 8): covered 32 x 32, x 48..80, y 32..64: exactly cells 3, 4 and rows 2, 3.
    assert cells(generate([(24, 8, 80, 80, 1)])) == {(2, 3), (2, 4), (3, 3), (3, 4)}


def test_gridbox_min_never_covers_more_than_the_box_nor_less_than_its_length() -> None:
    assert coverage.rectangle((10, 10, 12, 100), GIVEN) == (10, 40, 12, 40)
    assert coverage.rectangle((10, 10, 30, 40), GIVEN) == (15, 20, 20, 20)


def test_gridbox_max_covers_at_most_its_length() -> None:
    given = GroundTruth(16, 160, 96, {1: 0}, gridbox_type="GRIDBOX_MAX", max_cvg_len=30.0)
    x, y, w, h = coverage.rectangle((0, 0, 100, 50), given)
    assert (x, y, w, h) == (35, 15, 30, 20)


def test_obj_norm_is_of_the_whole_coverage_rectangle_also_where_it_leaves_the_image() -> None:
    truth = generate([(-60, 20, 100, 50, 1)], clip=False)
    assert cells(truth) == {(2, 0), (3, 0)} and truth[7, 2, 0] == pytest.approx(256 / 800)


def test_without_obj_norm_it_is_never_below_one() -> None:
    assert generate([(30, 20, 100, 50, 1)], obj_norm=False)[7, 2, 3] == 1
    assert generate([(30, 20, 12, 12, 1)], obj_norm=False)[7, 1, 2] == pytest.approx(256 / 144)


def test_train_cuts_the_box_at_the_image_test_does_not() -> None:
    train, test = generate([(-20, 20, 60, 50, 1)]), generate([(-20, 20, 60, 50, 1)], clip=False)
    assert train[1, 2, 1] == -16 and train[5, 2, 1] == pytest.approx(1 / 40)
    assert test[1, 2, 0] == -20 and test[5, 2, 0] == pytest.approx(1 / 60)


def test_a_later_box_takes_the_cells_of_an_earlier_one_whatever_the_class() -> None:
    far, near = (30.0, 20.0, 100.0, 50.0, 1), (60.0, 20.0, 60.0, 60.0, 2)
    truth = generate([far, near])
    shared = cells(generate([far])) & cells(generate([near]))
    assert shared and all(truth[8, row, column] == 0 and truth[9, row, column] == 1 for row, column in shared)
    other = generate([near, far])
    assert all(other[8, row, column] == 1 and other[9, row, column] == 0 for row, column in shared)


@pytest.mark.parametrize(
    "objects", [[(30, 20, 100, 50, 3)], [(30, 20, 0, 50, 1)], [(200, 20, 40, 40, 1)], [(30, 20, 100, 50, 0)], []]
)
def test_what_has_no_class_no_area_or_no_part_in_the_image_leaves_nothing(objects: Objects) -> None:
    assert not generate(objects).any()


place = st.integers(-400, 2000).map(lambda number: number / 8)
side = st.integers(0, 1600).map(lambda number: number / 8)


@given(
    objects=st.lists(st.tuples(place, place, side, side, st.integers(0, 3)), max_size=5),
    clip=st.booleans(),
    obj_norm=st.booleans(),
    most=st.sampled_from([None, 30.0, 70.0]),
)
def test_as_plain_loops(objects: Objects, clip: bool, obj_norm: bool, most: float | None) -> None:
    changes = {"gridbox_type": "GRIDBOX_MAX", "max_cvg_len": most} if most else {}
    truth = generate(objects, clip, obj_norm=obj_norm, **changes)
    expected = detectnet_loops.coverage(objects, 160, 96, 16, {1: 0, 2: 1}, clip, most=most, obj_norm=obj_norm)
    assert truth.dtype == np.float32 and truth.shape == (10, 6, 10)
    assert truth == pytest.approx(np.array(expected), rel=1e-6)
