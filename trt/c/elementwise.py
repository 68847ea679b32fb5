"""Operators that compute each number from those at its place in one, two or more values, broadcast as NumPy does."""

import re

from trt.c.loops import nest, spread
from trt.c.program import Operand, Program, number
from trt.onnx.graph import Node

# x, y and z are the numbers that are read; a the attribute alpha.
_EXPRESSIONS = {
    "Abs": "fabsf(x)",
    "Add": "x + y",
    "Clip": "x < y ? y : x > z ? z : x",
    "Div": "x / y",
    "Elu": "x > 0 ? x : {a} * (expf(x) - 1)",
    "Exp": "expf(x)",
    "Greater": "x > y ? 1 : 0",
    "LeakyRelu": "x > 0 ? x : {a} * x",
    "Log": "logf(x)",
    "Mul": "x * y",
    "PRelu": "x > 0 ? x : y * x",
    "Pow": "powf(x, y)",
    "Relu": "x > 0 ? x : 0",
    "Sigmoid": "1 / (1 + expf(-x))",
    "Softplus": "x > 0 ? x + log1pf(expf(-x)) : log1pf(expf(x))",
    "Sqrt": "sqrtf(x)",
    "Sub": "x - y",
    "Tanh": "tanhf(x)",
    "Where": "x != 0 ? y : z",
}
OPERATORS = frozenset(_EXPRESSIONS) | {"Max"}
# Powers that need no powf.
_POWERS = {
    1.0: "x", 2.0: "x * x", 3.0: "x * x * x", 0.5: "sqrtf(x)", -1.0: "1 / x", -0.5: "1 / sqrtf(x)",
    0.75: "sqrtf(x) * sqrtf(sqrtf(x))", -0.75: "1 / (sqrtf(x) * sqrtf(sqrtf(x)))",
}  # fmt: skip


def elementwise(program: Program, node: Node) -> None:
    """Any of OPERATORS."""
    reads = [program.read(value) for value in node.inputs]
    if node.operator == "Max":
        _maximum(program, node.outputs[0], reads)
        return
    expression = _EXPRESSIONS[node.operator].format(a=number(node.attributes.get("alpha", 0)))
    if node.operator == "Pow" and not reads[1].shape:
        expression = power(float(reads[1].text.rstrip("f")))
    assign(program, node.outputs[0], reads, expression)


def power(exponent: float) -> str:
    """The C expression of x to the `exponent`."""
    return _POWERS.get(exponent, f"powf(x, {number(exponent)})")


def assign(program: Program, value: str, reads: list[Operand], expression: str) -> None:
    """`value` becomes an expression of x, y and z, which are read at its places."""
    shape = program.shape(value)
    loops = nest(shape, [spread(each, shape) for each in (shape, *(read.shape for read in reads))])
    given = [f"const float {name} = {read.at(index)};" for name, read, index in
             zip("xyz", reads, loops.indices[1:], strict=False) if re.search(rf"\b{name}\b", expression)]  # fmt: skip
    program.loop(loops, [*given, f"{program.read(value).at(loops.indices[0])} = {expression};"])


def _maximum(program: Program, value: str, reads: list[Operand]) -> None:
    """`value` becomes the largest of as many numbers as there are."""
    shape = program.shape(value)
    loops = nest(shape, [spread(shape, shape), *(spread(read.shape, shape) for read in reads)])
    body = [f"float x = {reads[0].at(loops.indices[1])};"]
    for read, index in zip(reads[1:], loops.indices[2:], strict=True):
        body.append(f"x = {read.at(index)} > x ? {read.at(index)} : x;")
    program.loop(loops, [*body, f"{program.read(value).at(loops.indices[0])} = x;"])
