"""`make engine`."""

from pathlib import Path
from typing import Any

from evolve.base.errors import UserError
from evolve.command.arguments import Words, image_shape, named_run, whole
from evolve.runs import paths, run_folder

WHAT = "a TensorRT engine of a run's generation, or of a deploy prototxt and its caffemodel"
WORDS = "RUN NET GEN MODEL WEIGHTS SHAPE HALF TENSORRT INPUTS WIDE OUT"


def run(words: Words) -> int:
    """Exit status 0. Raises UserError."""
    from trt.tensorrt import engine, which

    flavour = which.find(words.get("TENSORRT", ""))
    engine.make(_order(words), flavour, print)
    return 0


def _order(words: Words) -> Any:
    """The trt.tensorrt.engine.Order that they are."""
    from trt import inputs
    from trt.onnx import export
    from trt.tensorrt import engine

    half = "HALF" not in words or whole(words, "HALF") > 0
    given = None
    if "MODEL" in words:
        if "WEIGHTS" not in words:
            raise UserError("engine: expected WEIGHTS=, the caffemodel of that MODEL; see `cavefish --help`")
        pair = export.read(Path(words["MODEL"]), Path(words["WEIGHTS"]), image_shape(words))
        folder, name = Path("."), pair.model.stem
    else:
        folder = named_run(words)
        number = whole(words, "GEN", least=1) or run_folder.committed(folder)[-1]
        pair = export.read_generation(folder, number, image_shape(words))
        name = paths.generation(folder, number).name
        given = inputs.of_generation(folder, number, pair)
    if "INPUTS" in words:
        given = None if words["INPUTS"] == "none" else inputs.of_file(Path(words["INPUTS"]), pair)
    out = export.out_file(Path(words.get("OUT", folder)), name, half, engine.SUFFIX)
    wide = frozenset(filter(None, words.get("WIDE", "").split(",")))
    return engine.Order(pair, out, half, given, wide)
