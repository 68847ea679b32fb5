"""Operators whose weights connect channels, Conv, ConvTranspose and Gemm: they add to their biases."""

import numpy as np

from evolve.network.axes import count
from trt.c.elementwise import assign
from trt.c.program import Operand, Program, identifier
from trt.c.windows import window
from trt.onnx.graph import Graph, Node

# Of kernels/dense_convolution.c: neurons that it computes side by side, for fewer it has the same work; its memory.
_SIDE_BY_SIDE, BLOCK_BYTES = 4, 5392
WEIGHTED = ("Conv", "ConvTranspose", "Gemm")


def convolution(program: Program, node: Node) -> None:
    """Conv and ConvTranspose over one or two axes of space."""
    (top,), (bottom, _, *biases) = node.outputs, node.inputs
    shape, made, groups = program.shape(bottom), program.shape(top), node.attributes["group"]
    transposed = node.operator == "ConvTranspose"
    maps, places = (made, shape) if transposed else (shape, made)
    sizes = f"{shape[0]}, {groups}, {shape[1] // groups}, {made[1] // groups}, {int(transposed)}"
    seen = window(node, maps[2:], places[2:])
    _biased(program, top, biases, (made[1], *(1,) * (len(made) - 2)))
    layer = program.structure("convolution", f"{node.layer}/layer", f"{{{sizes}, {seen}}}")
    synapses, _ = _synapses(program, node)
    dense = program.side_by_side and _is_dense(program, node)
    program.need("dense_convolution" if dense else "convolution")
    if dense:
        program.kernel_bytes = BLOCK_BYTES
    pointers = f"{program.pointer(bottom)}, {program.pointer(top)}"
    program.say([f"{'convolve_dense' if dense else 'convolve'}(&{layer}, &{synapses}, {pointers});"])


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


def mostly_dense(program: Program) -> bool:
    """Whether half of the convolutions' work or more is for dense_convolution.c: for less it is not worth its bytes.

    GCC makes less of the other kernel, too, where both are in a file.
    """
    work = {True: 0, False: 0}
    for node in program.graph.nodes:
        if node.operator in ("Conv", "ConvTranspose"):
            computed = node.inputs[0] if node.operator == "ConvTranspose" else node.outputs[0]
            weights = program.stored[node.name].weights
            work[_is_dense(program, node)] += int(np.count_nonzero(weights)) * count(program.shape(computed)[2:])
    return work[True] > 0 and work[True] >= work[False]


def _is_dense(program: Program, node: Node) -> bool:
    """Whether all weights are stored of enough neurons side by side, and the node is no ConvTranspose."""
    neurons = program.shape(node.outputs[0])[1] // node.attributes["group"]
    return node.operator == "Conv" and program.stored[node.name].gaps is None and neurons >= _SIDE_BY_SIDE


def rows_of(graph: Graph, node: Node) -> np.ndarray:
    """The weights of a node, a row for each neuron, which has its inputs, or its group's, in their order."""
    weights = graph.constants[node.inputs[1]]
    if node.operator == "Gemm":
        return weights if node.attributes.get("transB") else weights.T
    if node.operator == "ConvTranspose":
        # Inputs first; a group's inputs see that group's outputs.
        groups = node.attributes["group"]
        inputs, outputs = weights.shape[:2]
        split = weights.reshape(groups, inputs // groups, outputs, -1).swapaxes(1, 2)
        return split.reshape(groups * outputs, -1)
    return weights.reshape(len(weights), -1)


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
    program.synapses += (stored := int(np.count_nonzero(made.weights)))
    program.flushed += int(np.count_nonzero(rows)) - stored
    name = node.inputs[1]
    # C has no arrays without elements.
    weights = program.array(name, made.weights if made.weights.size else np.zeros(1, made.weights.dtype))
    gaps, scales = ("NULL" if each is None else program.array(f"{node.layer}/{what}", each)
                    for what, each in (("gaps", made.gaps), ("scales", made.scales)))  # fmt: skip
    text = f"{{{made.row}, {count(rows.shape)}, {weights}, {gaps}, {scales}}}"
    return program.structure("synapses", f"{identifier(node.layer)}/synapses", text), made.gaps is not None
