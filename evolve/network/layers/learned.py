"""The learned blobs of layers without synapses, and along which of their axes the channels lie.

BatchNorm's statistics, Scale's and Bias's factors, PReLU's slopes: they belong to a channel and go with it, but they
are no synapses: none of them leads from one neuron to another.
"""

from dataclasses import dataclass

import numpy as np

from evolve.network.axes import Layer, Shape, Shapes


@dataclass(frozen=True)
class LearnedBlob:
    """One blob of a layer without synapses."""

    shape: Shape
    axis: int | None = None  # along which the channels lie; None where it holds for all of them
    shift: bool = False  # added to, or taken from, a channel: where no way leads to the channel it is to be zero

    def channels(self, blob: np.ndarray) -> np.ndarray:
        """A view of the blob with the channels first; only where there is such an axis."""
        return np.moveaxis(blob.reshape(self.shape), self.axis or 0, 0)

    def of(self, chosen: np.ndarray) -> np.ndarray:
        """bool, in its shape: what belongs to the channels `chosen`, bool (channels,), alone."""
        there = np.zeros(self.shape, bool)
        if self.axis is not None:
            self.channels(there)[chosen] = True
        return there

    def part(self, blob: np.ndarray, kept: np.ndarray) -> np.ndarray:
        """The blob of the channels `kept`, bool (channels,), alone."""
        blob = blob.reshape(self.shape)
        return blob if self.axis is None or kept.all() else np.compress(kept, blob, self.axis)

    def whole(self, part: np.ndarray, kept: np.ndarray) -> np.ndarray:
        """What `part` takes from, zero elsewhere."""
        if self.axis is None or kept.all():
            return part.reshape(self.shape)
        blob = np.zeros(self.shape, part.dtype)
        shape = list(self.shape)
        shape[self.axis] = int(kept.sum())
        self.channels(blob)[kept] = np.moveaxis(part.reshape(shape), self.axis, 0)
        return blob


def nothing(layer: Layer, bottoms: Shapes, tops: Shapes) -> list[LearnedBlob]:
    """A layer that learns nothing."""
    return []
