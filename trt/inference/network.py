"""A generation at work on one engine, in a process of its own: images go in, outputs come back."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from evolve.base import progress
from evolve.base.machine import Machine
from evolve.runs import paths
from evolve.runs.metrics import Metrics
from trt.speed import prepared
from trt.speed.engines import ENGINES
from trt.speed.process import EngineProcess

if TYPE_CHECKING:
    from trt.calibration import Calibration

Image = NDArray[np.float32]  # (channels, height, width), as the net is to see it
Blobs = dict[str, NDArray[np.float32]]


class Network:
    """A generation that is at work; `describes` names the engine, its version and precision."""

    def __init__(self, process: EngineProcess, place: Path, blob: str, describes: str) -> None:
        self._process, self._place, self._input, self.describes = process, place, blob, describes

    def __call__(self, images: list[Image]) -> Blobs:
        """What the net says of them, by output blob, images along the first axis. UserError in the engine's words."""
        given, answers = self._place / "given.npz", self._place / "answers.npz"
        np.savez(given, **{self._input: np.stack(images)})  # type: ignore[arg-type]
        self._process.call("answer", number=1, inputs=str(given), outputs=str(answers))
        with np.load(answers) as kept:
            return {name: kept[name] for name in kept}


def _calibration(folder: Path, scratch: Path, images: int) -> "Calibration":
    # Needs onnx, which not every engine does.
    from trt import eight_bits

    number = Metrics.read(folder).generation
    return eight_bits.calibrated(folder.parent, number, progress.say, images, instead=scratch)


@contextmanager
def at_work(folder: Path, engine: str, machine: Machine, images: int = 0) -> Iterator[Network]:
    """The deploy net and caffemodel of the generation in `folder` on `engine`, for the block.

    Training `images` calibrate eight bits, by default training_images.COUNT. UserError where the engine is missing, or
    cannot say the net.
    """
    with tempfile.TemporaryDirectory(prefix="cavefish-") as scratch:
        place = Path(scratch)
        known = ENGINES[engine]
        net = prepared.prepare(
            folder / paths.DEPLOY, folder / paths.WEIGHTS, place / "net", onnx=known.reads_onnx,
            calibration=_calibration(folder, place, images) if known.eight_bits_for else None,
            eight_bits_for=[known.eight_bits_for] if known.eight_bits_for else [],
        )  # fmt: skip
        blob = next(layer.top[0] for layer in net.layer if layer.type == "Input")
        with EngineProcess(engine, machine, place / "log") as process:
            said = process.call("load", number=1, folder=str(place / "net"), outputs=str(place / "first.npz"))
            yield Network(process, place, blob, f"{said['version']}, {said['precision']}")
