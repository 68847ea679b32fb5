"""A label's table: every number in DIGITS's column, far boxes first, and the same after a Datum."""

import numpy as np

from evolve.datasets import Box
from evolve.datasets.label_datum import array, datum, table


def _box(x: float, w: float, h: float, locz: float = 0) -> Box:
    return Box(x, 0, w, h, "a", "here", locz=locz)


def test_every_column() -> None:
    box = Box(1, 2, 3, 4, "a", "here", 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)
    filled = table([(6, box)], max_boxes=2)
    # x y w h alpha class scenario roty truncated occlusion length width height locx locy locz
    assert filled.tolist() == [[1, 16] + [0] * 14, list(range(1, 17)), [0] * 16]
    assert filled.dtype == np.float32


def test_the_smaller_first_where_no_distance_is_known() -> None:
    filled = table([(1, _box(0, 9, 9)), (1, _box(1, 2, 3)), (1, _box(2, 5, 5))], max_boxes=3)
    assert filled[1:, 0].tolist() == [1, 2, 0]


def test_the_farther_first_where_it_is_and_dontcare_regions_last() -> None:
    boxes = [(1, _box(0, 9, 9, 12.5)), (0, _box(1, 1, 1, -1000)), (1, _box(2, 50, 50, 40)), (1, _box(3, 2, 2, 12.5))]
    assert table(boxes, max_boxes=4)[1:, 0].tolist() == [2, 3, 0, 1]


def test_a_datum_gives_the_table_back() -> None:
    rng = np.random.default_rng(1)
    for count in range(5):
        boxes = [(int(rng.integers(0, 3)), _box(*rng.normal(0, 100, 3))) for _ in range(count)]
        filled = table(boxes, max_boxes=7)
        message = datum(filled)
        assert (message.channels, message.height, message.width) == (1, 8, 16) and not message.data
        assert np.array_equal(array(type(message).FromString(message.SerializeToString())), filled)
