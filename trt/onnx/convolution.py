"""Layers whose weights connect channels: Convolution, Deconvolution, InnerProduct, and Im2col, which only gathers."""

import numpy as np

from evolve.network.axes import axis_of, count
from evolve.network.layers import windows
from trt.onnx.graph import Graph, Operation


def convolution(graph: Graph, op: Operation, bottoms: list[str]) -> list[str]:
    """ConvolutionLayer and DeconvolutionLayer: the same weights for each bottom.

    ONNX has the channels on axis 1 and at least one axis behind them: other forms are reshaped around it.
    """
    parameter = op.layer.convolution_param
    axis = axis_of(op.layer, parameter.axis, op.bottom)
    size = op.bottom[axis + 1 :]
    window = windows.convolution(op.layer, len(size))
    weights = op.blobs[0] if size else op.blobs[0][..., np.newaxis]
    constants = [graph.constant("weights", weights)]
    if len(op.blobs) > 1:
        constants.append(graph.constant("bias", op.blobs[1]))
    attributes = {
        "kernel_shape": list(window.kernel) or [1],
        "strides": list(window.stride) or [1],
        "pads": [*window.pad, *window.pad] or [0, 0],
        "dilations": list(window.dilation) or [1],
        "group": parameter.group,
    }
    operator = "ConvTranspose" if op.type == "Deconvolution" else "Conv"
    plain = axis == 1 and bool(size)
    inner = (count(op.bottom, 0, axis), op.bottom[axis], *(size or (1,)))
    tops = []
    for bottom in bottoms:
        read = bottom if plain else reshaped(graph, bottom, inner)
        top = graph.add(operator, read, *constants, **attributes)
        tops.append(top if plain else reshaped(graph, top, op.top))
    return tops


def inner_product(graph: Graph, op: Operation, bottoms: list[str]) -> str:
    """InnerProductLayer: the axes before `axis` are rows, those from it on a vector for each."""
    parameter = op.layer.inner_product_param
    axis = axis_of(op.layer, parameter.axis, op.bottom)
    rows = (count(op.bottom, 0, axis), count(op.bottom, axis))
    constants = [graph.constant("weights", op.blobs[0])]
    if len(op.blobs) > 1:
        constants.append(graph.constant("bias", op.blobs[1]))
    read = bottoms[0] if op.bottom == rows else reshaped(graph, bottoms[0], rows)
    top = graph.add("Gemm", read, *constants, transB=0 if parameter.transpose else 1)
    plain = op.top == (rows[0], parameter.num_output)
    return str(top if plain else reshaped(graph, top, op.top))


def gathered(graph: Graph, op: Operation, bottoms: list[str]) -> str:
    """Im2colLayer as a convolution: each channel has a kernel for each of its places, a single 1."""
    axis = axis_of(op.layer, op.layer.convolution_param.axis, op.bottom)
    channels, size = op.bottom[axis], op.bottom[axis + 1 :]
    window = windows.convolution(op.layer, len(size))
    patch = count(window.kernel)
    single = np.eye(patch, dtype=np.float32).reshape(patch, 1, *window.kernel)
    top = graph.add(
        "Conv",
        reshaped(graph, bottoms[0], (count(op.bottom, 0, axis), channels, *size)),
        graph.constant("weights", np.tile(single, (channels, *(1,) * (len(size) + 1)))),
        kernel_shape=list(window.kernel),
        strides=list(window.stride),
        pads=[*window.pad, *window.pad],
        dilations=list(window.dilation),
        group=channels,
    )
    return reshaped(graph, top, op.top)


def reshaped(graph: Graph, value: str, shape: tuple[int, ...]) -> str:
    """The same numbers in the axes of `shape`."""
    return str(graph.add("Reshape", value, graph.integers("shape", shape)))
