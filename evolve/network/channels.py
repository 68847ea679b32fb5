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
    """Channel numbers, handed out in order and joined into groups: union-find, many at a time."""

    def __init__(self) -> None:
        self._count = 0
        self._parents = np.arange(1024)  # of every number, those too that are still to be handed out

    def new(self, count: int) -> np.ndarray:
        """`count` channels that are nobody else's, int (count,)."""
        first, self._count = self._count, self._count + count
        if self._count > len(self._parents):
            self._parents = np.concatenate([self._parents, np.arange(len(self._parents), 2 * self._count)])
        return np.arange(first, self._count)

    def join(self, one: np.ndarray, other: np.ndarray) -> None:
        """Makes one[k] and other[k] the same group, for each k."""
        if one is other or np.array_equal(one, other):  # as most layers hand on what they get
            return
        while True:
            roots, others = self._roots(one), self._roots(other)
            apart = roots != others
            if not apart.any():
                return
            roots, others = roots[apart], others[apart]
            # The older one stays, so that groups are in the order in which layers made them. Of a root that is to have
            # several it gets the oldest; the others are its in the next turn.
            np.minimum.at(self._parents, np.maximum(roots, others), np.minimum(roots, others))

    def numbered(self) -> np.ndarray:
        """Channel number -> group, int; groups count from 0, in the order of their oldest channels."""
        return np.unique(self._roots(np.arange(self._count)), return_inverse=True)[1]

    def _roots(self, numbers: np.ndarray) -> np.ndarray:
        roots = self._parents[numbers]
        while not np.array_equal(roots, above := self._parents[roots]):
            roots = above
        self._parents[numbers] = roots
        return roots
