"""The learned blobs of layers without synapses, and along which of their axes the channels lie.

BatchNorm's statistics, Scale's and Bias's factors, PReLU's slopes: they belong to a channel and go with it, but they
are no synapses: none of them leads from one neuron to another.
"""

from dataclasses import dataclass

import numpy as np

from evolve.network.axes import Shape, axis_of
from evolve.network.geometry import blob_shapes
from evolve.network.shapes import Step

PER_CHANNEL = ("BatchNorm", "Bias", "PReLU", "Scale")


@dataclass(frozen=True)
class Parameter:
    """One blob of a layer without synapses."""

    shape: Shape
    axis: int | None  # along which the channels lie; None where it holds for all of them

    def channels(self, blob: np.ndarray) -> np.ndarray:
        """A view of the blob with the channels first; only where there is such an axis."""
        return np.moveaxis(blob.reshape(self.shape), self.axis or 0, 0)

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


def of_layer(step: Step) -> list[Parameter]:
    """The learned blobs of a layer without synapses, in Caffe's order."""
    layer, found = step.layer, blob_shapes(step)
    if layer.type == "BatchNorm":
        return [Parameter(shape, 0 if number < 2 and len(step.bottoms[0]) > 1 else None)
                for number, shape in enumerate(found)]  # fmt: skip
    if layer.type == "PReLU":
        return [Parameter(shape, None if layer.prelu_param.channel_shared else 0) for shape in found]
    if layer.type in ("Scale", "Bias"):
        parameter = layer.scale_param if layer.type == "Scale" else layer.bias_param
        first = axis_of(layer, parameter.axis, step.bottoms[0])
        return [Parameter(shape, 1 - first if first <= 1 < first + len(shape) else None) for shape in found]
    return [Parameter(shape, None) for shape in found]
