"""Caffe's deploy prototxt and caffemodel to ONNX, straight from the messages: no Caffe runs, nothing is traced."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evolve.base import files, prototxt_text
from evolve.base.counted import counted
from evolve.base.errors import UserError
from evolve.network import deployment, layers, phases
from evolve.network.axes import ImageShape
from evolve.network.foreign import reading
from evolve.network.weights import Weights
from evolve.runs import generation, out_place, paths
from trt.onnx import arranged, eight, eight_places, image_phases, model, translation
from trt.onnx import half as half_precision
from trt.onnx.eight import Ranges
from trt.onnx.graph import Graph
from trt.onnx.target import OPENVINO, Target


@dataclass(frozen=True)
class Pair:
    """A deploy prototxt and its caffemodel, read: what ONNX files of one precision or another are made from."""

    model: Path
    caffemodel: Path
    net: Any  # caffe_pb2.NetParameter, on images of the wanted shape
    weights: Weights
    words: dict[str, str]  # of the metadata
    outputs: tuple[str, ...] = ()  # blobs that are outputs although other layers read them
    notes: tuple[str, ...] = ()  # what was made of the files on reading, a line each

    def expect_layers(self, wide: frozenset[str]) -> None:
        """UserError unless all that WIDE= names are layers of the net."""
        unknown = wide - {layer.name for layer in self.net.layer}
        if unknown:
            raise UserError(f"WIDE={min(unknown)}: expected layers of {self.model}, separated by commas")

    def graph(self) -> Graph:
        """What there is to calibrate, or to look at, in 32 bits."""
        return translation.translate(self.net, self.weights, str(self.caffemodel), outputs=self.outputs)

    def onnx(
        self, half: bool = False, fold: bool = True, in_32_bits: frozenset[str] = frozenset(),
        target: Target = OPENVINO, ranges: Ranges | None = None,
    ) -> Any:  # fmt: skip
        """The checked onnx.ModelProto, as of_net makes it. UserError naming file, line and layer."""
        try:
            return of_net(
                self.net, self.weights, str(self.caffemodel), half=half, fold=fold, words=self.words,
                in_32_bits=in_32_bits, outputs=self.outputs, target=target, ranges=ranges,
            )  # fmt: skip
        except UserError as error:
            if str(error).startswith(f"{self.caffemodel}: "):
                raise
            raise prototxt_text.located(error, self.model) from None


def read(
    model: Path, caffemodel: Path, shape: ImageShape | None = None, words: dict[str, str] | None = None
) -> Pair:
    """A deploy prototxt (or a train_val, its labels left out) and its caffemodel, for images of `shape`.

    `shape` is (channels, height, width) where it is to be another than the prototxt's; `words` go into the metadata.
    UserError for what cannot be read.
    """
    layers.load_beside(model.parent, paths.prototxts(model.parent))
    source = prototxt_text.read_text(model)
    found, learned = reading.read(model, without_python=True).with_weights(caffemodel)
    net = found.net
    described = {"preprocessing": _preprocessing(source, net), "weights_sha256": generation.sha256(caffemodel)}
    try:
        sized = deployment.sized(net, shape or phases.told_image(net))
    except UserError as error:
        raise prototxt_text.located(error, model, source) from None
    described |= words or {}
    return Pair(model, caffemodel, sized, learned, described, tuple(found.outputs), tuple(found.notes))


def export(
    model: Path,
    caffemodel: Path,
    out: Path,
    half: bool = False,
    fold: bool = True,
    shape: ImageShape | None = None,
    words: dict[str, str] | None = None,
    target: Target = OPENVINO,
) -> str:
    """Writes `out` from a deploy prototxt and its caffemodel, as read() reads them; tells what it is.

    `out` is an .onnx file, or the folder for one named after `model`, ``deploy.onnx`` or ``deploy.half.onnx``.
    UserError naming file, line and layer for what ONNX cannot say, or what does not fit together.
    """
    pair = read(model, caffemodel, shape, words)
    made = pair.onnx(half, fold, target=target)
    return "\n".join([*pair.notes, write(made, out_file(out, model.stem, target.kind("half" if half else "")))])


def write(made: Any, path: Path) -> str:
    """Writes an onnx.ModelProto; tells what it is. UserError where it cannot be written."""
    model.write(made, path)
    return f"{path}: {_said(made)}, {path.stat().st_size / 1e6:.2f} MB"


def of_net(
    net: Any, learned: Weights, source: str = "weights", *, half: bool = False, fold: bool = True,
    words: dict[str, str] | None = None, in_32_bits: frozenset[str] = frozenset(), outputs: tuple[str, ...] = (),
    target: Target = OPENVINO, ranges: Ranges | None = None,
) -> Any:  # fmt: skip
    """The checked onnx.ModelProto of a deploy net, in the form for `target`.

    With `half` in half precision, with `ranges` of its activations in eight bits, but for the layers `in_32_bits`.
    UserError naming the layer for what ONNX cannot say.
    """
    graph = translation.translate(net, learned, source, fold, in_32_bits, outputs, target.lrn_as_convolution)
    described = {"network": net.name, "precision": "32 bits"} | {k: v for k, v in (words or {}).items() if v}
    if half:
        graph = half_precision.halved(graph)
        wide = dict.fromkeys(node.layer for node in graph.nodes if node.wide and node.operator != "Cast")
        described |= {"precision": "16 bits", "layers_in_32_bits": ", ".join(wide) or "none"}
    elif ranges is not None:
        graph = arranged.arranged(graph)
        places = eight_places.find(graph)
        described |= {"precision": "8 bits", "layers_in_32_bits": ", ".join(places.in_32_bits) or "none"}
        graph = eight.quantised(graph, places, ranges, target.signed, target.keeps_pooling_apart)
        graph = image_phases.split(graph) if target.splits_images else graph
    return model.model(graph, net.name, described)


def read_generation(run: Path, number: int, shape: ImageShape | None = None) -> Pair:
    """The deploy prototxt and the caffemodel of a committed generation. UserError where there is none such."""
    folder = generation.whole(run, number)
    words = {"run": run.name, "generation": str(number)}
    return read(folder / paths.DEPLOY, folder / paths.WEIGHTS, shape, words)


def out_file(out: Path, name: str, of_kind: str, suffix: str = ".onnx") -> Path:
    """`out` itself, or a file named after `name` and its kind in the folder that it is, which is made if need be.

    UserError inside a committed generation, or where there can be no such folder.
    """
    if out.suffix.lower() == suffix:
        path = out
    else:
        path = out_place.as_folder(out, f"a folder, or a {suffix} file") / f"{name}{of_kind and f'.{of_kind}'}{suffix}"
    out_place.outside_generations(path, path.parent)
    if path != out:
        with files.named_by_out(out):
            out.mkdir(parents=True, exist_ok=True)
    return path


def _preprocessing(source: str, net: Any) -> str:
    """What an image goes through before the net sees it, in words, as far as the prototxt tells; else empty."""
    if told := phases.told_preprocessing(source):
        return told
    if phases.data_layers(net, "TEST"):
        return phases.preprocessing(phases.image_layers(net, "TEST")[0])
    return ""


def _said(made: Any) -> str:
    blobs = ["{} {}".format(each.name, "x".join(str(dim.dim_value) for dim in each.type.tensor_type.shape.dim))
             for each in (*made.graph.input, *made.graph.output)]  # fmt: skip
    numbers = sum(int(np.prod(each.dims)) for each in made.graph.initializer if each.data_type in model.NUMBERS)
    return f"{', '.join(blobs)}; {counted(len(made.graph.node), 'node')}, {counted(numbers, 'number')}"
