"""Eight bits in the graph's own types: QuantizeLinear and DequantizeLinear where eight_places says.

An engine fuses them with the nodes between into arithmetic in whole numbers. Weights have a scale a neuron, its
strongest synapse / 127, which gives back the very numbers of a generation in INT8 (evolve/network/grid.py).
Activations have one scale each, from the range that was seen: unsigned with a zero point and biases in 32-bit whole
numbers, as CPUs want them, or symmetric with float biases, as TensorRT does. Inputs and outputs stay in 32 bits.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from evolve.base.errors import UserError
from evolve.network.grid import LEVELS
from trt.onnx import eight_places
from trt.onnx.eight_places import Places
from trt.onnx.graph import Graph, Node
from trt.onnx.weighted import neurons_axis

Ranges = Mapping[str, tuple[float, float]]  # of a value: the least and the greatest that it has

_STEPS = 255
_BIAS = 2.0**30  # a bias is no more steps than that
_SMALLEST = np.finfo(np.float32).tiny  # of a scale: engines take smaller numbers for 0
_FINE = 0.1  # of the range that a scale is for: a value whose own is less has too few steps left


@dataclass(frozen=True)
class Scale:
    """A whole number q stands for scale * (q - zero)."""

    scale: np.float32
    zero: np.uint8 | np.int8

    @property
    def signed(self) -> bool:
        """Whether it is symmetric."""
        return isinstance(self.zero, np.int8)

    @classmethod
    def of(cls, low: float, high: float, signed: bool) -> "Scale":
        """The finest that holds `low` to `high` and 0, which it has exactly; 1 where all of it is next to nothing."""
        low, high = min(low, 0.0), max(high, 0.0)
        if signed:
            return cls(_at_least(max(-low, high) / LEVELS), np.int8(0))
        scale = _at_least((high - low) / _STEPS)
        return cls(scale, np.uint8(np.clip(np.rint(-low / scale), 0, _STEPS)))


def _at_least(scale: float) -> np.float32:
    return np.float32(scale if scale >= _SMALLEST else 1)


def quantised(graph: Graph, places: Places, ranges: Ranges, signed: bool, guarded: bool = False) -> Graph:
    """The graph in eight bits; `graph` stays as it is. UserError where the ranges are another net's.

    `guarded` keeps an engine from taking pooling in 32 bits for what is quantised behind it.
    """
    of_value = scales(places, ranges, signed)
    return _Writing(graph, places, of_value, _coarse(graph, places, of_value, ranges), signed, guarded).result


def scales(places: Places, ranges: Ranges, signed: bool) -> dict[str, Scale]:
    """The scale of each value that is quantised: those of a group have one, of all their ranges.

    UserError where a range is missing, or none of numbers.
    """
    missing = sorted(set(places.groups) - set(ranges))
    if missing:
        raise UserError(
            f"calibration: expected a range of '{missing[0]}', got none: it is another network's, or of an earlier "
            "release; remove it, and it is made anew"
        )
    of_group: dict[str, tuple[float, float]] = {}
    for value, group in places.groups.items():
        if not np.isfinite(ranges[value]).all():
            least, most = ranges[value]
            raise UserError(
                f"calibration: expected finite numbers of '{value}', got {least:g} to {most:g}, which no eight bits "
                "hold; have it in 32 bits"
            )
        low, high = of_group.get(group, (0.0, 0.0))
        of_group[group] = min(low, ranges[value][0]), max(high, ranges[value][1])
    return {value: Scale.of(*of_group[group], signed) for value, group in places.groups.items()}


def _coarse(graph: Graph, places: Places, scales: dict[str, Scale], ranges: Ranges) -> frozenset[str]:
    """The values whose scale is for far larger ones: those that they are joined with, or were taken out of."""
    passed = dict(scales)
    for node in graph.nodes:
        if places.moves(node) and node.inputs[0] in passed:
            passed |= {each: passed[node.inputs[0]] for each in node.outputs if each not in passed}
    return frozenset(
        value for value, scale in passed.items()
        if value in ranges and any(ranges[value]) and np.isfinite(ranges[value]).all()
        and Scale.of(*ranges[value], scale.signed).scale < _FINE * scale.scale
    )  # fmt: skip


class _Writing:
    def __init__(
        self, graph: Graph, places: Places, scales: dict[str, Scale], coarse: frozenset[str], signed: bool,
        guarded: bool,
    ) -> None:  # fmt: skip
        self.old, self._places, self._scales, self._signed, self._guarded = graph, places, scales, signed, guarded
        self._coarse, self._writers = coarse, {output: node for node in graph.nodes for output in node.outputs}
        self._moved: dict[str, str] = {}  # a value that was moved in eight bits -> the same moved in 32
        self.result = replace(graph, nodes=[], constants={}, _values=set(graph._values), _nodes=set(graph._nodes))
        self._named: dict[str, str] = {}  # an input of the net -> what its readers read
        self._written: dict[str, str] = {}  # a value that is quantised -> its name before that
        for value in graph.inputs:
            if value in scales:
                self._named[value] = self._through_eight_bits(value, value, "")
        for node in graph.nodes:
            self._add(node)
        for value in [each for each in graph.outputs if each in coarse]:
            self._leave_whole(value)

    def _add(self, node: Node) -> None:
        inputs = [self._read(node, each) for each in node.inputs]
        if node.name in self._places.computing:
            inputs[1:] = self._weights(node)
        outputs = [self._before(each) for each in node.outputs]
        self.result.constants |= {each: self.old.constants[each] for each in inputs if each in self.old.constants}
        self.result.nodes.append(replace(node, inputs=inputs, outputs=outputs))
        for written, value in zip(outputs, node.outputs, strict=True):
            if value in self._scales:
                self._through_eight_bits(self._kept_apart(node, written, value), value, node.layer)

    def _read(self, node: Node, value: str) -> str:
        """What a node reads of a value: it as it was quantised, or as it was before.

        Where the scale leaves little of a value, only those read it quantised that share the scale, or whose error is
        measured.
        """
        if value in self._coarse and not self._places.reads_eight_bits(node):
            return self._whole(value)
        keeps = eight_places.keeps_32_bits(node) or value in self._places.apart and node.name not in self._places.eight
        return (self._written if keeps else self._named).get(value, value)

    def _whole(self, value: str) -> str:
        """A value that nothing has quantised on its way, moved once more in 32 bits where it was moved in eight."""
        writer = self._writers.get(value)
        if writer is None or not self._places.moves(writer):
            return self._written.get(value, value)
        if value not in self._moved:
            inputs = [each if each in self.old.constants else self._whole(each) for each in writer.inputs]
            outputs = [self.result.fresh(f"{each}/whole") for each in writer.outputs]
            name = f"{writer.name}/whole"
            self.result.nodes.append(replace(writer, inputs=inputs, outputs=outputs, name=name))
            self._moved |= dict(zip(writer.outputs, outputs, strict=True))
        return self._moved[value]

    def _leave_whole(self, value: str) -> None:
        """Gives an output's name to what nothing has quantised."""
        whole = self._whole(value)
        self.result.rename(value, self.result.fresh(f"{value}/quantised"))
        self.result.rename(whole, value)

    def _before(self, value: str) -> str:
        """What a node writes: what is read under the value's name has been quantised by then."""
        return self.result.fresh(f"{value}/float") if value in self._scales else value

    def _kept_apart(self, node: Node, written: str, value: str) -> str:
        """`written` behind a node that does nothing, where an engine would else make a pooling in 32 bits one in 8."""
        if not self._guarded or node.operator != "MaxPool" or value not in self._places.apart:
            return written
        return self._node("Max", [written], node.layer, f"{value}/apart")

    def _through_eight_bits(self, written: str, value: str, layer: str) -> str:
        """Quantises `written`; returns what is read instead, `value` itself unless it is an input of the net."""
        scale, self._written[value] = self._scales[value], written
        constants = [self._constant(f"{value}/scale", scale.scale), self._constant(f"{value}/zero", scale.zero)]
        read = self.result.fresh(f"{value}/quantised") if written == value else value
        eight = self._node("QuantizeLinear", [written, *constants], layer, f"{value}/eight")
        self._node("DequantizeLinear", [eight, *constants], layer, read, named=True)
        return read

    def _weights(self, node: Node) -> list[str]:
        """Weights, and biases where there are any, as the node is to read them."""
        weights, axis = self.old.constants[node.inputs[1]], neurons_axis(node)
        bias = self.old.constants[node.inputs[2]] if len(node.inputs) > 2 else None
        seen = self._scales[node.inputs[0]].scale
        across = tuple(each for each in range(weights.ndim) if each != axis)
        of_neuron = _scales_of(np.abs(weights).max(axis=across), None if self._signed else bias, seen)
        spread = of_neuron.reshape([-1 if each == axis else 1 for each in range(weights.ndim)])
        steps = np.clip(np.rint(weights / spread), -LEVELS, LEVELS).astype(np.int8)
        found = [self._on_grid(node, steps, spread, of_neuron, axis)]
        if bias is not None:
            found.append(node.inputs[2] if self._signed else self._whole_bias(node, bias, seen * of_neuron))
        return found

    def _on_grid(
        self, node: Node, steps: np.ndarray, spread: np.ndarray, of_neuron: np.ndarray, axis: int
    ) -> str:
        name = node.inputs[1]
        constants = [
            self._constant(f"{name}/scale", of_neuron),
            self._constant(f"{name}/zero", np.zeros(len(of_neuron), np.int8)),
        ]
        if self._signed:
            # TensorRT 8.0 takes no weights of eight bits; what is on the grid already is not changed by quantising.
            there = self._constant(f"{name}/on_grid", (steps * spread).astype(np.float32))
            eight = self._node("QuantizeLinear", [there, *constants], node.layer, f"{name}/eight", axis=axis)
        else:
            eight = self._constant(f"{name}/eight", steps)
        return self._node("DequantizeLinear", [eight, *constants], node.layer, f"{name}/quantised", axis=axis)

    def _whole_bias(self, node: Node, bias: np.ndarray, step: np.ndarray) -> str:
        name = node.inputs[2]
        # Of a step that is next to nothing there is no bias.
        whole = np.divide(bias.astype(np.float64), step, out=np.zeros(len(step), np.float64), where=step > 0)
        constants = [
            self._constant(f"{name}/whole", np.rint(whole).astype(np.int32)),
            self._constant(f"{name}/scale", step),
        ]
        return self._node("DequantizeLinear", constants, node.layer, f"{name}/quantised", axis=0)

    def _constant(self, name: str, values: np.ndarray | np.generic) -> str:
        name = self.result.fresh(name)
        self.result.constants[name] = np.asarray(values)
        return name

    def _node(
        self, operator: str, inputs: list[str], layer: str, output: str, named: bool = False, **attributes: int
    ) -> str:
        """Adds one; its output is called `output`, or like it where that is not `named` already."""
        output = output if named else self.result.fresh(output)
        self.result.nodes.append(Node(operator, inputs, [output], attributes, f"{output}/{operator}", layer, True))
        return output


def _scales_of(strongest: np.ndarray, bias: np.ndarray | None, seen: np.float32) -> np.ndarray:
    """float32 (neurons,): the strongest weight / 127, and more where a bias would be too many steps of it."""
    found = strongest.astype(np.float64) / LEVELS
    if bias is not None:
        found = np.maximum(found, np.abs(bias.astype(np.float64)) / (float(seen) * _BIAS))
    return np.where(found >= _SMALLEST, found, 1.0).astype(np.float32)
