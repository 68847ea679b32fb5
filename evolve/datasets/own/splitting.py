"""A test part is split off the images: by seed, of each class in proportion, images of one content together."""

import numpy as np
from numpy.typing import NDArray

from evolve.datasets.own.pictures import Pictures, raise_all

Rows = NDArray[np.int64]


def split(pictures: Pictures, part: float, seed: int, class_names: tuple[str, ...]) -> tuple[Rows, Rows]:
    """The rows to train on and those to test on, both in their own order.

    Of each class ``part`` of its different images, rounded, one at least; copies of one go where it goes. UserError
    for classes of fewer than two different images, all of them named.
    """
    rows = np.arange(len(pictures.labels))
    first = pictures.alike(rows)
    different = rows[first == rows]
    shuffled = np.random.default_rng(seed).permutation(different)
    apart = np.zeros(len(rows), bool)
    problems = []
    for label in np.unique(pictures.labels):
        own = shuffled[pictures.labels[shuffled] == label]
        if len(own) < 2:
            got = "1 image" if len(own) else "copies of another class's images"
            problems.append(f"class '{class_names[label]}': expected two different images or more, got {got}")
        apart[own[: min(max(1, round(part * len(own))), len(own) - 1)]] = True
    raise_all(problems, "one has to be trained on and one tested; bring more images, or take the class out")
    is_test = apart[first]
    return rows[~is_test], rows[is_test]
