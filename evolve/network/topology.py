"""A network as a graph: its stages (the layers with synapses) and which channels of its blobs are the same channel.

Read from the nets of all phases together, shapes inferred without running Caffe. Removing a channel class from every
blob and every layer that it touches gives a smaller network that is whole.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from evolve.base.errors import UserError
from evolve.network import links, shapes
from evolve.network.axes import Shape
from evolve.network.classes import Classes
from evolve.network.geometry import macs
from evolve.network.links import Link, channels
from evolve.network.parameters import PER_CHANNEL, Parameter, of_layer
from evolve.network.shapes import Step
from evolve.network.stages import WITH_SYNAPSES, Stage, Use, stage_of

Layer = Any  # caffe_pb2.LayerParameter
Net = Any  # caffe_pb2.NetParameter

EXACT, RETRAIN = "EXACT", "RETRAIN"


@dataclass
class Blob:
    """A blob as one layer wrote it: a layer that works in place writes another one of the same name."""

    name: str
    net: int  # which of the nets that were read
    shape: Shape
    classes: np.ndarray  # int (channels,): the class of each channel; empty without an axis 1


@dataclass
class Node:
    """One layer of one phase's net."""

    layer: Layer
    bottoms: list[int]  # indices of Graph.blobs
    tops: list[int]
    links: list[Link]
    parameters: list[Parameter]  # its learned blobs, but those of a stage
    stage: Stage | None = None
    use: Use | None = None  # of its stage
    whole: bool = False  # nothing that it touches may go: its type is not known


@dataclass
class Graph:
    """All phases' nets of one network. Blobs, classes and nodes are counted from 0."""

    nodes: list[Node]
    blobs: list[Blob]
    stages: list[Stage]  # in the order of the net; layers that share their parameters are one stage
    classes: int
    outputs: np.ndarray = field(repr=False)  # bool (classes,): what the network is for, or an unknown layer reads
    kept: np.ndarray = field(repr=False)  # bool (classes,): outputs, the image's channels, what LRN mixes (EXACT)
    sinks: list[int] = field(repr=False)  # blobs that the outputs are, or are computed from

    def answers(self) -> list[str]:
        """The blobs of the first net that its outputs are, or are computed from; labels are none."""
        given = {top for node in self.nodes if node.layer.type == "Input" for top in node.tops}
        computed = [self.blobs[blob] for blob in self.sinks if blob not in given]
        return list(dict.fromkeys(blob.name for blob in computed if blob.net == 0 and len(blob.classes)))

    def mixes(self) -> bool:
        """Whether a layer makes one channel depend on its neighbours, as LRN across channels does."""
        return any(mixes(node.layer) for node in self.nodes)


def read(nets: list[Net], lrn: str = EXACT, keep_unknown: bool = False) -> Graph:
    """The graph of `nets`, the phases of one network, which begin with Input layers.

    Layers of the same name are the same layer. `lrn` RETRAIN lets channels under an LRN across channels go, which
    changes the function; `keep_unknown` leaves what touches a layer of unknown type whole. UserError naming the
    layer that cannot be followed.
    """
    reader = _Reader(keep_unknown)
    for net in nets:
        reader.walk(net)
    return reader.graph(lrn)


