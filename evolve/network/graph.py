"""A network as a graph: its layers with synapses, and which channels of its blobs are the same channel.

Removing a channel group from every blob and every layer that it touches gives a smaller network that is whole.
"""

from dataclasses import dataclass, field

import numpy as np

from evolve.network.axes import Layer, Shape
from evolve.network.channels import ChannelMap
from evolve.network.layers import LayerType
from evolve.network.layers.learned import LearnedBlob
from evolve.network.weighted import Use, WeightedLayer


@dataclass
class Blob:
    """A blob as one layer wrote it: a layer that works in place writes another one of the same name."""

    name: str
    net: int  # which of the nets that were read
    shape: Shape
    channel_groups: np.ndarray  # int (channels,): the group of each channel; empty without an axis 1


@dataclass
class Node:
    """One layer of one phase's net."""

    layer: Layer
    type: LayerType | None
    bottoms: list[int]  # indices of Graph.blobs
    tops: list[int]
    maps: list[ChannelMap]
    learned: list[LearnedBlob]  # but the synapses and biases of a weighted layer
    weighted: WeightedLayer | None = None
    use: Use | None = None  # of its weighted layer
    whole: bool = False  # nothing that it touches may go: its type is not known, or cannot be followed

    @property
    def source(self) -> bool:
        """Whether what it writes is the image."""
        return self.type is not None and self.type.source

    @property
    def sink(self) -> bool:
        """Whether all that it reads stays: losses, scores, Softmax."""
        return self.type is not None and self.type.sink

    @property
    def mixes(self) -> bool:
        """Whether one channel's value depends on its neighbours: an LRN or an MVN across channels."""
        return self.type is not None and self.type.mixes(self.layer)


@dataclass
class Graph:
    """All phases' nets of one network. Blobs, channel groups and nodes are counted from 0."""

    nodes: list[Node]
    blobs: list[Blob]
    weighted: list[WeightedLayer]  # in the order of the net; layers that share their parameters are one
    channel_groups: int  # how many there are
    outputs: np.ndarray = field(repr=False)  # bool (groups,): what the network is for, or an unknown layer reads
    kept: np.ndarray = field(repr=False)  # bool (groups,): outputs, the image's channels, what LRN mixes (EXACT)
    sinks: list[int] = field(repr=False)  # blobs that the outputs are, or are computed from

    def outputs_of(self, layer: WeightedLayer) -> np.ndarray:
        """int (outputs,): the channel groups of a layer's neurons."""
        return self.blobs[layer.uses[0].top].channel_groups

    def inputs_of(self, layer: WeightedLayer) -> np.ndarray:
        """int (inputs,): the channel groups of what it reads; a map that was flattened is one input."""
        use = layer.uses[0]
        return self.blobs[use.bottom].channel_groups[:: use.step]

    def blob_shapes(self) -> dict[str, list[Shape]]:
        """The shapes of the blobs that each layer learns, of all phases, in Caffe's order."""
        found: dict[str, list[Shape]] = {}
        for layer in self.weighted:
            for name in layer.names:
                found[name] = layer.blob_shapes
        for node in self.nodes:
            if node.learned:
                found[node.layer.name] = [blob.shape for blob in node.learned]
        order = {node.layer.name: None for node in self.nodes if node.layer.name in found}
        return {name: found[name] for name in [*order, *(set(found) - set(order))]}

    def answers(self) -> list[str]:
        """The blobs of the first net that its outputs are, or are computed from; labels, losses and scores are none."""
        none = {top for node in self.nodes for top in node.tops if node.source or node.sink and not self._channels(top)}
        computed = [self.blobs[blob] for blob in self.sinks if blob not in none]
        return list(dict.fromkeys(blob.name for blob in computed if blob.net == 0))

    def _channels(self, blob: int) -> int:
        return len(self.blobs[blob].channel_groups)

    def mixes(self) -> bool:
        """Whether a layer makes one channel depend on its neighbours, as LRN across channels does."""
        return any(node.mixes for node in self.nodes)
