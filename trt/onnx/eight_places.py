"""Which nodes compute in eight bits, which values are quantised for them, and which of these have one scale.

The rules are those with which OpenVINO and ONNX Runtime fuse, as their own graphs show (tests/trt/test_eight_fused.py):
a value is quantised behind each node with weights and its ReLU, and everyone reads what was quantised, for one reader
of the 32-bit value keeps the whole node in 32 bits; but a layer that is to stay in 32 bits reads that, and so do all in
32 bits where nothing in eight wrote the value. What only moves values has one scale on both sides, and so has all that
a Concat or an Eltwise joins. What the net is for leaves in 32 bits.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from trt.onnx.graph import Graph, Node
from trt.onnx.weighted import WEIGHTED

_MOVES = ("Concat", "MaxPool", "Relu", "Reshape", "Split")
_AVERAGES = ("AveragePool", "GlobalAveragePool")
_JOINS = ("Add",)
# Behind weights they are part of the node, so that nothing is quantised between.
_FUSED = ("Abs", "Clip", "Elu", "LeakyRelu", "PRelu", "Relu", "Sigmoid", "Softplus", "Tanh")


@dataclass(frozen=True)
class Places:
    """`computing` are the nodes with weights that compute in eight bits, by name.

    `groups` has each value that is quantised, and the one whose name its scale goes by.
    """

    computing: frozenset[str]
    groups: dict[str, str]
    in_32_bits: tuple[str, ...]  # layers that compute in 32 bits
    eight: frozenset[str] = frozenset()  # all nodes that compute in eight bits
    apart: frozenset[str] = frozenset()  # values that are quantised and that nothing in eight bits wrote

    def moves(self, node: Node) -> bool:
        """Whether a node in eight bits only moves values, so that it has one scale on both sides."""
        return node.name in self.eight and node.operator in _MOVES

    def reads_eight_bits(self, node: Node) -> bool:
        """Whether a node is to read the eight bits of whatever it reads."""
        return node.name in self.eight and node.operator not in _AVERAGES


def keeps_32_bits(node: Node) -> bool:
    """Whether a node has weights that are to stay in 32 bits, so that what it reads is not to be quantised."""
    return node.operator in WEIGHTED and node.wide


def find(graph: Graph) -> Places:
    """The places in a graph of 32 bits, whose `wide` nodes stay as they are."""
    return _Search(graph).places()


class _Search:
    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._writers = {output: node for node in graph.nodes for output in node.outputs}
        self._readers: dict[str, list[Node]] = {}
        for node in graph.nodes:
            for value in dict.fromkeys(self._read(node)):
                self._readers.setdefault(value, []).append(node)
        self._come = self._coming()
        self._lead = self._leading(lambda node: True)
        self._wanted = self._leading(self._may)
        self._eight = {node.name for node in graph.nodes if self._is_eight(node)}

    def places(self) -> Places:
        groups = {value: value for value in self._values() if self._is_quantised(value)}
        for node in self._graph.nodes:
            if node.name in self._eight and node.operator in (*_MOVES, *_JOINS):
                joined = [*self._read(node), *(node.outputs if node.operator in _MOVES else [])]
                _unite(groups, [value for value in joined if value in groups])
        computing = frozenset(name for name in self._eight if self._operator(name) in WEIGHTED)
        apart = frozenset(value for value in groups if not self._come.get(value, False))
        return Places(computing, groups, tuple(dict.fromkeys(self._wide())), frozenset(self._eight), apart)

    def _values(self) -> Iterable[str]:
        return (*self._graph.inputs, *self._writers)

    def _read(self, node: Node) -> list[str]:
        return [value for value in node.inputs if value not in self._graph.constants]

    def _operator(self, name: str) -> str:
        return next(node.operator for node in self._graph.nodes if node.name == name)

    def _may(self, node: Node) -> bool:
        """Whether a node could be in eight bits, for what it reads comes from such."""
        if node.wide or len(node.outputs) > 1 and node.operator != "Split":
            return False
        if node.operator in WEIGHTED:
            grouped = node.operator == "ConvTranspose" and node.attributes["group"] > 1  # no scale a neuron in ONNX
            # What reads a constant alone would have nothing to calibrate.
            return bool(self._read(node)) and node.inputs[1] in self._graph.constants and not grouped
        if node.operator in _JOINS and len(self._read(node)) < 2:
            return False
        known = (*_MOVES, *_AVERAGES, *_JOINS)
        return node.operator in known and all(self._come.get(value, False) for value in self._read(node))

    def _coming(self) -> dict[str, bool]:
        """Of each value whether it is there in eight bits."""
        self._come = dict.fromkeys(self._graph.inputs, True)
        for node in self._graph.nodes:
            self._come |= dict.fromkeys(node.outputs, self._may(node))
        return self._come

    def _leading(self, passes: Callable[[Node], bool]) -> dict[str, bool]:
        """Of each value whether weights in eight bits are fed by it, through nodes that `passes` is true of."""
        leads = dict.fromkeys(self._values(), False)
        for node in reversed(self._graph.nodes):
            weights = node.operator in WEIGHTED and self._may(node)
            on = passes(node) and any(leads[output] for output in node.outputs)
            if weights or on:
                leads |= dict.fromkeys(self._read(node), True)
        return leads

    def _is_eight(self, node: Node) -> bool:
        return self._may(node) and (node.operator in WEIGHTED or any(self._wanted[each] for each in node.outputs))

    def _is_quantised(self, value: str) -> bool:
        readers, writer = self._readers.get(value, []), self._writers.get(value)
        if not readers or self._is_inside(value):
            return False
        if any(node.name in self._eight for node in readers):
            return True
        return (
            writer is not None and self._lead[value] and self._is_of_weights(writer)
            and not all(map(keeps_32_bits, readers))
        )  # fmt: skip

    def _is_inside(self, value: str) -> bool:
        """Whether nothing but what is fused with its writer reads it."""
        writer, readers = self._writers.get(value), self._readers[value]
        weights = writer is not None and writer.operator in (*WEIGHTED, *_JOINS)
        return weights and [node.operator in _FUSED for node in readers] == [True] and value not in self._graph.outputs

    def _is_of_weights(self, writer: Node) -> bool:
        if writer.operator == "Relu" and self._is_inside(writer.inputs[0]):
            writer = self._writers[writer.inputs[0]]
        return writer.operator in WEIGHTED and writer.name in self._eight

    def _wide(self) -> Iterable[str]:
        """Layers of which nothing is in eight bits, nor fused with what is."""
        eight = {node.layer for node in self._graph.nodes if node.name in self._eight}
        for node in self._graph.nodes:
            behind = node.operator in _FUSED and self._is_inside(node.inputs[0])
            if node.layer not in eight and not behind:
                yield node.layer


def _unite(groups: dict[str, str], values: list[str]) -> None:
    taken = {groups[value] for value in values}
    for value, group in groups.items():
        if group in taken:
            groups[value] = groups[values[0]]