class _Reader:
    """Walks nets in order and collects blobs, nodes, and which channels are the same."""

    def __init__(self, keep_unknown: bool) -> None:
        self._keep_unknown = keep_unknown
        self._net = -1
        self._classes = Classes()
        self._blobs: list[Blob] = []
        self._nodes: list[Node] = []
        self._unread: list[int] = []
        self._stages: dict[str, Stage] = {}
        self._names: dict[str, tuple[str, int]] = {}  # shared parameter -> the layer and blob that own it

    def walk(self, net: Net) -> None:
        """One phase's net; the latest blob of each name is what a bottom means."""
        self._net += 1
        latest: dict[str, int] = {}
        unread: dict[int, None] = {}
        for step in shapes.infer(net, keep_unknown=self._keep_unknown):
            bottoms = [latest[name] for name in step.layer.bottom]
            node = self._node(step, bottoms)
            self._nodes.append(node)
            for bottom in bottoms:
                unread.pop(bottom, None)
            for top in node.tops:
                latest[self._blobs[top].name] = top
                unread[top] = None
        self._unread += unread

    def _node(self, step: Step, bottoms: list[int]) -> Node:
        layer, stage, found, whole = step.layer, None, [], False
        try:
            if layer.type in WITH_SYNAPSES:
                stage = self._stage(step, bottoms)
            else:
                found = links.of(layer, list(step.bottoms), list(step.tops))
        except links.UnknownLayer:
            if not self._keep_unknown:
                raise
            whole = True
        tops = [self._top(name, shape, number, bottoms, found) for number, (name, shape) in
                enumerate(zip(layer.top, step.tops, strict=True))]  # fmt: skip
        node = Node(layer, bottoms, tops, found, [] if stage or whole else of_layer(step), stage, whole=whole)
        for link in found:
            self._classes.join(self._of(bottoms[link.bottom])[link.sources], self._of(tops[link.top])[link.targets])
        if stage:
            self._use(stage, step, node)
        return node

    def _of(self, blob: int) -> np.ndarray:
        return self._blobs[blob].classes

    def _top(self, name: str, shape: Shape, number: int, bottoms: list[int], found: list[Link]) -> int:
        """A new blob; its channels are the first bottom's that feeds them, or new."""
        classes = np.full(channels(shape), -1)
        for link in reversed(found):
            if link.top == number:
                classes[link.targets] = self._of(bottoms[link.bottom])[link.sources]
        missing = classes < 0
        classes[missing] = self._classes.new(int(missing.sum()))
        self._blobs.append(Blob(name, self._net, shape, classes))
        return len(self._blobs) - 1

    def _stage(self, step: Step, bottoms: list[int]) -> Stage:
        """The stage that a layer is a use of: its own, its namesake's in another phase, or the one it shares with."""
        fresh = stage_of(step, self._of(bottoms[0]))
        names = [parameter.name for parameter in step.layer.param]
        owners = {self._names[name][0] for name in names if name in self._names and
                  self._names[name][0] != fresh.name}  # fmt: skip
        if owners:
            return self._shared(fresh, owners, names)
        for number, name in enumerate(names):
            if name:
                self._names.setdefault(name, (fresh.name, number))
        known = self._stages.setdefault(fresh.name, fresh)
        if known.kernel_shape != fresh.kernel_shape:
            raise UserError(
                f"layer '{fresh.name}': expected the same shape in every phase, got {known.kernel_shape} and "
                f"{fresh.kernel_shape}; name different layers differently"
            )
        return known

    def _shared(self, fresh: Stage, owners: set[str], names: list[str]) -> Stage:
        wanted = [("", 0)] * (1 + fresh.has_bias)
        for number, name in enumerate(names[: len(wanted)]):
            wanted[number] = self._names.get(name, ("", 0))
        owner = next(iter(owners))
        stage = self._stages.get(owner)
        if stage is None or wanted != [(owner, number) for number in range(1 + stage.has_bias)]:
            raise UserError(
                f"layer '{fresh.name}': shares some of its parameters with '{owner}', not all; share weights and "
                "biases of one layer, or none"
            )
        if (stage.kernel_shape, stage.patch) != (fresh.kernel_shape, fresh.patch):
            raise UserError(
                f"layer '{fresh.name}': shares the parameters of '{owner}', but has {fresh.kernel_shape} and not "
                f"{stage.kernel_shape}; shared parameters have one shape"
            )
        if fresh.name not in stage.sharers:
            stage.sharers.append(fresh.name)
        return stage

    def _use(self, stage: Stage, step: Step, node: Node) -> None:
        use = Use(node.bottoms[0], node.tops[0], macs(step), _step(stage, self._of(node.bottoms[0])))
        if stage.uses:
            first = stage.uses[0]
            self._classes.join(self._of(first.top), self._of(use.top))
            self._classes.join(self._of(first.bottom)[:: first.step], self._of(use.bottom)[:: use.step])
        stage.uses.append(use)
        node.use = use

    def graph(self, lrn: str) -> Graph:
        """What was collected, with classes numbered from 0."""
        self._join_namesakes()
        numbered = self._classes.numbered()
        for blob in self._blobs:
            blob.classes = numbered[blob.classes]
        total = int(numbered.max()) + 1 if len(numbered) else 0
        graph = Graph(
            nodes=self._nodes,
            blobs=self._blobs,
            stages=self._in_order(),
            classes=total,
            outputs=np.zeros(total, bool),
            kept=np.zeros(total, bool),
            sinks=[],
        )
        if not graph.stages:
            raise UserError("expected Convolution, Deconvolution or InnerProduct layers, got none")
        _pin(graph, self._unread, lrn)
        return graph

    def _in_order(self) -> list[Stage]:
        """As the last net has them, so that auxiliary classifiers of training stand where they are."""
        first: dict[str, tuple[int, int]] = {}
        for number, node in enumerate(self._nodes):
            if node.stage and node.use:
                key = (self._blobs[node.use.top].net, -number)
                first[node.stage.name] = max(first.get(node.stage.name, key), key)
        return sorted(self._stages.values(), key=lambda stage: -first[stage.name][1])

    def _join_namesakes(self) -> None:
        """Layers that are the same layer in another phase, or share a parameter along the channels."""
        tops: dict[str, np.ndarray] = {}
        for node in self._nodes:
            names = [node.layer.name, *(f"parameter {each.name}" for each in node.layer.param if each.name)]
            if node.stage or node.layer.type not in PER_CHANNEL:
                continue
            classes = self._of(node.tops[0])
            for name in names:
                known = tops.setdefault(name, classes)
                if len(known) == len(classes):
                    self._classes.join(known, classes)


def _step(stage: Stage, classes: np.ndarray) -> int:
    """How many of a bottom's channels make one of a stage's columns: more than one where a map was flattened."""
    return max(1, len(classes) // stage.inputs)


def _pin(graph: Graph, unread: list[int], lrn: str) -> None:
    """Fills in what stays: outputs, the image, and what LRN or an unknown layer mixes."""
    lists = {top for node in graph.nodes if node.layer.type == "Python" and not node.whole for top in node.tops}
    for blob in unread:
        graph.outputs[graph.blobs[blob].classes] = True
        # Boxes jump where what they are computed from hardly moves: that, and not they, is the net's answer.
        if blob not in lists:
            graph.sinks.append(blob)
    for node in graph.nodes:
        touched = [*node.bottoms, *node.tops] if node.whole else node.bottoms if links.is_sink(node.layer) else []
        for blob in touched:
            graph.outputs[graph.blobs[blob].classes] = True
        if links.is_sink(node.layer):
            graph.sinks += node.bottoms
        across = mixes(node.layer) and lrn == EXACT
        for blob in [*(node.tops if node.layer.type == "Input" else []), *(node.bottoms if across else [])]:
            graph.kept[graph.blobs[blob].classes] = True
    graph.kept |= graph.outputs


def mixes(layer: Layer) -> bool:
    """Whether one channel's value depends on its neighbours': an LRN or an MVN across channels."""
    if layer.type == "LRN":
        return layer.lrn_param.norm_region == layer.lrn_param.ACROSS_CHANNELS
    return layer.type == "MVN" and layer.mvn_param.across_channels
