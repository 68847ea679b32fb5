"""The census, against a small data set that was counted by hand."""

from pathlib import Path

import pytest
from miniatures import parse27k

from evolve.datasets import Box, Detection, census, prepare_detection
from evolve.datasets.annotations import Clipped

# Stored at twice the size, 192x128: in cells of 16 pixels these are, wide x high,
PEOPLE = {
    1: [(0, 0, 7, 48), (10, 0, 18, 8), (20, 10, 84, 60)],  # .875 x 6, 1 x 1, 8 x 6.25
    4: [],
    5: [(90, -3, 100, 13)],  # .75 x 1.625 after 4 pixels at the right and 3 above were cut off
    2: [(0, 0, 96, 64)],  # 12 x 8
    7: [],
    8: [],
    3: [(1, 1, 17, 17)],  # 2 x 2
    6: [],
}
TEXT = """\
parse27k: 192x128 pixels, a grid of 12x8 cells of 16
                                  train      val     test
images                                3        3        2
  without a box                       1        2        1
  boxes in the fullest                3        1        1
boxes: pedestrian                     4        1        1
widths of under 1 cell                2        0        0
widths of 1 to 2 cells                1        0        0
widths of 2 to 4 cells                0        0        1
widths of 4 to 8 cells                0        0        0
widths of 8 to 16 cells               1        1        0
widths of 16 and more cells           0        0        0
heights of under 1 cell               0        0        0
heights of 1 to 2 cells               2        0        0
heights of 2 to 4 cells               0        0        1
heights of 4 to 8 cells               2        0        0
heights of 8 to 16 cells              0        1        0
heights of 16 and more cells          0        0        0
warning: train: 2 boxes are under a cell of 16 pixels wide or high: too small for the grid
warning: train: 1 box stood out of its image, by 4 pixels at most: cut at the edge"""


def test_counted_by_hand(tmp_path: Path, lines: list[str]) -> None:
    parse27k(tmp_path / "raw", PEOPLE)
    made = prepare_detection("parse27k", Detection(192, 128), data=tmp_path, report=lines.append)
    assert census.text(made) == TEXT
    train = census.read(made)["train"]
    assert train.clipped == Clipped(boxes=1, most=4) and (train.images, train.empty, train.fullest) == (3, 1, 3)


def test_boxes_under_the_smallest_size_become_dontcare(tmp_path: Path, lines: list[str]) -> None:
    parse27k(tmp_path / "raw", PEOPLE)
    made = prepare_detection("parse27k", Detection(192, 128, smallest=16), data=tmp_path, report=lines.append)
    train = census.read(made)["train"]
    assert train.boxes == {"pedestrian": 2} and train.dontcare == {"pedestrian": 2} and train.small == 0
    assert "warning: train: 2 boxes are under the smallest size: dontcare" in census.warnings(census.read(made))


def test_by_one_pixel() -> None:
    said = census.warnings({"train": census.Census(clipped=Clipped(boxes=2, most=1.0))})
    assert said == ["warning: train: 2 boxes stood out of their images, by 1 pixel at most: cut at the edge"]


@pytest.mark.parametrize(
    ("pixels", "place"), [(0.1, 0), (15.9, 0), (16, 1), (31, 1), (32, 2), (64, 3), (128, 4), (255, 4), (256, 5)]
)
def test_sizes_are_counted_from_their_lower_edge(pixels: float, place: int) -> None:
    counted = census.Census()
    counted.add([(1, Box(0, 0, pixels, 20, "a", "here"))])
    assert counted.widths == [int(n == place) for n in range(6)] and counted.heights[1] == 1
