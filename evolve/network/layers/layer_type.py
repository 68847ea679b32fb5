"""A LayerType is all that Cavefish knows of one of Caffe's layer types.

What its Reshape in Caffe makes of shapes; which channels of its tops are which of its bottoms; what it learns; what
becomes of a constant; how its prototxt follows when channels go.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from evolve.base.errors import UserError
from evolve.network import channels
from evolve.network.axes import Layer, Shapes
from evolve.network.channels import ChannelMap
from evolve.network.layers import constants, learned
from evolve.network.layers.constants import Constants, Values
from evolve.network.layers.learned import LearnedBlob
from evolve.network.weighted import WeightedLayer

MANY = 1000

Affine = Callable[[Layer, list[np.ndarray]], tuple[np.ndarray, np.ndarray]]


class UnknownLayer(UserError):
    """A layer of which nothing is known about its channels, or whose channels cannot be followed."""


@dataclass(frozen=True)
class Resizing:
    """What is left of the channels that a layer reads and writes."""

    bottoms: Shapes  # as they were
    read: list[np.ndarray]  # bool (channels,), one a bottom: those that stay
    written: list[np.ndarray]  # the same, one a top
    weighted: WeightedLayer | None  # of a layer with synapses, as it was


def unchanged(layer: Layer, bottoms: Shapes) -> Shapes:
    """Every top as the first bottom."""
    return (bottoms[0],) * len(layer.top)


def no_tops(layer: Layer, bottoms: Shapes) -> Shapes:
    """A layer that only reads."""
    return ()


@dataclass(frozen=True)
class LayerType:
    """A type by the name that a prototxt calls it; of a Python layer that is its class, in `module`.

    What is not given is as a function of single values has it: shapes and channels go on as they are. Functions get
    the LayerParameter, and shapes with the batch on axis 0 and channels on axis 1.
    """

    name: str
    module: str = ""  # of a Python layer
    # What Caffe accepts. `shapes` gives at least as many shapes as there are tops, and raises UserError, its message
    # beginning with the layer, for what Caffe aborts on.
    bottoms: tuple[int, int] = (1, 1)  # the fewest and the most
    tops: tuple[int, int] = (1, 1)
    shapes: Callable[[Layer, Shapes], Shapes] = unchanged
    in_place: bool = True  # whether a top may have its bottom's name
    # What its channels are, None of a layer that is to be left whole. `not_evolving` says why they cannot be followed:
    # such a layer is left whole or refused.
    channels: Callable[[Layer, Shapes, Shapes], list[ChannelMap] | None] = channels.passed_on
    not_evolving: str = ""
    source: bool = False  # what it writes is the image, which stays
    sink: bool = False  # all that it reads is what the network is for, and stays
    mixes: Callable[[Layer], bool] = lambda layer: False  # whether a channel's value depends on its neighbours
    jumps: bool = False  # its tops jump where what it reads hardly moves, as boxes do: no measure of a net's sameness
    # What it learns: synapses, which make new channels of its bottom's, or blobs that go with the channels.
    connects: Callable[[Layer, Shapes, Shapes], WeightedLayer] | None = None
    learned: Callable[[Layer, Shapes, Shapes], list[LearnedBlob]] = learned.nothing
    affine: Affine | None = None  # of x * factor + term in phase TEST, its blobs as factors and terms, (channels,)
    statistics: bool = False  # what it keeps is measured, not learned, and stays in 32 bits
    # What it makes of constant channels, and how it is rewritten when channels go.
    constant: Callable[[Constants], Values] = constants.varies
    resize: Callable[[Layer, Resizing], None] | None = None
    # Data, deployment, engines.
    data: bool = False  # reads examples from a file or from memory
    batch_size: Callable[[Layer], int] = lambda layer: 0  # of a data layer; 0 where the prototxt does not tell
    judges: bool = False  # a loss or a score: where nothing is judged, what it reads first is the output
    deployed: str = ""  # of a loss, the type that stands in its place there
    free: bool = False  # an engine makes it part of the layer before, or has that one write where it would copy to

    @property
    def per_channel(self) -> bool:
        """Whether what it learns goes with the channels that it hands on."""
        return self.learned is not learned.nothing and not self.not_evolving

    def infer(self, layer: Layer, bottoms: Shapes) -> Shapes:
        """The shapes of the tops of a layer of this type. UserError naming the layer if they do not fit."""
        for what, blobs, (least, most) in (("bottom", layer.bottom, self.bottoms), ("top", layer.top, self.tops)):
            if not least <= len(blobs) <= most:
                wanted = f"{least}" if least == most else f"{least} or more" if most == MANY else f"{least} to {most}"
                plural = "" if least == most == 1 else "s"
                raise UserError(f"layer '{layer.name}': expected {wanted} {what}{plural}, got {len(blobs)}")
        return self.shapes(layer, bottoms)[: len(layer.top)]

    def follow(self, layer: Layer, bottoms: Shapes, tops: Shapes) -> list[ChannelMap] | None:
        """Which channels of its tops are which of its bottoms; None if all are to stay as they are.

        UnknownLayer where they cannot be followed.
        """
        if self.not_evolving:
            raise UnknownLayer(
                f"layer '{layer.name}': {self.name} is not supported for evolving, {self.not_evolving}; "
                "keep_unknown: true leaves everything that touches it whole"
            )
        return self.channels(layer, bottoms, tops)
