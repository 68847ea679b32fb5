"""Copies are found as one finds them who compares every picture with all before it."""

import numpy as np
import pytest

from evolve.datasets.own.copies import Copies
from evolve.datasets.own.pictures import ImageFiles

NAMES = ("cat", "dog")


@pytest.mark.parametrize("seed", range(5))
def test_each_is_compared_with_the_first_that_shows_the_same(seed: int) -> None:
    random = np.random.default_rng(seed)
    splits = {
        split: ImageFiles([f"{split}/{n}.png" for n in range(count)], random.integers(0, 2, count).tolist())
        for split, count in {"train": 40, "validation": 9, "test": 20}.items()
    }
    copies = Copies()
    first: dict[bytes, tuple[str, ImageFiles, int]] = {}
    apart, torn = [], []
    for split, pictures in splits.items():
        copies.begin(split, pictures)
        for number in random.permutation(len(pictures.files)).tolist():
            digest = bytes([int(random.integers(0, 25))]) * 32
            copies.add(number, digest)
            other, others, before = first.setdefault(digest, (split, pictures, number))
            pair = f"{split}/{number}.png ({split}) is {other}/{before}.png ({other})"
            label, known = int(pictures.labels[number]), int(others.labels[before])
            apart += [pair] if split != other else []
            torn += [f"{pair}: '{NAMES[label]}' and '{NAMES[known]}'"] if label != known else []
    assert apart and torn and copies.found(NAMES) == (apart, torn)


def test_none_of_none_and_none_of_different_ones() -> None:
    copies = Copies()
    assert copies.found(NAMES) == ([], [])
    copies.begin("train", ImageFiles(["a", "b"], [0, 1]))
    copies.add(0, b"0" * 32)
    copies.add(1, b"0" * 15 + b"1" * 17)
    assert copies.found(NAMES) == ([], [])
