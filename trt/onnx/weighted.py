"""Nodes whose weights connect channels, and where in these a neuron's lie."""

import numpy as np

from trt.onnx.graph import Graph, Node

WEIGHTED = ("Conv", "ConvTranspose", "Gemm")


def neurons_axis(node: Node) -> int:
    """The axis of a node's weights along which its neurons lie."""
    return 1 if node.operator == "ConvTranspose" or node.operator == "Gemm" and not node.attributes["transB"] else 0


def rows_of(graph: Graph, node: Node) -> np.ndarray:
    """The weights of a node, a row for each neuron, which has its inputs, or its group's, in their order."""
    weights = graph.constants[node.inputs[1]]
    if node.operator == "ConvTranspose":
        # Inputs first; a group's inputs see that group's outputs.
        group, (inputs, outputs) = node.attributes["group"], weights.shape[:2]
        return weights.reshape(group, inputs // group, outputs, -1).swapaxes(1, 2).reshape(group * outputs, -1)
    rows = np.moveaxis(weights, neurons_axis(node), 0)
    return rows.reshape(len(rows), -1)
