"""Which channels are one and the same: maps from a layer's bottoms to its tops, and the groups that they join.

A ChannelMap says that channel `sources[k]` of a bottom goes on as channel `targets[k]` of a top, alone or joined by
others (Eltwise). What maps, shared parameters and a network's phases join is a channel group, to be kept or removed
everywhere at once.
"""

from dataclasses import dataclass

import numpy as np

from evolve.network.axes import Layer, Shape, Shapes


@dataclass(frozen=True)
class ChannelMap:
    """Channels that go from bottom number `bottom` to top number `top` of a layer."""

    bottom: int
    top: int
    sources: np.ndarray  # int, channels of the bottom
    targets: np.ndarray  # int, channels of the top


def channels(shape: Shape) -> int:
    """The length of axis 1; 0 where there is none, as of labels."""
    return shape[1] if len(shape) > 1 else 0


def every(bottom: int, top: int, count: int) -> ChannelMap:
    """All `count` channels of a bottom as the same channels of a top."""
    return ChannelMap(bottom, top, np.arange(count), np.arange(count))


def passed_on(layer: Layer, bottoms: Shapes, tops: Shapes) -> list[ChannelMap]:
    """Channel by channel from every bottom to the first top, whatever the other axes."""
    return [every(number, 0, channels(shape)) for number, shape in enumerate(bottoms)]


def to_each_top(layer: Layer, bottoms: Shapes, tops: Shapes) -> list[ChannelMap]:
    """Channel by channel from the first bottom to every top."""
    return [every(0, number, channels(shape)) for number, shape in enumerate(tops)]


def none(layer: Layer, bottoms: Shapes, tops: Shapes) -> list[ChannelMap]:
    """No channel of a bottom goes on."""
    return []


class ChannelGroups:
    """Channel numbers, handed out in order and joined into groups: union-find."""

    def __init__(self) -> None:
        self._parents: list[int] = []

    def new(self, count: int) -> np.ndarray:
        """`count` channels that are nobody else's, int (count,)."""
        first = len(self._parents)
        self._parents.extend(range(first, first + count))
        return np.arange(first, first + count)

    def join(self, one: np.ndarray, other: np.ndarray) -> None:
        """Makes one[k] and other[k] the same group, for each k."""
        for a, b in zip(one.tolist(), other.tolist(), strict=True):
            a, b = self._root(a), self._root(b)
            # The older one stays, so that groups are in the order in which layers made them.
            self._parents[max(a, b)] = min(a, b)

    def numbered(self) -> np.ndarray:
        """Channel number -> group, int; groups count from 0, in the order of their oldest channels."""
        roots = np.array([self._root(number) for number in range(len(self._parents))], int)
        return np.unique(roots, return_inverse=True)[1] if len(roots) else roots

    def _root(self, number: int) -> int:
        parents = self._parents
        while parents[number] != number:
            parents[number] = parents[parents[number]]
            number = parents[number]
        return number
