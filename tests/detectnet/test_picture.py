"""The sheet of detections, pixel by pixel where it matters."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from detectnet_examples import Objects, rows_of
from PIL import Image

from evolve.detectnet.picture import COLOURS, IGNORED, LABELLED, LINE, MARGIN, WARNING, WIDTH, Legend, Seen, write

LEGEND = Legend("detectnet", 3, 0.81, 0.79, ["cat", "dog"])
WIDE, HIGH = 200, 120  # of an image, which becomes 387 x 232
SCALE = 387 / WIDE
NOTHING = np.zeros((0, 5))


def seen(objects: Objects, *found: Sequence[tuple[float, ...]], width: int = WIDE) -> Seen:
    """An image of blue 40, green 80, red 120, from which 127 was subtracted."""
    pixels = np.full((3, HIGH, width), -127, np.float32) + np.array([40, 80, 120], np.float32)[:, None, None]
    return Seen(pixels, rows_of(objects), [np.array(each, float).reshape(-1, 5) for each in found])


def sheet(tmp_path: Path, *images: Seen, legend: Legend = LEGEND) -> np.ndarray:
    write(tmp_path / "sheet.png", images, {1: 0, 2: 1}, (127.0,), legend)
    with Image.open(tmp_path / "sheet.png") as image:
        assert image.format == "PNG" and image.mode == "RGB"
        return np.asarray(image).astype(int)


def tile(pixels: np.ndarray, top: int = MARGIN + 2 * LINE) -> np.ndarray:
    """The first image's pixels."""
    return pixels[top : top + 232, MARGIN : MARGIN + 387]


def of(pixels: np.ndarray, colour: tuple[int, ...]) -> np.ndarray:
    return (pixels == colour).all(axis=2)


BOX = (50.0, 40.0, 90.0, 100.0)


def test_the_mean_comes_back_and_red_is_red(tmp_path: Path) -> None:
    assert of(tile(sheet(tmp_path, seen([], [], []))), (120, 80, 40)).all()


def test_a_detection_changes_its_frame_and_its_tag_only(tmp_path: Path) -> None:
    changed = ~of(tile(sheet(tmp_path, seen([(*BOX[:2], 40, 60, 1)], [(*BOX, 2.5)], []))), (120, 80, 40))
    x1, y1, x2, y2 = (round(value * SCALE) for value in BOX)
    frame = np.zeros_like(changed)
    frame[y1 - 1 : y2 + 2, x1 - 1 : x2 + 2] = True
    assert changed[frame].any() and not changed[y1 + 4 : y2 - 3, x1 + 4 : x2 - 3].any()
    assert changed[y1 - 1 : y2 + 2, [x1 - 1, x2 + 1]].all() and changed[[y1 - 1, y2 + 1], x1 - 1 : x2 + 2].all()
    elsewhere = changed & ~frame
    rows, columns = np.nonzero(elsewhere)
    assert rows.min() >= y1 - 17 and rows.max() < y1 and columns.min() == x1 and columns.max() < x1 + 60


@pytest.mark.parametrize("number", [0, 1])
def test_each_class_has_its_colour_and_labels_are_white(tmp_path: Path, number: int) -> None:
    found: list[list[tuple[float, ...]]] = [[], []]
    found[number] = [(*BOX, 2.5)]
    pixels = tile(sheet(tmp_path, seen([(*BOX[:2], 40, 60, number + 1)], *found)))
    x1, y1, x2, y2 = (round(value * SCALE) for value in BOX)
    # White on the edge itself, the colour just inside it, all the way round.
    assert of(pixels, LABELLED)[y1 : y2 + 1, [x1, x2]].all() and of(pixels, LABELLED)[[y1, y2], x1 : x2 + 1].all()
    inner = of(pixels, COLOURS[number])[y1 + 1 : y2, x1 + 1 : x2]
    assert inner[:, [0, 1, -2, -1]].all() and inner[[0, 1, -2, -1]].all()
    assert not of(pixels, COLOURS[1 - number]).any()


def test_what_hits_nothing_is_dashed(tmp_path: Path) -> None:
    def _drawn(*objects: tuple[float, float, float, float, int]) -> float:
        pixels = tile(sheet(tmp_path, seen(list(objects), [(*BOX, 2.5)], [])))
        x1, y1, _, y2 = (round(value * SCALE) for value in BOX)
        return float(of(pixels, COLOURS[0])[y1 + 5 : y2 - 5, x1 + 1].mean())

    assert _drawn((*BOX[:2], 40, 60, 1)) == 1
    for others in ([], [(*BOX[:2], 40, 60, 2)], [(100, 40, 40, 60, 1)]):
        assert 0.4 < _drawn(*others) < 0.65
    # Inside a region that counts neither way it is no mistake.
    assert _drawn((40, 30, 70, 80, 0)) == 1


