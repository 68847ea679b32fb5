"""`make bench` times every generation of a run on every engine whose outputs are pycaffe's."""

import os
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from evolve.base import progress
from evolve.base.errors import UserError
from evolve.base.machine import Machine
from evolve.network.axes import ImageShape
from evolve.runs import device_table, generation, load, measurements, paths, run_folder
from trt.speed import one_engine, prepared, rounds, scores
from trt.speed.comparison import LARGEST, SIMULATION
from trt.speed.engines import ENGINES
from trt.speed.one_engine import Case, Order
from trt.speed.process import EngineProcess

if TYPE_CHECKING:
    from trt.calibration import Calibration

ONE_THREAD = Machine(threads=1)

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


def bench(
    run: Path,
    engines: list[str],
    machine: Machine = ONE_THREAD,
    runs: int = 100,
    shape: ImageShape | None = None,
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
    if not os.access(run, os.W_OK):
        raise UserError(
            f"{run}: expected the right to write there, where what is measured is kept, got none; give it, or copy the "
            "run"
        )
    if warning := load.warning(load.busy_cores()):
        progress.say(f"NOTE: {warning}")
    with tempfile.TemporaryDirectory(prefix="cavefish-bench-") as name, ExitStack() as stack:
        scratch = Path(name)
        cases = [_case(run, number, scratch, engines, shape, images) for number in numbers]
        _expect(cases, machine, scratch)
        tested = stack.enter_context(scores.test_images(run, numbers[-1], scratch)) if scored else None
        order = Order(run, cases, machine, runs, scratch, tested)
        return [engine for engine in engines if not _measured(engine, order)]


def _expect(cases: list[Case], machine: Machine, scratch: Path) -> None:
    """Has pycaffe compute what every engine is to."""
    with EngineProcess("caffe", machine, scratch / "pycaffe.log") as pycaffe:
        for case in cases:
            pycaffe.call("load", number=case.number, folder=str(case.folder), outputs=str(case.expected))


def _measured(engine: str, order: Order) -> bool:
    """Measures with one engine, and keeps that at once; False where it is refused."""
    measured = one_engine.measure(engine, order)
    if measured:
        measurements.keep(order.run, measured, PROTOCOL)
        run_folder.write_lineage(order.run)
    return bool(measured)


def take(run: Path, table: Path, shape: ImageShape | None = None) -> None:
    """Keeps what a device measured, its CSV file, as the run's own. UserError if that does not fit the run.

    `shape` is (channels, height, width) of its images, where the table does not say it.
    """
    said = "x".join(map(str, shape)) if shape else ""
    measurements.keep(run, device_table.read(table, run, said), PROTOCOL)
    run_folder.write_lineage(run)


def _case(
    run: Path, number: int, scratch: Path, engines: list[str], shape: ImageShape | None, images: int
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
