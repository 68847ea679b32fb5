"""A validation part is split off the training images: by seed, and of each class in proportion."""

import numpy as np
from numpy.typing import NDArray

from evolve.base.errors import UserError

Rows = NDArray[np.int64]


def split(labels: NDArray[np.int64], shuffled: Rows, wanted: int) -> tuple[Rows, Rows]:
    """The rows to train on, in the order of ``shuffled`` (N,), and the ``wanted`` rows kept apart, in their own order.

    ``labels`` (N,) are the classes. Kept apart are the first of each class in ``shuffled``. UserError where a class
    would have no image in one of the two.
    """
    if not wanted:
        return shuffled, shuffled[:0]
    if wanted >= len(labels):
        raise UserError(f"validation: expected fewer than its {len(labels)} training images, got {wanted}")
    classes, counts = np.unique(labels, return_counts=True)
    kept = shares(counts, wanted)
    for each, count, share in zip(classes, counts, kept, strict=True):
        if not 0 < share < count:
            raise UserError(
                f"validation: expected images of every class to train on and to choose by, got {wanted} of "
                f"{len(labels)}, which would be {share} of the {count} of class {each}; choose another number"
            )
    apart = np.zeros(len(labels), bool)
    for each, share in zip(classes, kept, strict=True):
        apart[shuffled[labels[shuffled] == each][:share]] = True
    return shuffled[~apart[shuffled]], np.flatnonzero(apart)


def shares(sizes: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """``count`` divided in proportion to ``sizes`` (K,): rounded down, the rest to the largest remainders."""
    total = int(sizes.sum())
    whole = sizes * count // total
    remainders = sizes * count % total
    whole[np.argsort(-remainders, kind="stable")[: count - int(whole.sum())]] += 1
    return whole
