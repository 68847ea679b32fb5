"""What a layer makes of channels that are the same at every place and for every image.

Float64 (channels,) a blob, NaN where the value depends on the image or on the place. As the TEST phase computes it:
BatchNorm by its statistics, Dropout as if it were not there.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from evolve.network.axes import Layer, Shapes
from evolve.network.channels import ChannelMap, channels
from evolve.network.layers.learned import LearnedBlob

Values = list[np.ndarray]


@dataclass(frozen=True)
class Constants:
    """What one layer reads: the values of its bottoms' channels, and its own blobs."""

    layer: Layer
    bottoms: Values
    shapes: Shapes  # of the bottoms
    tops: Shapes
    maps: Sequence[ChannelMap]
    learned: Sequence[LearnedBlob]
    blobs: Sequence[np.ndarray]

    @property
    def first(self) -> np.ndarray:
        """The values of the first bottom."""
        return self.bottoms[0]

    def blob(self, number: int) -> np.ndarray:
        """A learned blob as one number a channel of the first bottom, NaN where a channel has several."""
        learned, count = self.learned[number], len(self.first)
        if learned.axis is None:
            blob = self.blobs[number].reshape(1, -1).astype(np.float64)
            each = np.broadcast_to(blob, (count, blob.shape[1]))
        else:
            each = learned.channels(self.blobs[number]).reshape(count, -1).astype(np.float64)
        return np.where((each == each[:, :1]).all(axis=1), each[:, 0], np.nan)


def varies(given: Constants) -> Values:
    """No channel of a top is constant."""
    return [np.full(channels(shape), np.nan) for shape in given.tops]


def carried(given: Constants, bottoms: int | None = None) -> Values:
    """As the channel maps tell, of all bottoms or of the first so many; NaN where two values meet in a channel."""
    values = []
    for number, shape in enumerate(given.tops):
        result = np.full(channels(shape), np.nan)
        mixed, seen = np.zeros(len(result), bool), np.zeros(len(result), bool)
        for link in given.maps:
            if link.top == number and (bottoms is None or link.bottom < bottoms):
                for source, target in zip(link.sources, link.targets, strict=True):
                    value = given.bottoms[link.bottom][source]
                    mixed[target] |= seen[target] and not value == result[target]
                    result[target], seen[target] = value, True
        values.append(np.where(mixed, np.nan, result))
    return values


def only_zero(values: Values) -> Values:
    """Zeros as they are; whatever else is not constant."""
    return [np.where(value == 0, 0, np.nan) for value in values]


def zero_stays(given: Constants) -> Values:
    """A channel of zeros goes on as such, and no other one is constant."""
    return only_zero([given.first])


def elementwise(function: Callable[[np.ndarray], np.ndarray]) -> Callable[[Constants], Values]:
    """One value a value of the first bottom."""
    return lambda given: [function(given.first)]
