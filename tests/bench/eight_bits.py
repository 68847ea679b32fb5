"""Speed of a first and a later generation in every precision, turn and turn about, as results/int8/fps.csv.

    python -m tests.bench.eight_bits fps.csv runs/lenet/seed1:1,13 runs/detectnet/seed1:1,7,13@512x1024 \
        detectnet@192x320

Of a run, its generations on images of its own size or of the one that is said, calibrated on the run's own training
images, with the scores that `make bench SCORES=1` kept: accuracy, of a detector average precision. `detectnet` is two
networks with the widths of generations 1 and 13 in results/detectnet/report.html and random weights, calibrated on
random pixels. All of a shape are loaded in one process, on one thread, and take turns; a figure is the
process's CPU time, which others at work on the machine lengthen less than time by the clock.
"""

import csv
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.machine import Machine
from evolve.network import weights
from evolve.runs import load, measurements, paths
from trt import calibration, eight_bits, inputs
from trt.onnx import export
from trt.onnx.target import TARGETS
from trt.speed import prepared, rounds
from trt.speed.engines import ENGINES, Engine

TESTS = Path(__file__).resolve().parents[1]
sys.path += [str(TESTS / "network"), str(TESTS / "trt")]

import both  # noqa: E402
import famous_nets  # noqa: E402

COLUMNS = ("net", "shape", "generation", "engine", "precision", "fps", "p95_ms", "score")
PRECISIONS = {"f32": "float", "f16": "half", "bf16": "bfloat16", "int8": "int8"}
# ONNX Runtime as it was before: with its own operator for LRN.
OPERATOR = "onnxruntime (LRN its own operator)"
MEASURED = ("openvino", "openvino-bfloat16", "openvino-int8", "onnxruntime", OPERATOR, "onnxruntime-int8")
REPORT = TESTS.parent / "results" / "detectnet" / "report.html"
_FORMS = (TARGETS["openvino"], TARGETS["onnxruntime"])
_TURNS, _FEWEST, _SAMPLE = 12, 5, 0.03  # turns, of what takes long as few, and seconds of one sample at least
_LONG = 1.0  # seconds of all samples of a turn


@dataclass
class Entry:
    """One network on one engine, and the milliseconds of its samples."""

    net: str
    shape: str
    generation: int
    engine: str
    made: Engine
    calls: int = 1
    samples: list[float] = field(default_factory=list)
    score: str = ""

    def row(self) -> tuple[str, ...]:
        median, p95 = np.percentile(self.samples, [50, 95])
        name = self.engine if self.engine == OPERATOR else self.engine.partition("-")[0]
        figures = (f"{1000 / median:.2f}", f"{p95:.3f}", self.score)
        return (self.net, self.shape, str(self.generation), name, PRECISIONS[self.made.precision], *figures)


