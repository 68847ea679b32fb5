"""The first convolution reads its image in phases: every second column and row of it as channels of their own.

A convolution of stride 2 is one of stride 1 on the four phases of its image, with a kernel half as wide; it sums the
same products. ONNX Runtime's quick kernels in eight bits read channels in fours: an image of three has none such, its
phases are twelve.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from trt.onnx.graph import Graph, Node

_FOURS = 4  # channels, read and written


@dataclass(frozen=True)
class Phased:
    """A convolution of an image of quantised values, in phases of `stride`: along an axis each, high and wide."""

    stride: int
    before: tuple[int, ...]  # zeros before its kernel that make its first place the beginning of a step
    kernel: tuple[int, ...]
    pads: tuple[int, ...]  # of the phases

    @classmethod
    def of(cls, conv: dict[str, Any], size: tuple[int, ...]) -> "Phased | None":
        """In phases of an image of `size`; None where a step is one place, or does not divide the image."""
        steps, lengths = conv["strides"], conv["kernel_shape"]
        stride = steps[0]
        if stride == 1 or steps != [stride] * 2 or conv["dilations"] != [1, 1] or any(each % stride for each in size):
            return None
        begin, end = conv["pads"][:2], conv["pads"][2:]
        before = tuple(-pad % stride for pad in begin)
        kernel = tuple(-(-(length + more) // stride) for length, more in zip(lengths, before, strict=True))
        near = tuple(-(-pad // stride) for pad in begin)
        far = tuple(
            (places + first + last - length) // stride + k - first_phase - places // stride
            for places, first, last, length, k, first_phase in zip(size, begin, end, lengths, kernel, near, strict=True)
        )
        return cls(stride, before, kernel, (*near, *far)) if min(far) >= 0 else None

    def weights(self, weights: np.ndarray) -> np.ndarray:
        """Those of (neurons, channels, height, width), in the order in which SpaceToDepth has the phases."""
        neurons, channels, *lengths = weights.shape
        ends = [
            (more, k * self.stride - more - length)
            for more, k, length in zip(self.before, self.kernel, lengths, strict=True)
        ]
        high, wide = self.kernel
        apart = np.pad(weights, [(0, 0), (0, 0), *ends]).reshape(
            neurons, channels, high, self.stride, wide, self.stride
        )
        return np.ascontiguousarray(apart.transpose(0, 3, 5, 1, 2, 4)).reshape(neurons, -1, high, wide)


def split(graph: Graph) -> Graph:
    """The quantised graph with images in phases where that is quicker; `graph` stays as it is."""
    result = replace(graph, nodes=list(graph.nodes), constants=dict(graph.constants), _values=set(graph._values))
    for image, shape in graph.inputs.items():
        chain = _chain(graph, image)
        if chain and shape[1] % _FOURS:
            _split(result, shape, *chain)
    return result


def _chain(graph: Graph, image: str) -> list[Node]:
    """What quantises an image, the only convolution that reads it then, and its weights'; none if there are others."""
    chain: list[Node] = []
    for operator in ("QuantizeLinear", "DequantizeLinear", "Conv"):
        value = chain[-1].outputs[0] if chain else image
        readers = [node for node in graph.nodes if value in node.inputs]
        if [node.operator for node in readers] != [operator] or value in graph.outputs:
            return []
        chain += readers
    return [*chain, *(node for node in graph.nodes if node.outputs[0] == chain[-1].inputs[1])]


def _split(graph: Graph, shape: tuple[int, ...], quantise: Node, back: Node, conv: Node, weights: Node) -> None:
    values = graph.constants[weights.inputs[0]]
    phased = Phased.of(conv.attributes, shape[2:])
    whole = conv.attributes["group"] == 1 and not len(values) % _FOURS
    if phased is None or not whole or shape[1] * phased.stride**2 % _FOURS:
        return
    image, name = quantise.inputs[0], graph.fresh(f"{quantise.inputs[0]}/phases")
    phases = Node("SpaceToDepth", [image], [name], {"blocksize": phased.stride}, name, conv.layer, True)
    attributes = conv.attributes | {
        "kernel_shape": list(phased.kernel), "strides": [1, 1], "pads": list(phased.pads)
    }  # fmt: skip
    after = {
        id(quantise): [phases, replace(quantise, inputs=[name, *quantise.inputs[1:]])],
        id(conv): [replace(conv, attributes=attributes)],
    }
    graph.constants[weights.inputs[0]] = phased.weights(values)
    graph.nodes = [new for node in graph.nodes for new in after.get(id(node), [node])]
