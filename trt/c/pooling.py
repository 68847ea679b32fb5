"""Poolings: the window of each is a constant of the C file."""

from trt.c.program import Program
from trt.c.windows import window
from trt.onnx.graph import Node


def maximum(program: Program, node: Node) -> None:
    """MaxPool and GlobalMaxPool; a second output has the places of the maxima in their map."""
    program.need("max_pooling")
    tops = [program.pointer(value) for value in node.outputs]
    _called(program, node, "max_pooling", "", [*tops, "NULL"][:2])


def average(program: Program, node: Node) -> None:
    """AveragePool."""
    program.need("average_pooling")
    counted = f"{node.attributes['count_include_pad']}, "
    _called(program, node, "average_pooling", counted, [program.pointer(node.outputs[0])])


def _called(program: Program, node: Node, kernel: str, words: str, tops: list[str]) -> None:
    shape, made = program.shape(node.inputs[0]), program.shape(node.outputs[0])
    seen = program.structure("window", f"{node.layer}/window", window(node, shape[2:], made[2:]))
    pointers = ", ".join((program.pointer(node.inputs[0]), *tops))
    program.say([f"{kernel}({shape[0] * shape[1]}, &{seen}, {words}{pointers});"])
