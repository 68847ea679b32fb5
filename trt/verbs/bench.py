"""`make bench` measures how quick each generation of a run is."""

from pathlib import Path

from evolve.command.arguments import Arguments, generation, image_shape, machine, named_run, whole
from trt.verbs.onnx import images_for

WHAT = "frames per second of every generation of a run, on engines here or from a device's table"
ARGUMENTS = "RUN NET GEN WITHIN ENGINE THREADS RUNS SHAPE SCORES IMAGES FPS FAST TENSORRT"


def run(arguments: Arguments) -> int:
    """Exit status 0, or 2 where an engine computes something else than Caffe. Raises UserError."""
    from trt.speed import bench, engines, tables

    folder, shape = named_run(arguments), image_shape(arguments)
    measures = "FPS" not in arguments or "ENGINE" in arguments
    chosen = engines.chosen(arguments.get("ENGINE", "")) if measures else []
    images = images_for(arguments, "bench", chosen)
    refused = []
    if "FPS" in arguments:
        bench.take(folder, Path(arguments["FPS"]), shape)
    if measures:
        refused = bench.bench(
            folder,
            chosen,
            machine(arguments, threads=1),
            runs=whole(arguments, "RUNS", least=1) or 100,
            shape=shape,
            numbers=[generation(arguments, folder)] if "GEN" in arguments else [],
            scored=whole(arguments, "SCORES") > 0,
            images=images,
        )
    tables.show(folder, shape)
    return 2 if refused else 0
