"""`make bench` measures how quick each generation of a run is."""

from pathlib import Path

from evolve.command.arguments import Arguments, generation, image_shape, machine, named_run, whole

WHAT = "frames per second of every generation of a run, on engines here or from a device's table"
ARGUMENTS = "RUN NET GEN WITHIN ENGINE THREADS RUNS SHAPE SCORES IMAGES FPS FAST TENSORRT"


def run(arguments: Arguments) -> int:
    """Exit status 0, or 2 where an engine computes something else than Caffe. Raises UserError."""
    from trt.speed import bench, engines, tables

    folder, shape = named_run(arguments), image_shape(arguments)
    refused = []
    if "FPS" in arguments:
        bench.take(folder, Path(arguments["FPS"]), shape)
    if "FPS" not in arguments or "ENGINE" in arguments:
        refused = bench.bench(
            folder,
            engines.chosen(arguments.get("ENGINE", "")),
            machine(arguments, threads=1),
            runs=whole(arguments, "RUNS", least=1) or 100,
            shape=shape,
            numbers=[generation(arguments, folder)] if "GEN" in arguments else [],
            scored=whole(arguments, "SCORES") > 0,
            images=whole(arguments, "IMAGES", least=1),
        )
    tables.show(folder, shape)
    return 2 if refused else 0
