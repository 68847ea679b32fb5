"""What every engine loads a generation from: a folder with its deploy net, weights, ONNX files and one input.

    deploy.prototxt             one image, at the size that is measured
    weights.caffemodel          a link
    net.onnx                    the same in 32 bits, if an engine reads that
    net.onnxruntime.onnx        in ONNX Runtime's form, where that is another
    net.int8[.target].onnx      in eight bits, if an engine reads that; and .npz, what 32-bit arithmetic makes of it
    net.calibration.json        what these were calibrated on
    inputs.npz                  an array for each Input of the net
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evolve.base import prototxt_text, records
from evolve.base.caffe_messages import caffe_pb2
from evolve.network import deployment, phases, shapes
from evolve.network.axes import ImageShape, Shape
from evolve.runs import paths
from trt.onnx.target import ONNX_RUNTIME, Target

if TYPE_CHECKING:
    from trt.calibration import Calibration

ONNX = "net.onnx"
INPUTS = "inputs.npz"
CALIBRATION = "net.calibration.json"
EIGHT_BITS = "int8"

_SEED = 1
# In the words of phases.preprocessing.
_MINUS = re.compile(r"minus (?P<means>[\d., ]*\d)")
_TIMES = re.compile(r"times (?P<scale>[\d.e+-]+)")


def prepare(
    model: Path, caffemodel: Path, folder: Path, *, onnx: bool, shape: ImageShape | None = None,
    calibration: "Calibration | None" = None, eight_bits_for: Iterable[Target] = (),
) -> Any:  # fmt: skip
    """Fills `folder` from a deploy prototxt and its caffemodel; returns the net, one image of `shape` (its own).

    With a calibration, there are files in eight bits for these targets too.
    UserError naming the file for a net that does not fit together, or that ONNX cannot say.
    """
    folder.mkdir(parents=True)
    source = prototxt_text.read_text(model)
    net = prototxt_text.parse(source, caffe_pb2.NetParameter(), model)
    net = deployment.sized(net, shape)
    prototxt_text.write(net, folder / paths.DEPLOY)
    (folder / paths.WEIGHTS).symlink_to(caffemodel.resolve())
    np.savez(folder / INPUTS, **_images(net, source))  # type: ignore[arg-type]
    if onnx:
        from trt.onnx import export

        export.export(model, caffemodel, folder / ONNX, shape=shape)
        if any(layer.type == "LRN" for layer in net.layer):
            own = folder / f"net.{ONNX_RUNTIME.name}.onnx"
            export.export(model, caffemodel, own, shape=shape, target=ONNX_RUNTIME)
    if calibration is not None:
        (folder / CALIBRATION).write_text(records.text(calibration))
        for each in eight_bits_for:
            _in_eight_bits(model, caffemodel, shape, calibration, each, folder)
    return net


def onnx_file(folder: Path, precision: str, form: Target) -> Path:
    """The ONNX file of a prepared folder in `precision` ("" or "int8") and in the form for an engine.

    That is the usual form where the engine's own would be the same.
    """
    own = folder / f"{'.'.join(filter(None, ['net', form.kind(precision)]))}.onnx"
    return own if own.exists() or precision else folder / ONNX


def simulated(folder: Path, form: Target) -> Path:
    """The .npz of what 32-bit arithmetic makes of the file in eight bits: what an engine is to make of it too."""
    return onnx_file(folder, EIGHT_BITS, form).with_suffix(".npz")


def _in_eight_bits(
    model: Path, caffemodel: Path, shape: ImageShape | None, calibration: "Calibration", form: Target,
    folder: Path,
) -> None:  # fmt: skip
    from trt import eight_bits, values
    from trt.onnx import export

    made = eight_bits.model(export.read(model, caffemodel, shape), calibration, form)
    export.write(made, onnx_file(folder, EIGHT_BITS, form))
    (outputs,) = values.on(made, [each.name for each in made.graph.output], [inputs(folder)])
    np.savez(simulated(folder, form), **outputs)  # type: ignore[arg-type]


def inputs(folder: Path) -> dict[str, np.ndarray]:
    """The arrays that a prepared folder has for the net's inputs, by blob."""
    with np.load(folder / INPUTS) as kept:
        return {name: np.ascontiguousarray(kept[name]) for name in kept}


def _images(net: Any, source: str) -> dict[str, np.ndarray]:
    """The same for every generation: random pixels as the heading of the prototxt prepares them, else normal numbers.

    Dense arithmetic takes as long with them as with photographs.
    """
    random = np.random.default_rng(_SEED)
    inputs = shapes.of_inputs(shapes.infer(net, keep_unknown=True))
    return {name: _image(shape, source, random).astype(np.float32) for name, shape in inputs.items()}


def _image(shape: Shape, source: str, random: np.random.Generator) -> np.ndarray:
    told = phases.told_preprocessing(source)
    if not told.startswith(phases.PIXELS) or len(shape) != 4:
        return random.standard_normal(shape)
    minus, times = _MINUS.search(told), _TIMES.search(told)
    means = np.array([float(mean) for mean in minus["means"].split(",")] if minus else [0.0])
    scale = float(times["scale"]) if times else 1.0
    return np.asarray((random.integers(0, 256, shape) - means.reshape(-1, 1, 1)) * scale)
