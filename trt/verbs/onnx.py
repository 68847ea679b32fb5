"""`make onnx` writes a network as an ONNX file."""

from pathlib import Path

from evolve.base.errors import UserError
from evolve.command.arguments import Arguments, generation, given_path, image_shape, named_run, whole

WHAT = "a deploy prototxt and its caffemodel, or a run's generation, as an ONNX file for engines"
ARGUMENTS = "RUN NET GEN WITHIN MODEL WEIGHTS SHAPE HALF OUT"


def run(arguments: Arguments) -> int:
    """Exit status 0. Raises UserError."""
    from trt.onnx import export

    half = whole(arguments, "HALF") > 0
    if "MODEL" in arguments:
        if "WEIGHTS" not in arguments:
            raise UserError("onnx: expected WEIGHTS=, the caffemodel of that MODEL; see `cavefish --help`")
        model, out = Path(arguments["MODEL"]), Path(arguments.get("OUT", "."))
        print(export.export(model, Path(arguments["WEIGHTS"]), out, half=half, shape=image_shape(arguments)))
        return 0
    folder = named_run(arguments)
    number = generation(arguments, folder)
    out = given_path(arguments, "OUT") or folder
    print(export.export_generation(folder, number, out, half=half, shape=image_shape(arguments)))
    return 0
