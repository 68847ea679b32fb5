"""The 1,797 real handwritten digits that scikit-learn carries, made to look like MNIST.

They need no download, so they stand in where MNIST cannot be had. 8x8 pixels of 0..16 (E. Alpaydin and
C. Kaynak, UCI, 1998: the test part) become 24x24 of 0..255 by repetition, then get a margin of zeros.
"""

import importlib.util
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evolve.base.errors import UserError
from evolve.base.progress import Report
from evolve.datasets import Samples, Source, Split
from evolve.datasets.fitting import margin
from evolve.datasets.held_out import shares

TEST_IMAGES = 360
CLASSES = 10
ENLARGED = 3
BRIGHTEST = 16
_FILE = Path("datasets", "data", "digits.csv.gz")  # within scikit-learn


def load(*, image_size: int, seed: int, raw: Path, report: Report) -> Samples:
    """1,437 images to train and 360 to test, drawn class by class with ``seed``; UserError without sklearn."""
    zeros = margin("digits", 8 * ENLARGED, image_size, least=28)
    pixels, labels = _original()
    images = enlarged(pixels)
    is_test = stratified(labels, TEST_IMAGES, np.random.default_rng(seed))
    return Samples(
        train=Split(images[~is_test], labels[~is_test], zeros),
        test=Split(images[is_test], labels[is_test], zeros),
        classes=CLASSES,
    )


def _original() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """(1797, 8, 8) of 0..16, and (1797,) labels.

    Read from scikit-learn's file as its load_digits reads them, without importing it: that takes a second and more.
    """
    package = importlib.util.find_spec("sklearn")
    file = Path(package.origin).parent / _FILE if package and package.origin else None
    if not file or not file.is_file():
        raise UserError(
            "data set 'digits': expected scikit-learn, which carries the images, got none; "
            "pip install scikit-learn"
        )
    table = np.loadtxt(file, delimiter=",")
    return table[:, :-1].reshape(-1, 8, 8), table[:, -1].astype(np.int64)


def enlarged(pixels: NDArray[np.float64]) -> NDArray[np.uint8]:
    """(N, 8, 8) of 0..16 to (N, 1, 24, 24) uint8 of 0..255, every pixel repeated 3x3."""
    bytes_ = np.rint(pixels * (255 / BRIGHTEST)).astype(np.uint8)
    return bytes_.repeat(ENLARGED, axis=1).repeat(ENLARGED, axis=2)[:, None]


def stratified(labels: NDArray[np.int64], count: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """A mask (N,) of exactly ``count`` samples, each class within one of its fair share."""
    classes, sizes = np.unique(labels, return_counts=True)
    chosen = np.zeros(len(labels), dtype=bool)
    for label, share in zip(classes, shares(sizes, count), strict=True):
        chosen[rng.permutation(np.flatnonzero(labels == label))[:share]] = True
    return chosen


SOURCE = Source("the 1,797 handwritten digits of scikit-learn", 1, load, classes=CLASSES)
