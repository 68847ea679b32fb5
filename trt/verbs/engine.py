"""`make engine` builds a TensorRT engine."""

from typing import Any

from evolve.base.errors import UserError
from evolve.command.arguments import Arguments, given_path, whole
from trt.verbs.onnx import calibrated, expect_use, network, seen, wide

WHAT = "a TensorRT engine of a run's generation, or of a deploy prototxt and its caffemodel"
ARGUMENTS = "RUN NET GEN WITHIN MODEL WEIGHTS SHAPE HALF INT8 TENSORRT INPUTS IMAGES WIDE OUT"


def run(arguments: Arguments) -> int:
    """Exit status 0. Raises UserError."""
    from trt.tensorrt import engine, which

    tensorrt = which.find(arguments.get("TENSORRT", ""))
    order = _order(arguments)
    print(*order.pair.notes, sep="\n", end="\n" if order.pair.notes else "")
    engine.make(order, tensorrt, print)
    return 0


def _order(arguments: Arguments) -> Any:
    """The trt.tensorrt.engine.Order that they are."""
    from trt.onnx import export
    from trt.tensorrt import engine

    eight = whole(arguments, "INT8") > 0
    half = not eight if "HALF" not in arguments else whole(arguments, "HALF") > 0
    if half and eight:
        raise UserError("engine: expected HALF=1 or INT8=1, got both; leave one out")
    expect_use(arguments, "engine", half, eight)
    given = network(arguments, "engine")
    kind = "int8" if eight else "half" if half else ""
    out = export.out_file(given_path(arguments, "OUT") or given.folder, given.name, kind, engine.SUFFIX)
    kept_wide = wide(arguments, given.pair)
    if eight:
        return engine.Order(given.pair, out, half, None, kept_wide, calibrated(arguments, given, out))
    return engine.Order(given.pair, out, half, seen(arguments, given), kept_wide)
