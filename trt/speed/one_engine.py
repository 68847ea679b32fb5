"""One engine: in its process it loads every generation, is compared with pycaffe, timed turn by turn, and scored."""

from dataclasses import dataclass
from pathlib import Path

from evolve.base import progress
from evolve.base.counted import counted
from evolve.base.machine import Machine
from evolve.runs import load, measurements, paths
from evolve.runs.measurements import Measurement
from trt.onnx import target
from trt.speed import comparison, prepared, rounds
from trt.speed.engines import ENGINES
from trt.speed.process import EngineProcess
from trt.speed.rounds import Timing
from trt.speed.scores import TestImages


@dataclass(frozen=True)
class Case:
    """A generation that is ready for every engine: `folder` is a prepared one."""

    number: int
    folder: Path
    shape: str  # of the image
    expected: Path  # pycaffe's outputs


@dataclass(frozen=True)
class Order:
    """What every engine is asked for."""

    run: Path
    cases: list[Case]
    machine: Machine
    runs: int  # samples, at least
    scratch: Path
    tested: TestImages | None  # images that it is to be scored on


@dataclass(frozen=True)
class _Loaded:
    """A generation that the engine has loaded and run once, and how far its outputs are from pycaffe's."""

    case: Case
    version: str
    precision: str
    device: str
    difference: float
    judged: float  # what decides: of whole numbers, how far it is from these in 32-bit arithmetic


def measure(engine: str, order: Order) -> list[Measurement]:
    """Its figures, a generation each; none if it computes something else than pycaffe. UserError if it is not there."""
    with EngineProcess(engine, order.machine, order.scratch / f"{engine}.log") as process:
        loaded = [_load(engine, order, case, process) for case in order.cases]
        if not _accepted(engine, loaded):
            return []
        before = load.busy_cores()
        timers = {case.number: _timer(process, case.number) for case in order.cases}
        timings = rounds.measure(timers, order.runs, lambda seconds: _announce(engine, len(loaded), seconds))
        busy = max(before, load.busy_cores())
        scores = {case.number: _scores(order, case, process) for case in order.cases}
    return [
        _measurement(engine, order, each, timings[each.case.number], busy, scores[each.case.number]) for each in loaded
    ]


def _load(engine: str, order: Order, case: Case, process: EngineProcess) -> _Loaded:
    outputs = order.scratch / f"{engine}-{case.number}.npz"
    about = process.call("load", number=case.number, folder=str(case.folder), outputs=str(outputs))
    difference = judged = comparison.difference(outputs, case.expected)
    if form := ENGINES[engine].eight_bits_for:
        judged = comparison.difference(outputs, prepared.simulated(case.folder, form))
    return _Loaded(case, about["version"], about["precision"], about["device"], difference, judged)


def _accepted(engine: str, loaded: list[_Loaded]) -> bool:
    """Says how far the engine is from pycaffe; whether it computes the same in every generation."""
    worst = max(loaded, key=lambda each: each.judged)
    found = f"{worst.judged:.1e} of the largest value (generation {worst.case.number})"
    whole = worst.precision == prepared.EIGHT_BITS
    whose = f"those of its whole numbers in {comparison.SIMULATION}" if whole else "pycaffe's"
    if comparison.agrees(worst.judged, worst.precision):
        progress.say(f"{engine}: outputs are {whose} to {found}")
        return True
    progress.say(
        f"{engine}: outputs differ from {whose} by {found}, more than {comparison.LARGEST[worst.precision]:g}: "
        "it computes another function, and is not timed"
    )
    return False


def _timer(process: EngineProcess, number: int) -> rounds.Timer:
    return lambda calls, samples: process.call("time", number=number, calls=calls, samples=samples)["seconds"]


def _announce(engine: str, generations: int, seconds: float) -> None:
    progress.say(f"{engine}: {counted(generations, 'generation')}, about {seconds:.0f} s; {rounds.clocks()}")


def _scores(order: Order, case: Case, process: EngineProcess) -> dict[str, float]:
    return order.tested.scores(order.run, case.number, process, order.scratch) if order.tested else {}


def _measurement(
    engine: str, order: Order, loaded: _Loaded, timing: Timing, busy: float, scores: dict[str, float]
) -> Measurement:
    return Measurement(
        generation=loaded.case.number,
        engine=engine.partition("-")[0],
        precision=loaded.precision,
        batch=1,
        runs=timing.runs,
        median_ms=timing.median_ms,
        p95_ms=timing.p95_ms,
        fps=round(1000 / timing.median_ms, 3),
        shape=loaded.case.shape,
        threads=0 if engine.startswith("tensorrt") else order.machine.threads,
        device=loaded.device or rounds.device(),
        version=loaded.version,
        difference=loaded.difference,
        busy_cores=busy,
        weights_sha256=measurements.weights_sha256(order.run, loaded.case.number),
        model_bytes=_model_bytes(engine, loaded.case.folder, loaded.precision),
        scores=scores,
    )


def _model_bytes(engine: str, folder: Path, precision: str) -> int:
    """Of the file that the engine reads: its own, an ONNX file, or the caffemodel."""
    known = ENGINES[engine]
    file = folder / f"{precision}.engine"
    if known.reads_onnx:
        form = target.TARGETS.get(engine.partition("-")[0], target.OPENVINO)
        file = prepared.onnx_file(folder, prepared.EIGHT_BITS if known.eight_bits_for else "", form)
    return (file if file.exists() else folder / paths.WEIGHTS).stat().st_size
