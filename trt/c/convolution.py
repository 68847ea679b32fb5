"""Operators whose weights connect channels, Conv, ConvTranspose and Gemm: they add to their biases."""

import numpy as np

from evolve.network.axes import count
from trt.c.elementwise import assign
from trt.c.program import Operand, Program, identifier
from trt.c.windows import window
from trt.onnx.graph import Node
from trt.onnx.weighted import rows_of

# Of kernels/dense_convolution.c: neurons that it computes side by side, for fewer it has the same work; its memory.
_SIDE_BY_SIDE, BLOCK_BYTES = 4, 5392
_LONGEST = 1024  # places that convolution.c computes in one go at most; with 256 it is slower, with 64 much


def convolution(program: Program, node: Node) -> None:
    """Conv and ConvTranspose over one or two axes of space."""
    (top,), (bottom, _, *biases) = node.outputs, node.inputs
    shape, made, groups = program.shape(bottom), program.shape(top), node.attributes["group"]
    transposed = node.operator == "ConvTranspose"
    maps, places = (made, shape) if transposed else (shape, made)
    sizes = f"{shape[0]}, {groups}, {shape[1] // groups}, {made[1] // groups}"
    seen = window(node, maps[2:], places[2:])
    _biased(program, top, biases, (made[1], *(1,) * (len(made) - 2)))
    layer = program.structure("convolution", f"{node.layer}/layer", f"{{{sizes}, {seen}}}")
    synapses, _ = _synapses(program, node)
    arguments = f"&{layer}, &{synapses}, {program.pointer(bottom)}, {program.pointer(top)}"
    if transposed:
        program.need("transposed_convolution")
        program.say([f"convolve_transposed({arguments});"])
    elif program.stored[node.name].by_taps:
        program.need("convolution", 4 * program.stretch)
        program.say([f"convolve({arguments});"])
    else:
        program.need("dense_convolution", BLOCK_BYTES)
        program.say([f"convolve_dense({arguments});"])


def inner_product(program: Program, node: Node) -> None:
    """Gemm of rows with weights."""
    (top,), (bottom, _, *biases) = node.outputs, node.inputs
    rows, neurons = program.shape(top)
    _biased(program, top, biases, (neurons,))
    synapses, sparse = _synapses(program, node)
    kernel = "sparse_inner_product" if sparse else "inner_product"
    program.need(kernel)
    pointers = f"{program.pointer(bottom)}, {program.pointer(top)}"
    program.say([f"{kernel}({rows}, {neurons}, &{synapses}, {pointers});"])


def stretch(program: Program, nodes: list[Node]) -> int:
    """How many places of a map convolution.c computes in one go, where it computes `nodes`."""
    return min(_LONGEST, max((count(program.shape(node.outputs[0])[2:]) for node in nodes), default=0))


def tap_by_tap(program: Program) -> list[Node]:
    """The Conv nodes that are not for dense_convolution.c, but for convolution.c, which leaves absent synapses out.

    Those are all of them where less than half of the work is for the former: it is not worth its bytes then.
    """
    nodes = [node for node in program.graph.nodes if node.operator == "Conv"]
    sparse = [node for node in nodes if not _is_dense(program, node)]
    return nodes if 2 * _work(program, sparse) > _work(program, nodes) else sparse


def _work(program: Program, nodes: list[Node]) -> int:
    """Multiplications with synapses that are there."""
    return sum(int(np.count_nonzero(program.stored[node.name].weights)) * count(program.shape(node.outputs[0])[2:])
               for node in nodes)  # fmt: skip


def _is_dense(program: Program, node: Node) -> bool:
    """Whether all weights are stored, and of enough neurons side by side."""
    neurons = program.shape(node.outputs[0])[1] // node.attributes["group"]
    return program.stored[node.name].gaps is None and neurons >= _SIDE_BY_SIDE


def _biased(program: Program, top: str, biases: list[str], along: tuple[int, ...]) -> None:
    """Fills `top` with the biases, or with zeros."""
    bias = Operand("0", ())
    if biases:
        bias = program.read(biases[0])
        bias = Operand(bias.text, along) if bias.shape else bias
    assign(program, top, [bias], "x")


def _synapses(program: Program, node: Node) -> tuple[str, bool]:
    """The name of the constant struct with a node's weights, and whether they are sparse."""
    made, rows = program.stored[node.name], rows_of(program.graph, node)
    name = node.inputs[1]
    # C has no arrays without elements.
    weights = program.array(name, made.weights if made.weights.size else np.zeros(1, made.weights.dtype))
    gaps, scales = ("NULL" if each is None else program.array(f"{node.layer}/{what}", each)
                    for what, each in (("gaps", made.gaps), ("scales", made.scales)))  # fmt: skip
    text = f"{{{made.row}, {count(rows.shape)}, {weights}, {gaps}, {scales}}}"
    if not program.has("synapses", text):  # of another layer, which shares its parameters
        program.synapses += (stored := int(np.count_nonzero(made.weights)))
        program.flushed += int(np.count_nonzero(rows)) - stored
    return program.structure("synapses", f"{identifier(node.layer)}/synapses", text), made.gaps is not None
