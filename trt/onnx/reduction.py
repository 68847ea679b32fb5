"""Layers that combine values: Eltwise over blobs, Reduction, Softmax and ArgMax along axes."""

from evolve.network.axes import axis_of, count
from trt.onnx.convolution import reshaped
from trt.onnx.graph import Graph, Operation

_OPERATORS = {1: "ReduceSum", 2: "ReduceL1", 3: "ReduceSumSquare", 4: "ReduceMean"}  # ReductionParameter.ReductionOp
_PROD, _SUM = 0, 1  # EltwiseParameter.EltwiseOp


def eltwise(graph: Graph, op: Operation, bottoms: list[str]) -> str:
    """EltwiseLayer: SUM with coefficients, PROD or MAX, from the first bottom to the last."""
    parameter = op.layer.eltwise_param
    if parameter.operation not in (_PROD, _SUM):
        return str(graph.add("Max", *bottoms))
    if parameter.operation == _SUM:
        bottoms = [
            bottom if factor == 1 else graph.add("Mul", bottom, graph.constant("coeff", factor))
            for bottom, factor in zip(bottoms, list(parameter.coeff) or [1] * len(bottoms), strict=True)
        ]
    top = bottoms[0]
    for bottom in bottoms[1:]:
        top = graph.add("Add" if parameter.operation == _SUM else "Mul", top, bottom)
    return top


def reduction(graph: Graph, op: Operation, bottoms: list[str]) -> str:
    """ReductionLayer: SUM, ASUM, SUMSQ or MEAN of all axes from one on, times coeff."""
    parameter = op.layer.reduction_param
    axes = list(range(axis_of(op.layer, parameter.axis, op.bottom), len(op.bottom)))
    operator = _OPERATORS[parameter.operation]
    if operator == "ReduceSum":
        top = graph.add(operator, bottoms[0], graph.integers("axes", axes), keepdims=0)
    else:
        top = graph.add(operator, bottoms[0], axes=axes, keepdims=0)
    return str(top if parameter.coeff == 1 else graph.add("Mul", top, graph.constant("coeff", parameter.coeff)))


def softmax(graph: Graph, op: Operation, bottoms: list[str]) -> str:
    """SoftmaxLayer."""
    return str(graph.add("Softmax", *bottoms, axis=axis_of(op.layer, op.layer.softmax_param.axis, op.bottom)))


def arg_max(graph: Graph, op: Operation, bottoms: list[str]) -> str:
    """ArgMaxLayer: the places (or values) of the top_k greatest along an axis, or of each image's values.

    Among equals Caffe names the last place, ONNX the first: the values are turned round.
    """
    parameter, value, shape = op.layer.argmax_param, bottoms[0], op.bottom
    if parameter.HasField("axis"):
        axis = axis_of(op.layer, parameter.axis, shape)
    else:
        axis, shape = 1, (shape[0], count(shape, 1))
        value = value if shape == op.bottom else reshaped(graph, value, shape)
    values, places = _greatest(graph, value, axis, shape[axis], parameter.top_k)
    if parameter.HasField("axis"):
        return values if parameter.out_max_val else places
    if parameter.out_max_val:
        places = graph.add("Concat", places, values, axis=1)
    return reshaped(graph, places, op.top)


def _greatest(graph: Graph, value: str, axis: int, length: int, number: int) -> tuple[str, str]:
    back = [graph.integers(what, [n]) for what, n in (("last", -1), ("end", -length - 1), ("axis", axis), ("step", -1))]
    turned = graph.add("Slice", value, *back)
    values, places = graph.add("TopK", turned, graph.integers("top_k", [number]), tops=2, axis=axis)
    places = graph.add("Cast", places, to="float", wide=True)
    return values, graph.add("Sub", graph.constant("last_place", length - 1), places)
