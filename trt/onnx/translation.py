"""The walk over a net's layers: each is said in ONNX operators, or refused with what to do instead."""

from collections.abc import Callable, Collection
from typing import Any

from evolve.base.errors import UserError
from evolve.network import phases, shapes
from evolve.network.weights import Weights
from trt.onnx import affine, convolution, elementwise, moving, normalisation, pooling, reduction
from trt.onnx.graph import Graph, Operation

Say = Callable[[Graph, Operation, list[str]], str | list[str]]

_NARROW: dict[str, Say] = {
    "AbsVal": elementwise.absolute,
    "BatchNorm": normalisation.batch_norm,
    "BatchReindex": moving.batch_reindex,
    "Bias": normalisation.scale,
    "Clip": elementwise.clip,
    "Concat": moving.concat,
    "Convolution": convolution.convolution,
    "Crop": moving.crop,
    "Deconvolution": convolution.convolution,
    "Dropout": lambda graph, op, bottoms: bottoms,
    "DummyData": moving.filled,
    "ELU": elementwise.elu,
    "Eltwise": reduction.eltwise,
    "Flatten": moving.reshape,
    "Im2col": convolution.gathered,
    "InnerProduct": convolution.inner_product,
    "Parameter": lambda graph, op, bottoms: graph.constant("values", op.blobs[0]),
    "Pooling": pooling.pooling,
    "PReLU": elementwise.prelu,
    "ReLU": elementwise.relu,
    "Reshape": moving.reshape,
    "Scale": normalisation.scale,
    "Sigmoid": elementwise.sigmoid,
    "Silence": lambda graph, op, bottoms: [],
    "Slice": moving.slice_,
    "Split": lambda graph, op, bottoms: bottoms * len(op.tops),
    "SPP": pooling.pyramid,
    "Swish": elementwise.swish,
    "TanH": elementwise.tanh,
    "Threshold": elementwise.threshold,
    "Tile": moving.tile,
}
# What squares, sums, takes powers or counts leaves half precision's range or its digits soon: 32 bits, always.
_WIDE: dict[str, Say] = {
    "ArgMax": reduction.arg_max,
    "BNLL": elementwise.bnll,
    "Embed": moving.embed,
    "Exp": elementwise.exponential,
    "Log": elementwise.logarithm,
    "LRN": normalisation.lrn,
    "MVN": normalisation.mean_variance,
    "Power": elementwise.power,
    "Reduction": reduction.reduction,
    "Softmax": reduction.softmax,
}
SAYABLE = _NARROW | _WIDE

_REMEDIES = {
    "Accuracy": "leave it out, and what reads labels with it: an engine has none",
    "SoftmaxWithLoss": "put a Softmax in its place: an engine has no labels",
    "SigmoidCrossEntropyLoss": "put a Sigmoid in its place: an engine has no labels",
    "Python": "leave it out, and compute it from the net's outputs outside the engine",
    "HDF5Output": "leave it out: an engine writes no files",
}
_LOSS = "leave it out: an engine has no labels"
_DATA = "put an Input layer in its place, or give an image's shape (SHAPE=3x32x32)"
_UNKNOWN = "leave it out and compute it outside the engine, or say it in layers of Caffe's own"


def translate(
    net: Any, weights: Weights, source: str = "weights", fold: bool = True, in_32_bits: frozenset[str] = frozenset(),
    outputs: Collection[str] = (), lrn_as_convolution: bool = False,
) -> Graph:  # fmt: skip
    """The graph of a deploy net with its weights, read from `source`; still in 32 bits throughout.

    `fold` makes BatchNorm, Scale and Bias part of the layer before where that is exact. Layers named in `in_32_bits`
    stay so in fewer bits, and so does what they are part of; `outputs` are blobs that are outputs although other layers
    read them. `lrn_as_convolution` says LRN in a form that ONNX Runtime is quicker at. UserError naming the layer for
    one that ONNX, or this, cannot say.
    """
    _refuse_unsayable(net)
    steps = shapes.infer(net)
    operations = [_operation(step, weights, source) for step in steps if step.layer.type != "Input"]
    if fold:
        operations = affine.folded(operations, outputs)
    sharing = frozenset(layer.name for layer in net.layer if any(each.name for each in layer.param))
    graph = Graph(shapes.of_inputs(steps), lrn_as_convolution=lrn_as_convolution, sharing=sharing)
    for blob in [top for step in steps for top in step.layer.top]:
        graph.reserve(blob)
    values = {name: name for name in graph.inputs}
    for number, op in enumerate(operations):
        # An input keeps its name, and so does the last that is written under a blob's.
        taken = {top for each in operations[number + 1 :] for top in each.tops} | set(graph.inputs)
        graph.begin(op.layer.name, op.type in _WIDE or bool(op.names & in_32_bits))
        _say(graph, op, values, taken)
    _end(graph, steps, values, outputs)
    return graph


def _say(graph: Graph, op: Operation, values: dict[str, str], taken: set[str]) -> None:
    """Adds what one layer is in ONNX; `values` tells which value each blob has, before and after."""
    since = len(graph.nodes)
    said = SAYABLE[op.type](graph, op, [values[bottom] for bottom in op.bottoms])
    for top, value in zip(op.tops, [said] if isinstance(said, str) else said, strict=True):
        values[top] = _named(graph, op, top, value, since, top in taken)


def _refuse_unsayable(net: Any) -> None:
    examples = [layer for layer in phases.feeding(net.layer) if layer.type != "Input"]
    for layer in net.layer:
        if layer.type == "Input" or layer.type in SAYABLE and layer not in examples:
            continue
        remedy = _REMEDIES.get(layer.type) or (_UNKNOWN if layer.bottom else _DATA)
        if layer.type.endswith("Loss") and layer.type not in _REMEDIES:
            remedy = _LOSS
        raise UserError(f"layer '{layer.name}': expected a type that ONNX can say, got {layer.type}; {remedy}")


def _operation(step: shapes.Step, weights: Weights, source: str) -> Operation:
    blobs = step.blobs(weights, source) if step.blob_shapes else []
    layer = step.layer
    return Operation(layer, list(layer.bottom), list(layer.top), step.bottoms, step.tops, blobs)


def _named(graph: Graph, op: Operation, top: str, value: str, since: int, taken: bool) -> str:
    """The name that `value` goes by: its blob's, or one like it if that is `taken`."""
    if not graph.writes(value, since):
        return value
    name = graph.fresh(f"{top}/{op.layer.name}") if taken else top
    graph.rename(value, name)
    return name


def _end(graph: Graph, steps: list[shapes.Step], values: dict[str, str], outputs: Collection[str]) -> None:
    """The blobs that nothing reads, and `outputs`, are the net's, under their own names unless an input has that."""
    unread: dict[str, tuple[int, ...]] = {}
    for step in steps:
        for bottom in step.layer.bottom:
            if bottom not in outputs:
                unread.pop(bottom, None)
        unread |= dict(zip(step.layer.top, step.tops, strict=True))
    for blob, shape in unread.items():
        if values[blob] == blob and blob in graph.inputs:
            continue
        if values[blob] != blob and blob not in graph.inputs:
            # What disappears, as Dropout does, or is constant, leaves its blob's name to nobody.
            graph.begin(blob, wide=False)
            graph.rename(graph.add("Identity", values[blob]), blob)
            values[blob] = blob
        graph.outputs[values[blob]] = shape
    if not graph.outputs:
        raise UserError("expected a layer that computes something, found none")