def main(words: list[str]) -> None:
    """Measures each group of networks, and adds its rows to the table."""
    out = Path(words[0])
    with open(out, "a", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if not out.stat().st_size:
            busy = load.warning(load.busy_cores()) or "nothing else ran"
            file.write(f"# CPU time of one thread, {rounds.device()}; {busy}\n")
            writer.writerow(COLUMNS)
        for word in words[1:]:
            with tempfile.TemporaryDirectory() as scratch:
                folders = _detectnet if word.startswith("detectnet@") else _generations
                entries = [entry for made in folders(word, Path(scratch)) for entry in _entries(*made)]
                _measure(entries)
            writer.writerows(entry.row() for entry in entries)
            file.flush()


def _measure(entries: list[Entry]) -> None:
    for entry in entries:
        _seconds(entry, 1)
        entry.calls = max(1, round(_SAMPLE / _seconds(entry, 1)))
    took = sum(_seconds(entry, entry.calls) * entry.calls for entry in entries)
    for turn in range(_TURNS if took < _LONG else _FEWEST):
        for number in rounds.rotated(list(range(len(entries))), turn):
            _seconds(entries[number], 1)
            entries[number].samples.append(1000 * _seconds(entries[number], entries[number].calls))


def _seconds(entry: Entry, calls: int) -> float:
    begin = time.process_time()
    for _ in range(calls):
        entry.made.run()
    return (time.process_time() - begin) / calls


def _entries(net: str, shape: str, generation: int, folder: Path, score: Callable[[str, str], str]) -> Iterator[Entry]:
    has_norm = prepared.onnx_file(folder, "", TARGETS["onnxruntime"]).name != prepared.ONNX
    for engine in MEASURED:
        if engine == OPERATOR and not has_norm:
            continue
        made = ENGINES["onnxruntime" if engine == OPERATOR else engine].make(Machine(threads=1))
        if engine == OPERATOR:
            made.form = TARGETS["openvino"]  # type: ignore[attr-defined]
        made.load(folder)
        name = engine.partition("-")[0] if engine != OPERATOR else "onnxruntime"
        yield Entry(net, shape, generation, engine, made, score=score(name, made.precision))


def _detectnet(word: str, scratch: Path) -> Iterator[tuple[str, str, int, Path, Any]]:
    height, width = map(int, word.partition("@")[2].split("x"))
    for generation in (1, 13):
        net = famous_nets.detectnet(height, width)
        widths = _widths(generation)
        for layer in net.layer:
            if layer.name in widths:
                layer.convolution_param.num_output = widths[layer.name]
        place = scratch / f"detectnet{generation}"
        place.mkdir()
        prototxt_text.write(net, place / paths.DEPLOY, "random\ninput: pixels 0..255, minus 127")
        weights.write(place / paths.WEIGHTS, net, both.filled(net, np.random.default_rng(generation)))
        pair = export.read(place / paths.DEPLOY, place / paths.WEIGHTS)
        pixels = np.random.default_rng(0).integers(-127, 129, (2, 3, height, width)).astype(np.float32)
        seen = inputs.Inputs("2 images of random pixels", [{"data": each[np.newaxis]} for each in pixels])
        yield "detectnet", f"3x{height}x{width}", generation, _ready(pair, seen, place), lambda engine, precision: ""


def _widths(generation: int) -> dict[str, int]:
    """Neurons of each layer, as the report's table has them."""
    found = re.findall(rf'title="(\S+)\s+generation {generation}: ([\d,]+) of [\d,]+ neurons"', REPORT.read_text())
    # A branch that died is one neuron wide here.
    return {layer: max(1, int(count.replace(",", ""))) for layer, count in found}


def _generations(word: str, scratch: Path) -> Iterator[tuple[str, str, int, Path, Any]]:
    run, _, asked = word.rpartition(":")
    numbers, _, size = asked.partition("@")
    folder = Path(run)
    kept = {(each.engine, each.precision, each.generation): each.scores for each in measurements.read(folder)}
    for number in map(int, numbers.split(",")):
        made = paths.generation(folder, number)
        seen = eight_bits.calibrated(folder, number, print)
        net = prepared.prepare(
            made / paths.DEPLOY, made / paths.WEIGHTS, scratch / made.name, onnx=True, calibration=seen,
            eight_bits_for=_FORMS, shape=_shape(made / paths.DEPLOY, size),
        )  # fmt: skip

        def score(engine: str, precision: str, number: int = number) -> str:
            scores = {} if size else kept.get((engine, precision, number), {})
            return str(scores.get("accuracy", scores.get("ap", "")))

        yield folder.parent.name, measurements.image_shape(net), number, scratch / made.name, score


def _shape(deploy: Path, size: str) -> tuple[int, int, int] | None:
    """Its channels, and the height and width of `size`, 512x1024; None where nothing is said."""
    if not size:
        return None
    net = prototxt_text.read(deploy, caffe_pb2.NetParameter())
    height, width = map(int, size.split("x"))
    return net.layer[0].input_param.shape[0].dim[1], height, width


def _ready(pair: export.Pair, seen: inputs.Inputs, place: Path) -> Path:
    found = calibration.calibrate(pair, seen, "random")
    prepared.prepare(
        pair.model, pair.caffemodel, place / "ready", onnx=True, calibration=found, eight_bits_for=_FORMS
    )
    return place / "ready"


if __name__ == "__main__":
    main(sys.argv[1:])
