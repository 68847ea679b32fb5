"""`make engine` builds a TensorRT engine."""

from pathlib import Path
from typing import Any

from evolve.base.errors import UserError
from evolve.command.arguments import Arguments, generation, given_path, image_shape, named_run, whole
from evolve.runs import paths

WHAT = "a TensorRT engine of a run's generation, or of a deploy prototxt and its caffemodel"
ARGUMENTS = "RUN NET GEN WITHIN MODEL WEIGHTS SHAPE HALF TENSORRT INPUTS WIDE OUT"


def run(arguments: Arguments) -> int:
    """Exit status 0. Raises UserError."""
    from trt.tensorrt import engine, which

    tensorrt = which.find(arguments.get("TENSORRT", ""))
    engine.make(_order(arguments), tensorrt, print)
    return 0


def _order(arguments: Arguments) -> Any:
    """The trt.tensorrt.engine.Order that they are."""
    from trt import inputs
    from trt.onnx import export
    from trt.tensorrt import engine

    half = "HALF" not in arguments or whole(arguments, "HALF") > 0
    given = None
    if "MODEL" in arguments:
        if "WEIGHTS" not in arguments:
            raise UserError("engine: expected WEIGHTS=, the caffemodel of that MODEL; see `cavefish --help`")
        pair = export.read(Path(arguments["MODEL"]), Path(arguments["WEIGHTS"]), image_shape(arguments))
        folder, name = Path("."), pair.model.stem
    else:
        folder = named_run(arguments)
        number = generation(arguments, folder)
        pair = export.read_generation(folder, number, image_shape(arguments))
        name = paths.generation(folder, number).name
        given = inputs.of_generation(folder, number, pair)
    if "INPUTS" in arguments:
        given = None if arguments["INPUTS"] == "none" else inputs.of_file(Path(arguments["INPUTS"]), pair)
    out = export.out_file(given_path(arguments, "OUT") or folder, name, half, engine.SUFFIX)
    wide = frozenset(filter(None, arguments.get("WIDE", "").split(",")))
    return engine.Order(pair, out, half, given, wide)
