"""Sizes and build times of TensorRT engines, float and half, as a table: of DetectNet, or of a run's generations.

    python -m tests.bench.engine_sizes 192x320 384x1248         DetectNet at these sizes, random weights
    python -m tests.bench.engine_sizes runs/detectnet/seed1:1,13   generations of a run
"""

import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from trt.onnx import export, model
from trt.tensorrt import builder, gpu, which
from trt.tensorrt.builder import Built

TESTS = Path(__file__).resolve().parents[1]
sys.path += [str(TESTS / "network"), str(TESTS / "trt")]

import both  # noqa: E402
import famous_nets  # noqa: E402

BUILDS = 5
HEADING = ("network", "bits", "numbers", "ONNX, MB", "engine, MB", "TensorRT's layers", "build, s", "CPU, s")


def main(words: list[str]) -> None:
    """Prints the table."""
    tensorrt = which.find()
    print(f"{tensorrt}, {gpu.name()}; build: parsing and building, the fastest of {BUILDS}; CPU: their median\n")
    print(f"| {' | '.join(HEADING)} |\n|{'---|' * len(HEADING)}")
    for word in words:
        for name, net in (_generations(word) if ":" in word else _detectnet(word)):
            for half in (False, True):
                print(_row(name, net(half), half, tensorrt), flush=True)


def _detectnet(word: str) -> Iterator[tuple[str, Any]]:
    height, width = map(int, word.split("x"))
    net = famous_nets.detectnet(height, width)
    learned = both.filled(net, np.random.default_rng(0))
    yield f"DetectNet {width}x{height}", lambda half: export.of_net(net, learned, half=half)


def _generations(word: str) -> Iterator[tuple[str, Any]]:
    folder, numbers = word.split(":")
    for number in map(int, numbers.split(",")):
        pair = export.read_generation(Path(folder), number)
        yield f"generation {number}", pair.onnx


def _row(name: str, made: Any, half: bool, tensorrt: which.TensorRT) -> str:
    builds, seconds = zip(*(_built(made, half, tensorrt) for _ in range(BUILDS)), strict=True)
    numbers = sum(int(np.prod(each.dims)) for each in made.graph.initializer if each.data_type in model.NUMBERS)
    megabytes = [f"{size / 1e6:.2f}" for size in (made.ByteSize(), len(builds[0].data))]
    cells = (
        *(name, 16 if half else 32, f"{numbers:,}", *megabytes),
        *(builds[0].layers, f"{min(each.seconds for each in builds):.2f}", f"{statistics.median(seconds):.2f}"),
    )
    return f"| {' | '.join(map(str, cells))} |"


def _built(model: Any, half: bool, tensorrt: which.TensorRT) -> tuple[Built, float]:
    """An engine, and the processor's seconds for it: a busy machine disturbs them less."""
    began = time.process_time()
    return builder.build(tensorrt, model, builder.Kind(half)), time.process_time() - began


if __name__ == "__main__":
    main(sys.argv[1:])
