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
) -> str:
    """Writes `out` from a deploy prototxt (or a train_val, its labels left out) and its caffemodel; tells what it is.

    `out` is an .onnx file, or the folder for one named after `model`, ``deploy.onnx`` or ``deploy.half.onnx``.
    `shape` is (channels, height, width) of an image where it is to be another than the prototxt's; `words` go into
    the metadata. UserError naming file, line and layer for what ONNX cannot say, or what does not fit together.
    """
    out = _file(out, model.stem, half)
    source = text.read_text(model)
    net = text.read(model, caffe_pb2.NetParameter(), {"DATA": "data", "NET": str(model.parent)})
    learned = weights.read(caffemodel)
    described = {"preprocessing": _preprocessing(source, net), "weights_sha256": generation.sha256(caffemodel)}
    try:
        made = of_net(
            prototxt.sized(net, shape), learned, str(caffemodel), half=half, fold=fold, words=described | (words or {})
        )
    except UserError as error:
        if str(error).startswith(f"{caffemodel}: "):
            raise
        raise text.located(error, model, source) from None
    onnx_model.write(made, out)
    return f"{out}: {_said(made)}, {out.stat().st_size / 1e6:.2f} MB"


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


def export_generation(
    run: Path, number: int, out: Path, half: bool = False, shape: tuple[int, int, int] | None = None
) -> str:
    """Writes the ONNX file of a committed generation: `out`, or ``gen013.onnx`` (``gen013.half.onnx``) in folder `out`.

    UserError where there is no such generation.
    """
    folder = paths.generation(run, number)
    if not generation.exists(folder):
        raise UserError(f"GEN={number}: expected a committed generation, whole as it was written, in {folder}")
    words = {"run": run.name, "generation": str(number)}
    out = _file(out, folder.name, half)
    return export(folder / paths.DEPLOY, folder / paths.WEIGHTS, out, half=half, shape=shape, words=words)


def _file(out: Path, name: str, half: bool) -> Path:
    """`out` itself, or a file named after `name` in the folder that it is. UserError inside a committed generation."""
    path = out if out.suffix == ".onnx" else out / f"{name}{'.half' if half else ''}.onnx"
    if (path.parent / paths.DONE).exists():
        raise UserError(f"{path}: expected a place outside a committed generation; name another OUT=")
    return path


def _preprocessing(source: str, net: Any) -> str:
    """What an image goes through before the net sees it, in words, as far as the prototxt tells; else empty."""
    for line in source.splitlines():
        if line.startswith(_HEADING):
            return line.removeprefix(_HEADING)
    if any(layer.type in prototxt.DATA_TYPES for layer in prototxt.for_phase(net, "TEST").layer):
        return prototxt.preprocessing(prototxt.data_layer(net, "TEST"))
    return ""


def _said(made: Any) -> str:
    blobs = ["{} {}".format(each.name, "x".join(str(dim.dim_value) for dim in each.type.tensor_type.shape.dim))
             for each in (*made.graph.input, *made.graph.output)]  # fmt: skip
    numbers = sum(int(np.prod(each.dims)) for each in made.graph.initializer if each.data_type in onnx_model.FLOATING)
    return f"{', '.join(blobs)}; {len(made.graph.node)} nodes, {numbers:,} numbers"
