"""Half precision in the graph's own types: 16-bit weights and arithmetic, inputs and outputs in 32 bits.

Needs no flag of any engine: newer ones have none, and take the types that they find. A node that is `wide`, and one
with weights that half precision cannot hold, keeps its 32 bits; values are cast where the two meet.
"""

from dataclasses import replace

import numpy as np

from trt.onnx.graph import Graph, Node
from trt.onnx.weighted import WEIGHTED, rows_of

LARGEST = float(np.finfo(np.float16).max)
TOLERATED = 0.01  # of a neuron's weights may be rounded off: normal numbers lose .0003, those near 1e-6 more
# Of a neuron whose weights sum to less comes what half precision has as zero, whatever half precision goes in.
_NOTHING = 2.0**-25 / LARGEST
_AT_ONCE = 1 << 20  # weights: 64 bits of all of a large layer are too much memory
_HALF, _FLOAT, _OTHER = "half", "float", "other"
# Outputs that are no floating-point numbers, whatever the inputs are: (operator, number of the output).
_WHOLE = {("TopK", 1), ("MaxPool", 1), ("Greater", 0)}


def halved(graph: Graph) -> Graph:
    """The same graph in half precision; `graph` stays as it is."""
    return _Halving(graph).result


def that_matter(rows: np.ndarray) -> np.ndarray:
    """Of each row whether anything could come of it: a neuron that died in training has weights far below."""
    return np.asarray(np.abs(rows).sum(axis=1) > _NOTHING)


def rounded_off(rows: np.ndarray) -> float:
    """The most that half precision takes off a row: root mean square of that / of the row; inf where one overflows."""
    if np.abs(rows).max(initial=0) > LARGEST:
        return float("inf")
    rows = rows[that_matter(rows)]
    at_once = max(1, _AT_ONCE // max(rows.shape[1], 1))
    return max((_most_off(rows[k : k + at_once]) for k in range(0, len(rows), at_once)), default=0.0)


def _most_off(rows: np.ndarray) -> float:
    largest = np.abs(rows).max(axis=1, keepdims=True).astype(np.float64)
    exact = rows / largest  # whose squares do not vanish
    lost = rows.astype(np.float16) / largest - exact
    return float(np.sqrt(np.square(lost).sum(axis=1) / np.square(exact).sum(axis=1)).max())


def rounded_off_of(graph: Graph, node: Node) -> float:
    """The most that half precision takes off the weights of a neuron of the node's, and off its other constants."""
    constants = [each for each in node.inputs if each in graph.constants and graph.constants[each].dtype == np.float32]
    return max((rounded_off(_rows(graph, node, each)) for each in constants), default=0.0)


def _rows(graph: Graph, node: Node, constant: str) -> np.ndarray:
    """What is one neuron's: a factor, or a row of weights. Of all other constants, biases for one, none is alone."""
    if node.operator == "Mul":
        return graph.constants[constant].reshape(-1, 1)
    if node.operator in WEIGHTED and constant == node.inputs[1]:
        return rows_of(graph, node)
    return graph.constants[constant].reshape(1, -1)


class _Halving:
    """The kind of each value so far, and what was cast."""

    def __init__(self, graph: Graph) -> None:
        self.old = graph
        self.result = replace(graph, nodes=[], constants={}, _values=set(graph._values))
        self.kinds = dict.fromkeys(graph.inputs, _FLOAT)
        self.kinds |= {name: _OTHER if values.dtype == np.int64 else _FLOAT for name, values in graph.constants.items()}
        self.made: dict[tuple[str, str], str] = {}
        for node in graph.nodes:
            self._add(node)
        for name in graph.outputs:
            if self.kinds[name] == _HALF:
                self._widen_output(name)

    def _add(self, node: Node) -> None:
        wanted = _FLOAT if node.wide or rounded_off_of(self.old, node) > TOLERATED else _HALF
        inputs = [self._as(each, wanted, node) for each in node.inputs]
        self.result.nodes.append(replace(node, inputs=inputs, outputs=list(node.outputs), wide=wanted == _FLOAT))
        for number, output in enumerate(node.outputs):
            self.kinds[output] = self._kind(node, inputs, number, wanted)

    def _kind(self, node: Node, inputs: list[str], number: int, wanted: str) -> str:
        if node.operator == "Cast":
            return _FLOAT if node.attributes["to"] == _FLOAT else _OTHER
        if (node.operator, number) in _WHOLE or (node.operator == "Mod"):
            return _OTHER
        return wanted

    def _as(self, value: str, wanted: str, node: Node) -> str:
        """The value, or a copy of it, in the kind that is `wanted`."""
        kind = self.kinds[value]
        if value in self.old.constants and (kind == _OTHER or wanted == _FLOAT):
            self.result.constants[value] = self.old.constants[value]
        if kind in (_OTHER, wanted):
            return value
        if (value, wanted) not in self.made:
            self.made[value, wanted] = self._cast(value, wanted, node)
        return self.made[value, wanted]

    def _cast(self, value: str, wanted: str, node: Node) -> str:
        name = self.result.fresh(f"{value}/{wanted}")
        if value in self.old.constants:
            self.result.constants[name] = self.old.constants[value].astype(np.float16)
        else:
            cast = Node("Cast", [value], [name], {"to": wanted}, f"{name}/cast", node.layer, True)
            self.result.nodes.append(cast)
        self.kinds[name] = wanted
        return name

    def _widen_output(self, name: str) -> None:
        narrow = self.result.fresh(f"{name}/half")
        self.result.rename(name, narrow)
        last = next(node for node in self.result.nodes if narrow in node.outputs)
        self.result.nodes.append(Node("Cast", [narrow], [name], {"to": _FLOAT}, f"{name}/cast", last.layer, True))
