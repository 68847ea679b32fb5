"""LRN across channels: the sums by a kernel, the power by the cheapest expression that there is for it."""

from evolve.network.axes import count
from trt.c.elementwise import assign, power
from trt.c.program import Program, number
from trt.onnx.graph import Node


def lrn(program: Program, node: Node) -> None:
    """LRN: x times (k + alpha / size * the sum of squares of `size` channels)^-beta."""
    program.need("squares")
    (bottom,), (top,) = node.inputs, node.outputs
    shape, given = program.shape(bottom), node.attributes
    sizes = f"{shape[0]}, {shape[1]}, {count(shape, 2)}, {given['size']}"
    factors = f"{number(given['bias'])}, {number(given['alpha'] / given['size'])}"
    program.say([f"squares({sizes}, {factors}, {program.pointer(bottom)}, {program.pointer(top)});"])
    assign(program, top, [program.read(top), program.read(bottom)], f"y * ({power(-given['beta'])})")
