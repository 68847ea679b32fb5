"""Channels that are one and the same, as classes: union-find over channel numbers.

What Eltwise adds, what shared parameters read and what a layer hands on are one channel, to be kept or removed
everywhere at once.
"""

import numpy as np


class Classes:
    """Channel numbers, handed out in order and joined into classes."""

    def __init__(self) -> None:
        self._parents: list[int] = []

    def new(self, count: int) -> np.ndarray:
        """`count` channels that are nobody else's, int (count,)."""
        first = len(self._parents)
        self._parents.extend(range(first, first + count))
        return np.arange(first, first + count)

    def join(self, one: np.ndarray, other: np.ndarray) -> None:
        """Makes one[k] and other[k] the same class, for each k."""
        for a, b in zip(one.tolist(), other.tolist(), strict=True):
            a, b = self._root(a), self._root(b)
            # The older one stays, so that classes are in the order in which layers made them.
            self._parents[max(a, b)] = min(a, b)

    def numbered(self) -> np.ndarray:
        """Channel number -> class, int; classes count from 0, in the order of their oldest channels."""
        roots = np.array([self._root(number) for number in range(len(self._parents))], int)
        return np.unique(roots, return_inverse=True)[1] if len(roots) else roots

    def _root(self, number: int) -> int:
        parents = self._parents
        while parents[number] != number:
            parents[number] = parents[parents[number]]
            number = parents[number]
        return number
