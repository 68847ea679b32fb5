"""What of a net half precision cannot hold, its activations on real inputs, and which layers keep 32 bits for it.

The graph that becomes the engine runs in 32 bits in ONNX Runtime with every value as an output. A value overflows
where it is beyond the largest half (65504), and vanishes where it is not zero and its half is. Layers that write or
read what overflows, or what vanishes in more than a hundredth of its values, stay in 32 bits, and so do those whose
weights it cannot hold (trt/onnx/half.py).
"""

import math
from dataclasses import dataclass, field

import numpy as np

from evolve.base.counted import counted
from trt import values
from trt.inputs import Inputs
from trt.onnx import half, model
from trt.onnx.export import Pair
from trt.onnx.graph import Graph
from trt.onnx.half import LARGEST

VANISHING = 2.0**-25  # and all below: half of the smallest half, which rounds to zero
TOLERATED = 0.01  # of the values that are not zero may vanish: a sigmoid's far end does no harm


@dataclass
class Range:
    """One value of the graph, over all inputs: counts of numbers, and the largest magnitude."""

    value: str
    layer: str  # that writes it; empty for an input of the net
    readers: tuple[str, ...]
    largest: float = 0.0
    numbers: int = 0  # that are not zero
    overflows: int = 0
    vanishes: int = 0

    def add(self, values: np.ndarray) -> None:
        """Counts the values of one more batch in."""
        magnitudes = np.abs(values[values != 0])
        self.numbers += magnitudes.size
        self.largest = max(self.largest, float(magnitudes.max(initial=0)))
        self.overflows += int(np.count_nonzero(~(magnitudes <= LARGEST)))
        self.vanishes += int(np.count_nonzero(magnitudes <= VANISHING))

    @property
    def needs_32_bits(self) -> bool:
        """Whether half precision would lose what the net is about."""
        return self.overflows > 0 or self.vanishes > TOLERATED * self.numbers

    def words(self) -> str:
        """One line: where, what, how much, and the remedy."""
        inside = "inside " if self.readers == (self.layer,) else ""
        where = f"{inside}layer '{self.layer}'" if self.layer else f"input '{self.value}'"
        lost = [
            f"{count / self.numbers:.2%} of its activations {what}"
            for count, what in ((self.overflows, f"overflow (up to {self.largest:.3g})"), (self.vanishes, "vanish"))
            if count
        ]
        layers = tuple(dict.fromkeys(each for each in (self.layer, *self.readers) if each))
        remedy = f"in 32 bits: {', '.join(layers)}" if self.needs_32_bits else (
            f"left in 16 bits; WIDE={','.join(layers)} keeps 32"
        )  # fmt: skip
        return f"{where}: {' and '.join(lost)} in half precision; {remedy}"


@dataclass
class Report:
    """The ranges of all values that half precision would hold, and what they were seen on."""

    seen_on: str
    ranges: list[Range] = field(default_factory=list)
    weights: dict[str, float] = field(default_factory=dict)  # layer -> what it loses of a neuron's, where too much

    def in_32_bits(self) -> frozenset[str]:
        """Layers to keep in 32 bits."""
        wide = [each for each in self.ranges if each.needs_32_bits]
        return frozenset(layer for each in wide for layer in (each.layer, *each.readers) if layer)

    def lines(self) -> list[str]:
        """The report: a summary, then a line a value, and a layer's weights, that half precision does not hold."""
        lost = [each for each in self.ranges if each.overflows or each.vanishes]
        largest = max(self.ranges, key=lambda each: each.largest, default=None)
        top = f", the largest {largest.largest:.3g} ({largest.layer or largest.value})" if largest else ""
        every = counted(len(self.ranges), "value fits", "values fit")
        fit = f"{len(self.ranges) - len(lost)} of {every} half precision whole{top}"
        return [
            f"range report, {self.seen_on}: {fit}",
            *(f"  {each.words()}" for each in lost),
            *(f"  layer '{layer}': {_lost(part)} in half precision; in 32 bits: {layer}"
              for layer, part in self.weights.items()),
        ]  # fmt: skip


def _lost(part: float) -> str:
    return "weights overflow" if math.isinf(part) else f"{part:.2%} of a neuron's weights is rounded off"


def report(pair: Pair, inputs: Inputs) -> Report:
    """Looks at every value of the net on `inputs`. UserError without ONNX Runtime."""
    graph = pair.graph()
    ranges = {each.value: each for each in _narrow(graph)}
    for blobs in values.on(model.model(graph, pair.net.name, {}), list(ranges), inputs.batches):
        for name, seen in blobs.items():
            if seen.dtype == np.float32:
                ranges[name].add(seen)
    return Report(inputs.words, [each for each in ranges.values() if each.numbers], _weights(graph))


def _weights(graph: Graph) -> dict[str, float]:
    lost: dict[str, float] = {}
    for node in graph.nodes:
        part = 0.0 if node.wide else half.rounded_off_of(graph, node)
        if part > half.TOLERATED:
            lost[node.layer] = max(part, lost.get(node.layer, 0.0))
    return lost


def _narrow(graph: Graph) -> list[Range]:
    """The values that are 16 bits on their way from writer to readers in half precision."""
    writers = {output: node for node in graph.nodes for output in node.outputs}
    found = []
    for value in (*graph.inputs, *writers):
        readers = [node for node in graph.nodes if value in node.inputs]
        writer = writers.get(value)
        if not all(node.wide for node in [*readers, *([writer] if writer else [])]):
            layers = tuple(dict.fromkeys(node.layer for node in readers))
            found.append(Range(value, writer.layer if writer else "", layers))
    return found
