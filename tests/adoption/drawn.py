"""Drawn digits in colour on noise: a data set for networks of three channels that costs nothing to make.

Its file is copied beside a network, as a user's own data set is; the one beside it, pairs.py, has two in an image.
"""

import numpy as np

from evolve.datasets import Samples, Source, Split
from evolve.datasets.fitting import margin

TRAIN, TEST, CLASSES = 400, 100, 10
_SIDE = 24
# Which of the seven strokes of a digital clock's digits are lit: top, middle, bottom, then left and right, upper first.
_STROKES = (
    "1011111", "0000011", "1110110", "1110011", "0101011", "1111001", "1111101", "1000011", "1111111", "1111011",
)  # fmt: skip


def load(*, image_size, seed, raw, report):
    """Few images; the same seed draws the same ones."""
    zeros = margin("drawn", _SIDE, image_size, least=_SIDE)
    random = np.random.default_rng(seed)
    return Samples(*(Split(*draw(count, random), zeros) for count in (TRAIN, TEST)), CLASSES)


def draw(count, random):
    """(count, 3, 24, 24) bytes, and (count,) labels."""
    labels = np.arange(count) % CLASSES
    images = random.integers(0, 60, (count, 3, _SIDE, _SIDE), np.uint8)
    for image, label in zip(images, labels, strict=True):
        colour = random.integers(150, 256, 3)[:, None, None]
        image[:] = np.where(_digit(label), colour, image)
    return images, labels


def _digit(number):
    """bool (24, 24)."""
    lit = [stroke == "1" for stroke in _STROKES[number]]
    drawn = np.zeros((_SIDE, _SIDE), bool)
    for row, here in zip((3, 10, 18), lit[:3], strict=True):
        drawn[row : row + 3, 6:18] = here
    for (row, column), here in zip(((3, 6), (11, 6), (3, 15), (11, 15)), lit[3:], strict=True):
        drawn[row : row + 10, column : column + 3] |= here
    return drawn


SOURCE = Source("drawn digits in colour", 3, load)
