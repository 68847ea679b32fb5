"""A network in eight bits: calibrated on real images, and said in ONNX in the form for an engine."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from evolve.runs import paths
from trt import calibration as calibrations
from trt import training_images
from trt.calibration import Calibration
from trt.onnx import export
from trt.onnx.export import Pair
from trt.onnx.target import Target


def calibrated(
    run: Path, number: int, say: Callable[[str], None], images: int = 0, instead: Path | None = None,
    remedy: str = training_images.REMEDY,
) -> Calibration:  # fmt: skip
    """A generation's calibration on training images, kept with its run; it holds for any size of image.

    It is kept in the folder `instead` where nobody may write into the run. `images` of them, by default
    training_images.COUNT. UserError where the data set is not there any more, with the user's `remedy`.
    """
    # At its own size: it is that size that there are images of.
    pair = export.read_generation(run, number)
    name = f"{paths.generation(run, number).name}{calibrations.SUFFIX}"
    source = training_images.of_generation(run, number, pair, images, remedy)
    return calibrations.of(pair, source, run / name, say, instead / name if instead else None)


def model(pair: Pair, calibration: Calibration, target: Target, wide: frozenset[str] = frozenset()) -> Any:
    """The onnx.ModelProto; layers `wide`, and those whose error is too large, stay in 32 bits.

    UserError naming the layer for what ONNX cannot say, or where the calibration is another net's.
    """
    words = pair.words | {"calibration": f"{calibration.method}, {calibration.seen_on}"}
    ranges = {value: (low, high) for value, (low, high) in calibration.ranges.items()}
    return replace(pair, words=words).onnx(
        in_32_bits=wide | calibration.in_32_bits(), target=target, ranges=ranges
    )
