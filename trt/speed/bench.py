"""`make bench` times every generation of a run on every engine whose outputs are pycaffe's.

Only where an engine computes what pycaffe does on the same input does its speed mean anything.
"""

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evolve.base import progress
from evolve.base.errors import UserError
from evolve.base.machine import Machine
from evolve.runs import device_table, generation, load, measurements, paths, run_folder
from evolve.runs.measurements import Measurement
from trt.onnx import target
from trt.speed import prepared, rounds, scores
from trt.speed.engines import ENGINES
from trt.speed.process import EngineProcess

if TYPE_CHECKING:
    from trt.calibration import Calibration

SIMULATION = "32-bit arithmetic"  # what an engine with whole numbers is compared with
ONE_THREAD = Machine(threads=1)

# Relative to a blob's largest value, by the precision of weights and arithmetic. A rounding to 16 bits is 2^-11 of a
# number, and a deep network adds up many; bfloat16's is 2^-8. In eight bits it is relative to the same whole numbers
# in 32-bit arithmetic, from which one may differ by a step where it lies between two.
LARGEST = {"f32": 1e-3, "f16": 5e-2, "bf16": 2e-1, "int8": 1e-1}

# Of values that are all next to nothing, as where no cell of a coverage map is covered, no digit counts.
_NEXT_TO_NOTHING = 0.01


def difference(outputs: Path, expected: Path) -> float:
    """The largest difference of any output, relative to the largest value of pycaffe's, or to 0.01 if that is less.

    Both are .npz files of blobs by name; nan is infinitely different. UserError if blobs are missing.
    """
    with np.load(outputs) as made, np.load(expected) as wanted:
        missing = sorted(set(wanted) - set(made))
        if missing:
            raise UserError(f"{outputs.stem}: expected the outputs of pycaffe, got none called {', '.join(missing)}")
        return max(_difference(made[name], wanted[name]) for name in wanted)


def agrees(found: float, precision: str) -> bool:
    """Whether a difference is what that precision accounts for, and the network the same one."""
    return found <= LARGEST[precision]


def _difference(made: np.ndarray, wanted: np.ndarray) -> float:
    if made.shape != wanted.shape:
        return float("inf")
    scale = max(float(np.abs(wanted).max()), _NEXT_TO_NOTHING)
    worst = float(np.abs(made - wanted).max()) / scale
    return worst if worst == worst else float("inf")


PROTOCOL = (
    "Timed: one inference of one image, from the input in memory to the outputs in memory; reading, resizing and "
    "clustering of boxes are not in it. Input: random pixels, prepared as the deploy prototxt says, the same for all. "
    "Before each turn a warm-up that is not timed; generations in turn, round after round, another one first each "
    f"time. A sample is one run, or the mean of as many in a row as take {1000 * rounds.LEAST_SECONDS:g} ms. "
    "fps: 1000 / median; p95: 95 of 100 samples took no longer. An engine is timed only if its outputs are "
    f"pycaffe's to {LARGEST['f32']:g} of their largest value, {LARGEST['f16']:g} in half precision, "
    f"{LARGEST['bf16']:g} in bfloat16; in eight bits, if they are to {LARGEST['int8']:g} what {SIMULATION} makes of "
    "the same whole numbers."
)


@dataclass(frozen=True)
class Case:
    """A generation that is ready for every engine: `folder` is a prepared one."""

    number: int
    folder: Path
    shape: str  # of the image
    expected: Path  # pycaffe's outputs


def bench(
    run: Path,
    engines: list[str],
    machine: Machine = ONE_THREAD,
    runs: int = 100,
    shape: tuple[int, int, int] | None = None,
    numbers: Sequence[int] = (),
    scored: bool = False,
    images: int = 0,
) -> list[str]:
    """Measures the run's generations, keeps the figures in its fps.json and lineage.csv; returns the engines refused.

    `shape` is (channels, height, width) of an image, the deploy net's own by default; `runs` how many samples at
    least; `numbers` are the generations, all by default. With `scored` each engine computes all test images too;
    `images` training images calibrate eight bits, by default training_images.COUNT. UserError where there is no
    generation, or an engine cannot be had.
    """
    numbers = numbers or run_folder.committed(run)
    if scored and shape is not None:
        raise UserError("SCORES=1: expected no SHAPE beside it: test images have the run's own size")
    if not numbers:
        raise UserError(f"{run}: expected a run with generations in it, found none; `make evolve` makes one")
    if warning := load.warning(load.busy_cores()):
        progress.say(f"NOTE: {warning}")
    refused = []
    with tempfile.TemporaryDirectory(prefix="cavefish-bench-") as scratch, ExitStack() as stack:
        cases = [_case(run, number, Path(scratch), engines, shape, images) for number in numbers]
        with EngineProcess("caffe", machine, Path(scratch) / "pycaffe.log") as pycaffe:
            for case in cases:
                pycaffe.call("load", number=case.number, folder=str(case.folder), outputs=str(case.expected))
        tested = stack.enter_context(scores.test_images(run, numbers[-1], Path(scratch))) if scored else None
        for engine in engines:
            measured = _measured(run, engine, cases, machine, runs, Path(scratch), tested)
            if measured:
                measurements.keep(run, measured, PROTOCOL)
                run_folder.write_lineage(run)
            else:
                refused.append(engine)
    return refused


