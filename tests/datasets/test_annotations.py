"""A box that cannot be is an error that names its row; one that stands out is cut and counted."""

import os
from pathlib import Path

import pytest

from evolve.base.errors import UserError
from evolve.datasets import Box
from evolve.datasets.annotation_files import state_of
from evolve.datasets.annotations import Clipped, clipped, raise_all, shape_problem


def _box(x: float, y: float, w: float, h: float) -> Box:
    return Box(x, y, w, h, "a", "f.txt:3")


@pytest.mark.parametrize(
    ("box", "problem"),
    [
        (_box(1, 2, -3, 4), "f.txt:3: expected a box of positive size, got -3x4; correct it or take it out"),
        (_box(1, 2, 3, 0), "f.txt:3: expected a box of positive size, got 3x0; correct it or take it out"),
        (_box(float("nan"), 2, 3, 1), "f.txt:3: expected a box of numbers, got x nan, y 2, 3x1; correct it"),
        (_box(-5, 2, 0.5, 0.5), ""),
    ],
)
def test_shapes(box: Box, problem: str) -> None:
    assert shape_problem(box) == problem


def test_what_stands_out_is_cut_and_counted() -> None:
    count = Clipped()
    assert clipped(_box(10, 10, 90, 54), 100, 64, count) == _box(10, 10, 90, 54) and count == Clipped()
    assert clipped(_box(-2, 10, 20, 20), 100, 64, count) == _box(0, 10, 18, 20)
    assert clipped(_box(90, 50, 13, 20), 100, 64, count) == _box(90, 50, 10, 14)
    assert count == Clipped(boxes=2, most=6)


def test_what_is_nowhere_in_the_image() -> None:
    with pytest.raises(UserError) as error:
        clipped(_box(100, 10, 5, 5), 100, 64, Clipped())
    assert str(error.value) == (
        "f.txt:3: expected a box within its image of 100x64, got x 100 to 105, y 10 to 15; correct it or take it out"
    )


def test_many_problems_are_one_error() -> None:
    raise_all([])
    with pytest.raises(UserError) as error:
        raise_all([f"problem {n}" for n in range(8)])
    assert str(error.value).splitlines() == [*(f"problem {n}" for n in range(5)), "and 3 more like these"]


def test_a_file_whose_name_is_no_utf_8_has_a_state(tmp_path: Path) -> None:
    file = tmp_path / os.fsdecode(b"caf\xe9.xml")
    file.write_text("")
    before = state_of(tmp_path, [file])
    os.utime(file, (1, 1))
    assert state_of(tmp_path, [file]) != before
