"""Caffe's deploy prototxt and caffemodel to ONNX, straight from the messages: no Caffe runs, nothing is traced."""

from pathlib import Path
from typing import Any

import numpy as np

from evolve import generation, paths
from evolve.errors import UserError
from evolve.network import prototxt, text, weights
from evolve.network.caffe_proto import caffe_pb2
from evolve.network.weights import Weights
from trt import half as half_precision
from trt import onnx_model, translation

_HEADING = "# input: "  # how a generation's deploy prototxt says what its pixels went through


def export(
    model: Path,
    caffemodel: Path,
    out: Path,
    half: bool = False,
    fold: bool = True,
    shape: tuple[int, int, int] | None = None,
    words: dict[str, str] | None = None,
) -> list[str]:
    """Writes `out` from a deploy prototxt (or a train_val, its labels left out) and its caffemodel; returns lines to print.

    `shape` is (channels, height, width) of an image where it is to be another than the prototxt's; `words` go into the
    metadata. UserError naming file, line and layer for what ONNX cannot say, or what does not fit together.
    """
    if (out.parent / paths.DONE).exists():
        raise UserError(f"{out}: expected a place outside a committed generation; name another OUT=")
    source = text.read_text(model)
    net = text.read(model, caffe_pb2.NetParameter(), {"DATA": "data", "NET": str(model.parent)})
    learned = weights.read(caffemodel)
    try:
        made = of_net(
            prototxt.sized(net, shape), learned, str(caffemodel), half=half, fold=fold,
            words={"preprocessing": _preprocessing(source), "weights_sha256": generation.sha256(caffemodel)}
            | (words or {}),
        )  # fmt: skip
    except UserError as error:
        raise text.located(error, model, source) from None
    onnx_model.write(made, out)
    return [f"{out}: {_said(made)}, {out.stat().st_size / 1e6:.2f} MB"]


def of_net(
    net: Any, learned: Weights, source: str = "weights", *, half: bool = False, fold: bool = True,
    words: dict[str, str] | None = None, in_32_bits: frozenset[str] = frozenset(),
) -> Any:  # fmt: skip
    """The checked onnx.ModelProto of a deploy net; with `half` in half precision but for the layers `in_32_bits`.

    UserError naming the layer for what ONNX cannot say.
    """
    graph = translation.translate(net, learned, source, fold, in_32_bits)
    described = {"network": net.name, "precision": "32 bits"} | {k: v for k, v in (words or {}).items() if v}
    if half:
        graph = half_precision.halved(graph)
        wide = dict.fromkeys(node.layer for node in graph.nodes if node.wide and node.operator != "Cast")
        described |= {"precision": "16 bits", "layers_in_32_bits": ", ".join(wide) or "none"}
    return onnx_model.model(graph, net.name, described)


def export_generation(run: Path, number: int, out: Path, half: bool = False) -> list[str]:
    """Writes the ONNX file of a committed generation: `out`, or ``gen013.onnx`` (``gen013.half.onnx``) in folder `out`.

    UserError where there is no such generation.
    """
    folder = paths.generation(run, number)
    if not generation.exists(folder):
        raise UserError(f"GEN={number}: expected a committed generation, whole as it was written, in {folder}")
    words = {"run": run.name, "generation": str(number)}
    path = out if out.suffix == ".onnx" else out / f"{folder.name}{'.half' if half else ''}.onnx"
    return export(folder / paths.DEPLOY, folder / paths.WEIGHTS, path, half=half, words=words)


def _preprocessing(source: str) -> str:
    """What a generation's deploy prototxt says of its input, in words; empty for others."""
    lines = (line for line in source.splitlines() if line.startswith(_HEADING))
    return next(lines, "").removeprefix(_HEADING)


def _said(made: Any) -> str:
    blobs = ["{} {}".format(each.name, "x".join(str(dim.dim_value) for dim in each.type.tensor_type.shape.dim))
             for each in (*made.graph.input, *made.graph.output)]  # fmt: skip
    stored = sum(int(np.prod(each.dims)) for each in made.graph.initializer)
    return f"{len(made.graph.node)} nodes, {stored:,} constants; {', '.join(blobs)}"
