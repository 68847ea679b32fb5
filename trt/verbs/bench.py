"""`make bench`."""

import os
from pathlib import Path

from evolve.command.arguments import Words, image_shape, named_run, whole

WHAT = "frames per second of every generation of a run, on engines here or from a device's table"
WORDS = "RUN NET ENGINE THREADS RUNS SHAPE FPS FAST TENSORRT"


def run(words: Words) -> int:
    """Exit status 0, or 2 where an engine computes something else than Caffe. Raises UserError."""
    from trt.speed import bench, engines, tables

    folder, shape = named_run(words), image_shape(words)
    # The process that an engine runs in reads these.
    os.environ |= {"FAST": str(whole(words, "FAST"))} if "FAST" in words else {}
    os.environ |= {"TENSORRT": words["TENSORRT"]} if "TENSORRT" in words else {}
    refused = []
    if "FPS" in words:
        bench.take(folder, Path(words["FPS"]))
    if "FPS" not in words or "ENGINE" in words:
        refused = bench.bench(
            folder,
            engines.chosen(words.get("ENGINE", "")),
            threads=whole(words, "THREADS", least=1) or 1,
            runs=whole(words, "RUNS", least=1) or 100,
            shape=shape,
        )
    tables.show(folder, shape)
    return 2 if refused else 0
