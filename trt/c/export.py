"""A deploy prototxt and its caffemodel as one C99 file and its header, for whatever has a C compiler."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from evolve.base import files, prototxt_text
from evolve.base.counted import counted
from evolve.base.errors import UserError
from evolve.network.axes import Shape
from evolve.network.weights import Weights
from trt.c import source, translation
from trt.c.program import Program
from trt.onnx import model
from trt.onnx.export import Pair
from trt.onnx.graph import Graph
from trt.onnx.translation import translate

_STORED = {
    "float": "32 bits", "half": "16 bits (half precision)", "bfloat16": "16 bits (bfloat16)",
    "int8": "8 bits, a scale a neuron", "int8_bfloat16": "8 bits, a scale a neuron (bfloat16)",
}  # fmt: skip


def write(pair: Pair, path: Path, bits: int = 0) -> str:
    """Writes `path`, a .c file, and the .h file beside it; tells what they are.

    `bits` of a weight: 8, 16 or 32; 0 for the fewest that lose nothing. The function is named after the file.
    UserError naming file, line and layer for what C cannot say.
    """
    program = written(pair, path, bits)
    flushed = f" ({program.flushed:,} became zero)" if program.flushed else ""
    return (
        f"{path}: {counted(program.synapses, 'synapse')}, biases aside, in {_STORED[program.kind]}{flushed}, "
        f"{program.constant_bytes:,} bytes of constants, {program.memory_bytes:,} bytes of memory"
    )


def written(pair: Pair, path: Path, bits: int = 0) -> Program:
    """What write() writes."""
    function = translation.function_name(path.stem)
    program = _located(pair, function, bits)
    heading = _heading(pair, program)
    made = {
        path.with_suffix(".h"): source.header(program, function, heading),
        path: source.source(program, function, heading, path.stem),
    }
    for file, words in made.items():
        with files.named_by_out(file):
            files.write_whole(file, words)
    return program


def of_net(
    net: Any, learned: Weights, source: str = "weights", *, function: str, bits: int = 0, outputs: Collection[str] = ()
) -> Program:
    """The program of a deploy net, BatchNorm and Scale folded away where that is exact. UserError naming the layer.

    ``outputs`` are blobs that are outputs although other layers read them.
    """
    graph = translate(net, learned, source, outputs=outputs)
    return translation.translate(graph, shapes_of(graph), function, bits)


def shapes_of(graph: Graph) -> dict[str, Shape]:
    """The shape of every value of a graph."""
    constants = {name: tuple(values.shape) for name, values in graph.constants.items()}
    return model.shapes(model.model(graph, "net", {})) | constants


def _located(pair: Pair, function: str, bits: int) -> Program:
    try:
        learned = pair.weights, str(pair.caffemodel)
        return of_net(pair.net, *learned, function=function, bits=bits, outputs=pair.outputs)
    except UserError as error:
        if not str(error).startswith("layer '"):
            raise
        raise prototxt_text.located(error, pair.model) from None


def _heading(pair: Pair, program: Program) -> list[str]:
    words = pair.words
    named = ", ".join(filter(None, (pair.net.name, words.get("run"), words.get("generation", ""))))
    return [
        f"{named or 'a network'}: {counted(program.synapses, 'synapse')}, biases aside, in {_STORED[program.kind]}.",
        f"Input: {words.get('preprocessing') or 'as the author of the network says'}.",
        f"Written by Cavefish from {pair.model.name} and {pair.caffemodel.name}",
        f"(sha256 {words.get('weights_sha256', '')}).",
        "C99; needs nothing but the standard library's maths.",
    ]
