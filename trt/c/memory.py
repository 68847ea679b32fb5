"""Values of a graph share one arena: each has a place from when it is written to when it is read for the last time.

Places are found greedily, the largest first, each at the lowest one that is free all its life ([Pisarchyk20], Greedy
by Size for Offset Calculation, arXiv 2001.03288).
"""

from collections.abc import Collection
from dataclasses import dataclass, field

from evolve.network.axes import Shape, count
from trt.onnx.graph import Graph, Node

FOREVER = 1 << 60


@dataclass
class Buffer:
    """Memory of one value, or of several that are the same numbers or follow one another in place."""

    name: str  # of the value that is written there first
    size: int  # numbers of 32 bits
    first: int  # the node that writes it
    last: int  # the last node that reads it
    given: bool = False  # an input or a constant: only to be read
    output: str = ""  # the output of the net that it is, if it is one
    start: int = 0  # in the arena

    @property
    def called(self) -> str:
        """The value that it is named after: the output, whose name a caller knows, else the first."""
        return self.output or self.name

    @property
    def in_arena(self) -> bool:
        """Whether it has a place in the arena: it is neither the caller's nor a constant."""
        return not self.given and not self.output


@dataclass
class Memory:
    """Where each value of a graph lies."""

    buffers: dict[str, Buffer] = field(default_factory=dict)  # value -> buffer
    size: int = 0  # numbers of the arena

    def same(self, one: str, other: str) -> bool:
        """Whether two values are in the same memory."""
        return self.buffers[one] is self.buffers[other]


def plan(graph: Graph, shapes: dict[str, Shape], views: Collection[str], in_place: Collection[str]) -> Memory:
    """The places of all values of `graph`, whose shapes are `shapes`.

    Operators in `views` have the numbers of what they read; those in `in_place` may write over it.
    """
    last = _last_reads(graph, views)
    memory = Memory()
    for name in (*graph.inputs, *graph.constants):
        memory.buffers[name] = Buffer(name, 0, -1, FOREVER, given=True)
    for number, node in enumerate(graph.nodes):
        for value in node.outputs:
            buffer = _taken_over(graph, memory, node, number, value, shapes, views, in_place)
            if buffer is None:
                buffer = Buffer(value, count(shapes[value]), number, number)
            buffer.last = max(buffer.last, last.get(value, number))
            if value in graph.outputs:
                buffer.output = value
            memory.buffers[value] = buffer
    memory.size = _place([each for each in _distinct(memory) if each.in_arena])
    return memory


def _taken_over(
    graph: Graph, memory: Memory, node: Node, number: int, value: str, shapes: dict[str, Shape],
    views: Collection[str], in_place: Collection[str],
) -> Buffer | None:  # fmt: skip
    """The buffer of something that `node` reads, where `value` can be in it too."""
    is_output = value in graph.outputs
    if node.operator in views:
        buffer = memory.buffers[node.inputs[0]]
        return None if is_output and (buffer.given or buffer.output) else buffer
    if node.operator not in in_place:
        return None
    for read in node.inputs:
        buffer = memory.buffers[read]
        others = (other for other in node.inputs if memory.buffers[other] is buffer)
        # A view of it in another shape is read in another order.
        if buffer.in_arena and buffer.last == number and all(shapes[each] == shapes[value] for each in others):
            return buffer
    return None


def _last_reads(graph: Graph, views: Collection[str]) -> dict[str, int]:
    """Of each value the last node that reads it, or a view of it."""
    last: dict[str, int] = {}
    for number, node in reversed(list(enumerate(graph.nodes))):
        for value in node.inputs:
            last[value] = max(last.get(value, 0), number)
        if node.operator in views:
            last[node.inputs[0]] = max(last[node.inputs[0]], last.get(node.outputs[0], number))
    return last


def _distinct(memory: Memory) -> list[Buffer]:
    return list({id(buffer): buffer for buffer in memory.buffers.values()}.values())


def _place(buffers: list[Buffer]) -> int:
    """Gives each its start; returns how many numbers they take together."""
    placed: list[Buffer] = []
    for buffer in sorted(buffers, key=lambda each: (-each.size, each.first)):
        start = 0
        for other in sorted(placed, key=lambda each: each.start):
            if other.first > buffer.last or other.last < buffer.first:
                continue
            if other.start - start >= buffer.size:
                break
            start = max(start, other.start + other.size)
        buffer.start = start
        placed.append(buffer)
    return max((each.start + each.size for each in placed), default=0)
