"""Images that a person is shown are spread over the split, and have something to see."""

from typing import Any

import numpy as np
from detectnet_examples import Objects, rows_of

from evolve.detectnet.choice import MISSED, MOST, SMALLEST, Choice

BIG, SMALL, TINY = (0, 0, 40, 40, 1), (50, 50, 8, 8, 1), (70, 70, 2, 2, 3)
NOTHING = np.zeros((0, 5))


def found(*objects: tuple[float, ...]) -> list[np.ndarray]:
    """Detections of one class that hit those objects."""
    return [np.array([(x, y, x + w, y + h, 1.0) for x, y, w, h, _ in objects], float).reshape(-1, 5)]


def chosen(images: list[tuple[Objects, list[np.ndarray]]], shown: int) -> list[tuple[int, str]]:
    """The numbers of the images shown, from 0, and what is written on them; 1 is the class, 3 is dontcare."""
    choice = Choice(len(images), shown, {1: 0}, 0.5)
    for number, (objects, detections) in enumerate(images):
        choice.add(np.full((3, 2, 2), number, np.float32), rows_of(objects), detections)
    return [(int(each.pixels[0, 0, 0]), each.caption) for each in choice.seen()]


def test_one_of_each_stretch_for_what_it_has() -> None:
    dull, crowd, small, missed = (
        ([BIG], found(BIG)), ([BIG, BIG, TINY], found(BIG, BIG)), ([BIG, SMALL], found(BIG, SMALL)),
        ([BIG, SMALL], found(BIG)),
    )  # fmt: skip
    first, second, third = [dull, missed, crowd], [missed, crowd, small], [crowd, small, missed]
    assert chosen(first + second + third, 3) == [(1, f"2: {MOST}"), (3, f"4: {SMALLEST}"), (8, f"9: {MISSED}")]


def test_dontcare_is_neither_many_nor_small() -> None:
    images = [([BIG], found()), ([TINY, TINY], found()), ([BIG], found()), ([BIG, TINY], found())]
    assert [number for number, _ in chosen(images, 2)] == [0, 2]


def test_of_equals_the_first() -> None:
    assert [number for number, _ in chosen([([BIG], found())] * 9, 3)] == [0, 3, 6]


def test_images_without_anything() -> None:
    assert [number for number, _ in chosen([([], [NOTHING])] * 4, 3)] == [0, 2, 3]


def test_a_detection_takes_one_object() -> None:
    images: list[Any] = [([], [NOTHING])] * 2 + [([BIG, BIG], found(BIG)), ([BIG, SMALL, SMALL], found(BIG, SMALL))]
    images += [([BIG, BIG], found())] * 2
    assert chosen(images, 3)[2] == (4, f"5: {MISSED}")


def test_of_few_images_all() -> None:
    assert [number for number, _ in chosen([([BIG], found())] * 2, 8)] == [0, 1]


def test_what_is_chosen_stays_as_it_was() -> None:
    choice = Choice(2, 1, {1: 0}, 0.5)
    pixels, rows = np.ones((3, 2, 2), np.float32), rows_of([BIG])
    choice.add(pixels, rows, found())
    pixels[:], rows[:] = 7, 0
    choice.add(pixels, rows_of([]), [NOTHING])
    (seen,) = choice.seen()
    assert (seen.pixels == 1).all() and seen.rows.tolist() == rows_of([BIG]).tolist()
