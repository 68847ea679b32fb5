"""Sums, means and maxima along axes; Softmax and the greatest numbers along one."""

from evolve.network.axes import Shape, count
from trt.c.loops import nest, strides
from trt.c.program import Program, number
from trt.onnx.graph import Node

_TERMS = {"ReduceSum": "x", "ReduceMean": "x", "ReduceL1": "fabsf(x)", "ReduceSumSquare": "x * x"}
OPERATORS = frozenset(_TERMS)


def reduction(program: Program, node: Node) -> None:
    """Any of OPERATORS; ReduceSum has its axes as an input, as operator set 13 has it."""
    axes = program.integers(node.inputs[1]) if len(node.inputs) > 1 else node.attributes["axes"]
    reduced(program, node, tuple(axes), _TERMS[node.operator], mean=node.operator == "ReduceMean")


def average_of_maps(program: Program, node: Node) -> None:
    """GlobalAveragePool."""
    axes = tuple(range(2, len(program.shape(node.inputs[0]))))
    reduced(program, node, axes, "x", mean=True)


def reduced(program: Program, node: Node, axes: tuple[int, ...], term: str, mean: bool) -> None:
    """The sum, or the mean, of `term`, an expression of x, along `axes`."""
    shape = program.shape(node.inputs[0])
    axes = tuple(axis % len(shape) for axis in axes)
    kept = tuple(1 if axis in axes else length for axis, length in enumerate(shape))
    outer = nest(kept, [strides(kept), strides(shape)])
    along = tuple(length if axis in axes else 1 for axis, length in enumerate(shape))
    inner = nest(along, [strides(shape)], used=len(outer.headers))
    read = program.read(node.inputs[0]).at(" + ".join(each for each in (outer.indices[1], inner.indices[0])))
    result = f"sum * {number(1 / count(along))}" if mean else "sum"
    body = ["float sum = 0;", *inner.lines([f"const float x = {read};", f"sum += {term};"])]
    program.loop(outer, [*body, f"{program.read(node.outputs[0]).at(outer.indices[0])} = {result};"])


def softmax(program: Program, node: Node) -> None:
    """Softmax along one axis."""
    program.need("softmax")
    sizes = _around(program.shape(node.inputs[0]), node.attributes["axis"])
    program.say([f"softmax({sizes}, {program.pointer(node.inputs[0])}, {program.pointer(node.outputs[0])});"])


def greatest(program: Program, node: Node) -> None:
    """TopK, sorted: the numbers and their places."""
    program.need("top_k")
    sizes = _around(program.shape(node.inputs[0]), node.attributes["axis"])
    (wanted,) = program.integers(node.inputs[1])
    pointers = ", ".join(program.pointer(value) for value in (node.inputs[0], *node.outputs))
    program.say([f"top_k({sizes}, {wanted}, {pointers});"])


def _around(shape: Shape, axis: int) -> str:
    axis %= len(shape)
    return f"{count(shape, 0, axis)}, {shape[axis]}, {count(shape, axis + 1)}"
