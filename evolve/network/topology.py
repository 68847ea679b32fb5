"""Reads a network's graph from the nets of all its phases together, shapes inferred without running Caffe."""

from collections.abc import Collection

import numpy as np

from evolve.base.errors import UserError
from evolve.network import shapes
from evolve.network.axes import Net, Shape
from evolve.network.channels import ChannelGroups, ChannelMap, channels
from evolve.network.graph import Blob, Graph, Node
from evolve.network.layers import UnknownLayer
from evolve.network.shapes import Step
from evolve.network.weighted import Use, WeightedLayer

EXACT, RETRAIN = "EXACT", "RETRAIN"


def read(
    nets: list[Net], lrn: str = EXACT, keep_unknown: bool = False, outputs: Collection[str] = ()
) -> Graph:
    """The graph of `nets`, the phases of one network, which begin with Input layers.

    Layers of the same name are the same layer. `lrn` RETRAIN lets channels under an LRN across channels go, which
    changes the function; `keep_unknown` leaves what touches a layer of unknown type whole; `outputs` are blobs that
    are outputs although other layers read them. UserError naming the layer that cannot be followed.
    """
    reader = _Reader(keep_unknown, outputs)
    for net in nets:
        reader.walk(net)
    return reader.graph(lrn)


class _Reader:
    """Walks nets in order and collects blobs, nodes, and which channels are the same."""

    def __init__(self, keep_unknown: bool, outputs: Collection[str]) -> None:
        self._keep_unknown = keep_unknown
        self._outputs = outputs
        self._net = -1
        self._groups = ChannelGroups()
        self._blobs: list[Blob] = []
        self._nodes: list[Node] = []
        self._unread: list[int] = []
        self._weighted: dict[str, WeightedLayer] = {}
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
        self._unread += unread | {latest[name]: None for name in self._outputs if name in latest}

    def _node(self, step: Step, bottoms: list[int]) -> Node:
        maps = self._maps(step)
        weighted = self._weighted_layer(step, bottoms) if step.weighted and maps is not None else None
        tops = [self._top(name, shape, number, bottoms, maps or []) for number, (name, shape) in
                enumerate(zip(step.layer.top, step.tops, strict=True))]  # fmt: skip
        whole = maps is None
        learned = [] if whole else step.learned
        node = Node(step.layer, step.type, bottoms, tops, maps or [], learned, weighted, whole=whole)
        for each in node.maps:
            self._groups.join(self._of(bottoms[each.bottom])[each.sources], self._of(tops[each.top])[each.targets])
        if weighted:
            self._use(weighted, step, node)
        return node

    def _maps(self, step: Step) -> list[ChannelMap] | None:
        """None for a layer that is to be left whole."""
        if step.type is None:
            return None  # shapes would have refused it without keep_unknown
        try:
            if step.weighted and (why := step.weighted.not_evolving):
                raise UnknownLayer(
                    f"layer '{step.layer.name}': {why}, or keep_unknown: true leaves everything that touches it whole"
                )
            return step.type.follow(step.layer, step.bottoms, step.tops)
        except UnknownLayer:
            if not self._keep_unknown:
                raise
            return None

    def _of(self, blob: int) -> np.ndarray:
        return self._blobs[blob].channel_groups

    def _top(self, name: str, shape: Shape, number: int, bottoms: list[int], maps: list[ChannelMap]) -> int:
        """A new blob; its channels are the first bottom's that feeds them, or new."""
        groups = np.full(channels(shape), -1)
        for each in reversed(maps):
            if each.top == number:
                groups[each.targets] = self._of(bottoms[each.bottom])[each.sources]
        missing = groups < 0
        groups[missing] = self._groups.new(int(missing.sum()))
        self._blobs.append(Blob(name, self._net, shape, groups))
        return len(self._blobs) - 1

    def _weighted_layer(self, step: Step, bottoms: list[int]) -> WeightedLayer:
        """What a layer is a use of: its own weights, its namesake's in another phase, or those that it shares."""
        assert step.weighted
        if len(bottoms) > 1:
            raise UserError(f"layer '{step.layer.name}': expected one bottom, got {len(bottoms)}; give each a layer")
        fresh = step.weighted.behind(self._of(bottoms[0]))
        names = [parameter.name for parameter in step.layer.param]
        owners = {self._names[name][0] for name in names if name in self._names and
                  self._names[name][0] != fresh.name}  # fmt: skip
        if owners:
            return self._shared(fresh, next(iter(owners)), names)
        for number, name in enumerate(names):
            if name:
                self._names.setdefault(name, (fresh.name, number))
        known = self._weighted.setdefault(fresh.name, fresh)
        known.padded |= fresh.padded
        if known.kernel_shape != fresh.kernel_shape:
            raise UserError(
                f"layer '{fresh.name}': expected the same shape in every phase, got {known.kernel_shape} and "
                f"{fresh.kernel_shape}; name different layers differently"
            )
        return known

    def _shared(self, fresh: WeightedLayer, owner: str, names: list[str]) -> WeightedLayer:
        wanted = [("", 0)] * (1 + fresh.has_bias)
        for number, name in enumerate(names[: len(wanted)]):
            wanted[number] = self._names.get(name, ("", 0))
        layer = self._weighted.get(owner)
        if layer is None or wanted != [(owner, number) for number in range(1 + layer.has_bias)]:
            raise UserError(
                f"layer '{fresh.name}': shares some of its parameters with '{owner}', not all; share weights and "
                "biases of one layer, or none"
            )
        if (layer.kernel_shape, layer.patch) != (fresh.kernel_shape, fresh.patch):
            raise UserError(
                f"layer '{fresh.name}': shares the parameters of '{owner}', but has {fresh.kernel_shape} and not "
                f"{layer.kernel_shape}; shared parameters have one shape"
            )
        if (layer.type, layer.group) != (fresh.type, fresh.group):
            raise UserError(
                f"layer '{fresh.name}': shares the parameters of '{owner}', but is a {fresh.type} of group "
                f"{fresh.group} and no {layer.type} of group {layer.group}; layers that share them are of one kind"
            )
        layer.padded |= fresh.padded
        if fresh.name not in layer.sharers:
            layer.sharers.append(fresh.name)
        return layer

    def _use(self, layer: WeightedLayer, step: Step, node: Node) -> None:
        bottom = self._of(node.bottoms[0])
        # More than one channel makes one of the layer's columns where a map was flattened.
        use = Use(node.bottoms[0], node.tops[0], self._net, step.macs, max(1, len(bottom) // layer.inputs))
        if layer.uses:
            first = layer.uses[0]
            self._groups.join(self._of(first.top), self._of(use.top))
            self._groups.join(self._of(first.bottom)[:: first.step], bottom[:: use.step])
        layer.uses.append(use)
        node.use = use

    def graph(self, lrn: str) -> Graph:
        """What was collected, with channel groups numbered from 0."""
        self._join_namesakes()
        numbered = self._groups.numbered()
        for blob in self._blobs:
            blob.channel_groups = numbered[blob.channel_groups]
        total = int(numbered.max()) + 1 if len(numbered) else 0
        nothing = np.zeros(total, bool)
        graph = Graph(self._nodes, self._blobs, self._in_order(), total, nothing, nothing.copy(), sinks=[])
        if not graph.weighted:
            raise UserError("expected Convolution, Deconvolution or InnerProduct layers, got none")
        _pin(graph, self._unread, lrn)
        return graph

    def _in_order(self) -> list[WeightedLayer]:
        """As the last net has them, so that auxiliary classifiers of training stand where they are."""
        first: dict[str, tuple[int, int]] = {}
        for number, node in enumerate(self._nodes):
            if node.weighted and node.use:
                key = (node.use.net, -number)
                first[node.weighted.name] = max(first.get(node.weighted.name, key), key)
        return sorted(self._weighted.values(), key=lambda layer: -first[layer.name][1])

    def _join_namesakes(self) -> None:
        """Layers that are the same layer in another phase, or share a parameter along the channels."""
        tops: dict[str, np.ndarray] = {}
        for node in self._nodes:
            names = [node.layer.name, *(f"parameter {each.name}" for each in node.layer.param if each.name)]
            if node.type is None or not node.type.per_channel:
                continue
            groups = self._of(node.tops[0])
            for name in names:
                known = tops.setdefault(name, groups)
                if len(known) == len(groups):
                    self._groups.join(known, groups)


def _pin(graph: Graph, unread: list[int], lrn: str) -> None:
    """Fills in what stays: outputs, the image, and what LRN or an unknown layer mixes."""
    jumping = {top for node in graph.nodes if node.type and node.type.jumps for top in node.tops}
    for blob in unread:
        graph.outputs[graph.blobs[blob].channel_groups] = True
        # Boxes jump where what they are computed from hardly moves: that, and not they, is the net's answer.
        if blob not in jumping:
            graph.sinks.append(blob)
    for node in graph.nodes:
        touched = [*node.bottoms, *node.tops] if node.whole else node.bottoms if node.sink else []
        for blob in touched:
            graph.outputs[graph.blobs[blob].channel_groups] = True
        without_channels = not any(len(graph.blobs[top].channel_groups) for top in node.tops)
        # Of a top without channels it is the bottoms that tell whether the image still leads there.
        if node.sink or node.whole and node.type and without_channels:
            graph.sinks += node.bottoms
        across = node.mixes and lrn == EXACT
        for blob in [*(node.tops if node.source else []), *(node.bottoms if across else [])]:
            graph.kept[graph.blobs[blob].channel_groups] = True
    graph.kept |= graph.outputs