def test_of_two_on_one_object_the_less_confident_is_dashed(tmp_path: Path) -> None:
    near = (54.0, 40.0, 94.0, 100.0)
    pixels = tile(sheet(tmp_path, seen([(*BOX[:2], 40, 60, 1)], [(*near, 1.0), (*BOX, 2.5)], [])))
    _, y1, x2, y2 = (round(value * SCALE) for value in near)
    assert of(pixels, COLOURS[0])[y1 + 5 : y2 - 5, x2 - 1].mean() < 0.65


def test_dontcare_is_grey_and_explained_where_there_is_any(tmp_path: Path) -> None:
    with_one, without = (sheet(tmp_path, seen([(*BOX[:2], 40, 60, kind)], [], [])) for kind in (7, 1))
    x1, y1, x2, y2 = (round(value * SCALE) for value in BOX)
    assert of(tile(with_one), IGNORED)[y1 : y2 + 1, [x1, x2]].all() and not of(tile(without), IGNORED).any()
    # The edges of letters have any grey now and then; a sample in the legend has a frame of it.
    in_the_legend = [int(of(pixels[: MARGIN + 2 * LINE], IGNORED).sum()) for pixels in (with_one, without)]
    assert in_the_legend[0] > 50 + in_the_legend[1]


def test_boxes_and_tags_at_the_edges(tmp_path: Path) -> None:
    wild = [(-500.0, -500.0, 900.0, 900.0, 1.0), (199.0, 0.0, 230.0, 3.0, 0.7), (30.0, 30.0, 30.0, 30.0, 0.0)]
    pixels = tile(sheet(tmp_path, seen([], wild, [])))
    assert of(pixels, COLOURS[0])[4:20, -40:].any()


@pytest.mark.parametrize(("width", "columns", "rows"), [(WIDE, 4, 2), (400, 2, 3)])
def test_rows_and_columns(tmp_path: Path, width: int, columns: int, rows: int) -> None:
    pixels = sheet(tmp_path, *[seen([], [], [], width=width)] * 6)
    wide = (WIDTH - 2 * MARGIN + 8) // columns - 8
    high = round(HIGH * wide / width)
    assert pixels.shape == (2 * MARGIN + 2 * LINE + rows * (high + 8) - 8, WIDTH, 3)
    assert of(pixels, (120, 80, 40)).sum() == 6 * wide * high


def test_the_legend_says_what_is_seen(tmp_path: Path) -> None:
    assert LEGEND.title() == "detectnet   generation 3   precision 0.810   recall 0.790   at IoU 0.5"
    image = seen([], [], [])
    plain = sheet(tmp_path, image)
    told = sheet(tmp_path, image, legend=Legend("detectnet", 3, 0.81, 0.79, ["cat", "dog"], notice="drawn " * 60))
    # Two lines more, in a colour of their own, and what is below as before.
    assert told.shape[0] == plain.shape[0] + 2 * LINE
    assert np.array_equal(told[MARGIN + 4 * LINE :], plain[MARGIN + 2 * LINE :])
    assert of(told, WARNING).any() and not of(plain, WARNING).any()
    other = sheet(tmp_path, image, legend=Legend("detectnet", 4, 0.81, 0.79, ["cat", "dog"]))
    rows, _ = np.nonzero((other != plain).any(axis=2))
    assert 0 < rows.max() < MARGIN + LINE


def test_the_same_bytes_twice(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    noise = rng.uniform(-127, 128, (5, 3, HIGH, WIDE)).astype(np.float32)
    images = [Seen(pixels, rows_of([(9, 9, 40, 60, 1)]), [NOTHING, NOTHING]) for pixels in noise]
    made = []
    for _ in range(2):
        sheet(tmp_path, *images)
        made.append((tmp_path / "sheet.png").read_bytes())
    assert made[0] == made[1]


def test_a_caption_stands_in_the_corner_below(tmp_path: Path) -> None:
    image = seen([], [], [])
    plain, captioned = (
        tile(sheet(tmp_path, each)) for each in (image, dataclasses.replace(image, caption="17: most boxes"))
    )
    rows, columns = np.nonzero((plain != captioned).any(axis=2))
    assert rows.min() == 232 - 17 and rows.max() == 231 and columns.min() == 0 and columns.max() < 120
