"""`make engine`."""

from pathlib import Path
from typing import Any

from evolve import paths, run_folder
from evolve.errors import UserError
from evolve.words import Words, image_shape, named_run, whole

WHAT = "a TensorRT engine of a run's generation, or of a deploy prototxt and its caffemodel"
WORDS = "RUN NET GEN MODEL WEIGHTS SHAPE HALF TENSORRT INPUTS WIDE OUT"


def run(words: Words) -> int:
    """Exit status 0. Raises UserError."""
    from trt import engine, flavours

    flavour = flavours.find(words.get("TENSORRT", ""))
    engine.make(_order(words), flavour, print)
    return 0


def _order(words: Words) -> Any:
    """The trt.engine.Order that they are."""
    from trt import engine, onnx_export, real_inputs

    half = "HALF" not in words or whole(words, "HALF") > 0
    given = None
    if "MODEL" in words:
        if "WEIGHTS" not in words:
            raise UserError("engine: expected WEIGHTS=, the caffemodel of that MODEL; see `cavefish --help`")
        pair = onnx_export.read(Path(words["MODEL"]), Path(words["WEIGHTS"]), image_shape(words))
        folder, name = Path("."), pair.model.stem
    else:
        folder = named_run(words)
        number = whole(words, "GEN", least=1) or run_folder.committed(folder)[-1]
        pair = onnx_export.read_generation(folder, number, image_shape(words))
        name = paths.generation(folder, number).name
        given = real_inputs.of_generation(folder, number, pair)
    if "INPUTS" in words:
        given = None if words["INPUTS"] == "none" else real_inputs.of_file(Path(words["INPUTS"]), pair)
    out = onnx_export.out_file(Path(words.get("OUT", folder)), name, half, engine.SUFFIX)
    wide = frozenset(filter(None, words.get("WIDE", "").split(",")))
    return engine.Order(pair, out, half, given, wide)
