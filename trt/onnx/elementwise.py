"""Layers that compute each value from the one at its place alone: ReLU, PReLU, Sigmoid, Power, Exp and their kin."""

from math import log

import numpy as np

from trt.onnx.graph import Graph, Operation


def relu(graph: Graph, op: Operation, bottoms: list[str]) -> str:
    """ReLULayer, leaky if it has a negative_slope."""
    slope = op.layer.relu_param.negative_slope
    if slope:
        return str(graph.add("LeakyRelu", *bottoms, alpha=slope))
    return str(graph.add("Relu", *bottoms))


def prelu(graph: Graph, op: Operation, bottoms: list[str]) -> str:
    """PReLULayer: a slope a channel, or one for all."""
    slope = op.blobs[0].reshape(-1, *(1,) * (len(op.bottom) - 2))
    return str(graph.add("PRelu", *bottoms, graph.constant("slope", slope)))


def elu(graph: Graph, op: Operation, bottoms: list[str]) -> str:
    """ELULayer."""
    return str(graph.add("Elu", *bottoms, alpha=op.layer.elu_param.alpha))


def sigmoid(graph: Graph, op: Operation, bottoms: list[str]) -> str:
    """SigmoidLayer."""
    return str(graph.add("Sigmoid", *bottoms))


def tanh(graph: Graph, op: Operation, bottoms: list[str]) -> str:
    """TanHLayer."""
    return str(graph.add("Tanh", *bottoms))


def swish(graph: Graph, op: Operation, bottoms: list[str]) -> str:
    """SwishLayer: x times the sigmoid of beta x."""
    inner = _times(graph, bottoms[0], op.layer.swish_param.beta, "beta")
    return str(graph.add("Mul", bottoms[0], graph.add("Sigmoid", inner)))


def absolute(graph: Graph, op: Operation, bottoms: list[str]) -> str:
    """AbsValLayer."""
    return str(graph.add("Abs", *bottoms))


def bnll(graph: Graph, op: Operation, bottoms: list[str]) -> str:
    """BNLLLayer: log(1 + e^x)."""
    return str(graph.add("Softplus", *bottoms))


def clip(graph: Graph, op: Operation, bottoms: list[str]) -> str:
    """ClipLayer."""
    parameter = op.layer.clip_param
    return str(graph.add("Clip", *bottoms, graph.constant("min", parameter.min), graph.constant("max", parameter.max)))


def threshold(graph: Graph, op: Operation, bottoms: list[str]) -> str:
    """ThresholdLayer: 1 above the threshold, else 0."""
    above = graph.add("Greater", *bottoms, graph.constant("threshold", op.layer.threshold_param.threshold))
    return str(graph.add("Where", above, graph.constant("one", 1), graph.constant("zero", 0)))


def power(graph: Graph, op: Operation, bottoms: list[str]) -> str:
    """PowerLayer: (shift + scale x)^power; a constant where scale or power is 0, as there."""
    parameter = op.layer.power_param
    if parameter.power * parameter.scale == 0:
        value = np.float32(parameter.shift) ** np.float32(parameter.power)
        return graph.constant("value", np.full(op.top, value))
    inner = _plus(graph, _times(graph, bottoms[0], parameter.scale, "scale"), parameter.shift)
    if parameter.power == 1:
        return inner
    return str(graph.add("Pow", inner, graph.constant("power", parameter.power)))


def exponential(graph: Graph, op: Operation, bottoms: list[str]) -> str:
    """ExpLayer: base^(shift + scale x); base -1 stands for e."""
    parameter = op.layer.exp_param
    of_base = 1.0 if parameter.base == -1 else log(parameter.base)
    inner = _times(graph, bottoms[0], parameter.scale * of_base, "scale")
    return str(graph.add("Exp", _plus(graph, inner, parameter.shift * of_base)))


def logarithm(graph: Graph, op: Operation, bottoms: list[str]) -> str:
    """LogLayer: the logarithm of shift + scale x; base -1 stands for e."""
    parameter = op.layer.log_param
    inner = _plus(graph, _times(graph, bottoms[0], parameter.scale, "scale"), parameter.shift)
    of_base = 1.0 if parameter.base == -1 else log(parameter.base)
    return _times(graph, graph.add("Log", inner), 1 / of_base, "base")


def _times(graph: Graph, value: str, factor: float, what: str) -> str:
    return value if factor == 1 else str(graph.add("Mul", value, graph.constant(what, factor)))


def _plus(graph: Graph, value: str, shift: float) -> str:
    return value if shift == 0 else str(graph.add("Add", value, graph.constant("shift", shift)))
