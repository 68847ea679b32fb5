"""`make onnx`."""

from pathlib import Path

from evolve.base.errors import UserError
from evolve.command.arguments import Words, image_shape, named_run, whole
from evolve.runs import run_folder

WHAT = "a deploy prototxt and its caffemodel, or a run's generation, as an ONNX file for engines"
WORDS = "RUN NET GEN MODEL WEIGHTS SHAPE HALF OUT"


def run(words: Words) -> int:
    """Exit status 0. Raises UserError."""
    from trt.onnx import export

    half = whole(words, "HALF") > 0
    if "MODEL" in words:
        if "WEIGHTS" not in words:
            raise UserError("onnx: expected WEIGHTS=, the caffemodel of that MODEL; see `cavefish --help`")
        model, out = Path(words["MODEL"]), Path(words.get("OUT", "."))
        print(export.export(model, Path(words["WEIGHTS"]), out, half=half, shape=image_shape(words)))
        return 0
    folder = named_run(words)
    number = whole(words, "GEN", least=1) or run_folder.committed(folder)[-1]
    out = Path(words.get("OUT", folder))
    print(export.export_generation(folder, number, out, half=half, shape=image_shape(words)))
    return 0
