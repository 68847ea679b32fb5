"""Half precision in the graph's own types: 16-bit weights and arithmetic, inputs and outputs in 32 bits.

Needs no flag of any engine: newer ones have none, and take the types that they find. A node that is `wide`, and one
with a constant beyond half precision's range, keeps its 32 bits; values are cast where the two meet.
"""

from dataclasses import replace

import numpy as np

from trt.onnx.graph import Graph, Node

LARGEST = float(np.finfo(np.float16).max)
_HALF, _FLOAT, _OTHER = "half", "float", "other"
# Outputs that are no floating-point numbers, whatever the inputs are: (operator, number of the output).
_WHOLE = {("TopK", 1), ("MaxPool", 1), ("Greater", 0)}


def halved(graph: Graph) -> Graph:
    """The same graph in half precision; `graph` stays as it is."""
    return _Halving(graph).result


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
        wanted = _FLOAT if node.wide or self._too_large(node) else _HALF
        inputs = [self._as(each, wanted, node) for each in node.inputs]
        self.result.nodes.append(replace(node, inputs=inputs, outputs=list(node.outputs), wide=wanted == _FLOAT))
        for number, output in enumerate(node.outputs):
            self.kinds[output] = self._kind(node, inputs, number, wanted)

    def _too_large(self, node: Node) -> bool:
        values = [self.old.constants[each] for each in node.inputs if each in self.old.constants]
        return any(each.dtype == np.float32 and np.abs(each).max(initial=0) > LARGEST for each in values)

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
