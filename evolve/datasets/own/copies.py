"""Pictures that show the same, pixel for pixel, are found whatever their files are: in two splits, of two classes.

Digests are kept, twenty-four bytes a picture, and compared once all are there.
"""

from array import array
from collections.abc import Iterator, Sequence

import numpy as np

from evolve.datasets.own.pictures import Pictures

_LENGTH = 16  # bytes of a digest that are kept


class Copies:
    """Takes every picture in the order in which they are stored, split by split."""

    def __init__(self) -> None:
        self._digests = bytearray()
        self._numbers = array("q")
        self._splits: list[tuple[int, str, Pictures]] = []  # each with how many pictures came before

    def begin(self, split: str, pictures: Pictures) -> None:
        """What follows are pictures of that split."""
        self._splits.append((len(self._numbers), split, pictures))

    def add(self, number: int, digest: bytes) -> None:
        """One of them, and what tells its pixels from any others."""
        self._digests += digest[:_LENGTH]
        self._numbers.append(number)

    def found(self, class_names: Sequence[str]) -> tuple[list[str], list[str]]:
        """Pairs that are in two splits, and pairs that have two classes, a line each: a later one and the first."""
        apart, torn = [], []
        for late, early in self._pairs():
            (split, pictures, number), (other, others, before) = self._picture(late), self._picture(early)
            label, first = int(pictures.labels[number]), int(others.labels[before])
            if split == other and label == first:
                continue
            pair = f"{pictures.name(number)} ({split}) is {others.name(before)} ({other})"
            if split != other:
                apart.append(pair)
            if label != first:
                torn.append(f"{pair}: '{class_names[label]}' and '{class_names[first]}'")
        return apart, torn

    def _pairs(self) -> Iterator[tuple[int, int]]:
        """Of each picture that was there before, where it stands, and where the first of its kind does."""
        digests = np.frombuffer(self._digests, f"V{_LENGTH}")
        _, first, kind = np.unique(digests, return_index=True, return_inverse=True)
        for late in np.flatnonzero(first[kind] != np.arange(len(digests))).tolist():
            yield late, int(first[kind[late]])

    def _picture(self, place: int) -> tuple[str, Pictures, int]:
        _, split, pictures = next(each for each in reversed(self._splits) if each[0] <= place)
        return split, pictures, self._numbers[place]
