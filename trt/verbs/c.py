"""`make c` writes a network as one C file."""

from pathlib import Path

from evolve.base.errors import UserError
from evolve.command.arguments import Arguments, generation, given_path, image_shape, named_run, whole
from evolve.runs import paths

WHAT = "a run's generation, or a deploy prototxt and its caffemodel, as one C99 file and its header"
ARGUMENTS = "RUN NET GEN WITHIN MODEL WEIGHTS SHAPE BITS OUT"


def run(arguments: Arguments) -> int:
    """Exit status 0. Raises UserError."""
    from trt.c import export
    from trt.onnx import export as onnx

    bits = whole(arguments, "BITS", least=1)
    if "MODEL" in arguments:
        if "WEIGHTS" not in arguments:
            raise UserError("c: expected WEIGHTS=, the caffemodel of that MODEL; see `cavefish --help`")
        pair = onnx.read(Path(arguments["MODEL"]), Path(arguments["WEIGHTS"]), image_shape(arguments))
        folder, name = Path("."), pair.model.stem
    else:
        folder = named_run(arguments)
        number = generation(arguments, folder)
        pair = onnx.read_generation(folder, number, image_shape(arguments))
        name = paths.generation(folder, number).name
    out = onnx.out_file(given_path(arguments, "OUT") or folder, name, "", ".c")
    print(export.write(pair, out, bits))
    return 0
