"""The walk over a graph's operators: each is said in C."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from evolve.base.errors import UserError
from evolve.network.axes import Shape
from trt.c import convolution, elementwise, memory, moving, normalisation, pooling, reduction, storage
from trt.c.program import Names, Program
from trt.onnx.graph import Graph, Node
from trt.onnx.weighted import WEIGHTED, rows_of

KERNELS = Path(__file__).with_name("kernels")
STRETCH = "STRETCH"  # which kernels/convolution.c takes from the program: its `stretch`
_DEFINED = re.compile(r"^static [^;]*?(\w+)\(|^struct (\w+) \{|^typedef \w+ (\w+);|\b([A-Z]{2,}) = ", re.MULTILINE)


def defined() -> set[str]:
    """The names that kernels define."""
    texts = (path.read_text(encoding="utf-8") for path in KERNELS.glob("*.c"))
    return {name for text in texts for found in _DEFINED.findall(text) for name in found if name}


# What a function of a file of that name would hide.
_TAKEN = (
    *sorted(defined()),
    STRETCH,
    *"abs acos asin atan ceil cos exit exp floor free index log malloc pow printf sin sqrt tan tanh y0 y1".split(),
)
# What compilers know beside these, whether a file declares it or not.
_MATHS = (
    "acosh asinh atan2 atanh cbrt cosh erf erfc exp2 expm1 fabs fdim fma fmax fmin fmod frexp gamma hypot j0 j1 jn "
    "ldexp lgamma log10 log1p log2 logb modf nan remainder rint round scalb sinh tgamma trunc yn"
).split()

_SAY: dict[str, Callable[[Program, Node], None]] = {
    "AveragePool": pooling.average,
    "Concat": moving.concat,
    "Conv": convolution.convolution,
    "ConvTranspose": convolution.convolution,
    "Gather": moving.gather,
    "Gemm": convolution.inner_product,
    "GlobalAveragePool": reduction.average_of_maps,
    "GlobalMaxPool": pooling.maximum,
    "LRN": normalisation.lrn,
    "MaxPool": pooling.maximum,
    "Slice": moving.slice_,
    "Softmax": reduction.softmax,
    "Split": moving.split,
    "Tile": moving.tile,
    "TopK": reduction.greatest,
    **dict.fromkeys(moving.VIEWS, moving.view),
    **dict.fromkeys(elementwise.OPERATORS, elementwise.elementwise),
    **dict.fromkeys(reduction.OPERATORS, reduction.reduction),
}


def function_name(stem: str) -> str:
    """The name of the function in ``stem.c``."""
    return Names((*_TAKEN, *_MATHS)).fresh(stem)


def translate(graph: Graph, shapes: dict[str, Shape], function: str, bits: int) -> Program:
    """The statements, constants and memory of a C function of that name, weights in `bits` (0: storage.kind_of).

    `shapes` has every value's. UserError naming the layer for what C cannot say.
    """
    weighted = [node for node in graph.nodes if node.operator in WEIGHTED]
    rows = {node.name: rows_of(graph, node) for node in weighted}
    program = Program(
        graph,
        shapes,
        memory.plan(graph, shapes, moving.VIEWS, elementwise.OPERATORS),
        storage.kind_of(list(rows.values()), bits),
        Names((*_TAKEN, function)),
    )
    for node in weighted:
        with _of_layer(node):
            program.stored[node.name] = storage.synapses(rows[node.name], program.kind)
    sparse = convolution.tap_by_tap(program)
    program.stretch = convolution.stretch(program, sparse)
    for node in sparse:
        program.stored[node.name] = storage.synapses(rows[node.name], program.kind, node.attributes["group"])
    layer = ""
    for node in graph.nodes:
        if node.operator not in _SAY:
            remedy = "leave it out, or use an engine (make onnx)"
            raise UserError(f"layer '{node.layer}': expected an operator that C can say, got {node.operator}; {remedy}")
        if node.layer != layer:
            layer = node.layer
            program.say([f"/* {layer.replace('*/', '* /')} */"])
        with _of_layer(node):
            _SAY[node.operator](program, node)
    return program


@contextmanager
def _of_layer(node: Node) -> Iterator[None]:
    """Says which layer an error is about."""
    try:
        yield
    except UserError as error:
        raise UserError(f"layer '{node.layer}': {error}") from None