def take(run: Path, table: Path) -> None:
    """Keeps what a device measured, its CSV file, as the run's own. UserError if that does not fit the run."""
    measurements.keep(run, device_table.read(table, run), PROTOCOL)
    run_folder.write_lineage(run)


def _case(
    run: Path, number: int, scratch: Path, engines: list[str], shape: tuple[int, int, int] | None, images: int
) -> Case:
    made = paths.generation(run, number)
    if not generation.exists(made):
        raise UserError(f"{made}: is not as it was committed; `make evolve` sets it aside and makes it anew")
    folder = scratch / made.name
    onnx = any(ENGINES[engine].reads_onnx for engine in engines)
    forms = {form for engine in engines if (form := ENGINES[engine].eight_bits_for)}
    net = prepared.prepare(
        made / paths.DEPLOY, made / paths.WEIGHTS, folder, onnx=onnx, shape=shape, eight_bits_for=forms,
        calibration=_calibrated(run, number, images) if forms else None,
    )  # fmt: skip
    return Case(number, folder, measurements.image_shape(net), scratch / f"pycaffe-{number}.npz")


def _calibrated(run: Path, number: int, images: int) -> "Calibration":
    from trt import eight_bits

    return eight_bits.calibrated(run, number, progress.say, images)


def _measured(
    run: Path, engine: str, cases: list[Case], machine: Machine, runs: int, scratch: Path,
    tested: scores.TestImages | None,
) -> list[Measurement]:  # fmt: skip
    """One engine's figures, a generation each; none if it computes something else than pycaffe."""
    with ExitStack() as stack:
        process = stack.enter_context(EngineProcess(engine, machine, scratch / f"{engine}.log"))
        about: dict[int, dict[str, Any]] = {}
        differences: dict[int, float] = {}
        simulated: dict[int, float] = {}
        form = ENGINES[engine].eight_bits_for
        for case in cases:
            outputs = scratch / f"{engine}-{case.number}.npz"
            about[case.number] = process.call(
                "load", number=case.number, folder=str(case.folder), outputs=str(outputs)
            )
            differences[case.number] = difference(outputs, case.expected)
            if form:
                simulated[case.number] = difference(outputs, prepared.simulated(case.folder, form))
        if not _accepted(engine, simulated or differences, about[cases[0].number]["precision"]):
            return []
        timers = {case.number: _timer(process, case.number) for case in cases}
        before = load.busy_cores()
        timings = rounds.measure(timers, runs, lambda seconds: _announce(engine, len(cases), seconds))
        busy = max(before, load.busy_cores())
        found = {case.number: tested.scores(run, case.number, process, scratch) if tested else {} for case in cases}
    device = about[cases[0].number]["device"] or rounds.device()
    return [
        Measurement(
            generation=case.number,
            engine=engine.partition("-")[0],
            precision=about[case.number]["precision"],
            batch=1,
            runs=timings[case.number].runs,
            median_ms=timings[case.number].median_ms,
            p95_ms=timings[case.number].p95_ms,
            fps=round(1000 / timings[case.number].median_ms, 3),
            shape=case.shape,
            threads=0 if engine.startswith("tensorrt") else machine.threads,
            device=device,
            version=about[case.number]["version"],
            difference=differences[case.number],
            busy_cores=busy,
            weights_sha256=measurements.weights_sha256(run, case.number),
            model_bytes=_model_bytes(engine, case.folder, about[case.number]["precision"]),
            scores=found[case.number],
        )
        for case in cases
    ]


def _model_bytes(engine: str, folder: Path, precision: str) -> int:
    """Of the file that the engine reads: its own, an ONNX file, or the caffemodel."""
    known = ENGINES[engine]
    file = folder / f"{precision}.engine"
    if known.reads_onnx:
        form = target.TARGETS.get(engine.partition("-")[0], target.OPENVINO)
        file = prepared.onnx_file(folder, prepared.EIGHT_BITS if known.eight_bits_for else "", form)
    return (file if file.exists() else folder / paths.WEIGHTS).stat().st_size


def _timer(process: EngineProcess, number: int) -> rounds.Timer:
    return lambda calls, samples: process.call("time", number=number, calls=calls, samples=samples)["seconds"]


def _accepted(engine: str, differences: dict[int, float], precision: str) -> bool:
    """Says how far the engine is from pycaffe; whether it computes the same in every generation."""
    worst = max(differences, key=lambda number: differences[number])
    found = f"{differences[worst]:.1e} of the largest value (generation {worst})"
    whose = f"those of its whole numbers in {SIMULATION}" if precision == prepared.EIGHT_BITS else "pycaffe's"
    if agrees(differences[worst], precision):
        progress.say(f"{engine}: outputs are {whose} to {found}")
        return True
    progress.say(
        f"{engine}: outputs differ from {whose} by {found}, more than {LARGEST[precision]:g}: "
        "it computes another function, and is not timed"
    )
    return False


def _announce(engine: str, generations: int, seconds: float) -> None:
    progress.say(f"{engine}: {generations} generations, about {seconds:.0f} s; {rounds.clocks()}")
