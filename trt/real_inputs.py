"""Real inputs of a net: the first test images of a run's data set, or the arrays of a file that the user gives."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evolve import generation, paths
from evolve.errors import UserError
from evolve.network import shapes
from evolve.training.caffe_process import CaffeProcess
from trt import array_file
from trt.onnx_export import Pair

COUNT = 32  # images of a run's data set
_REMEDY = "INPUTS=file.npy gives others, INPUTS=none builds without looking at any"

Arrays = dict[str, np.ndarray]  # input blob -> values, images along the first axis


@dataclass(frozen=True)
class Inputs:
    """What a net is shown, in its own batches; `words` say what that is."""

    words: str
    batches: list[Arrays]


@dataclass(frozen=True)
class Source:
    """Where inputs come from: read only when they are looked at; the same `digest` gives the same inputs."""

    digest: str
    read: Callable[[], Inputs]


def of_generation(run: Path, number: int, pair: Pair) -> Source:
    """The first test images of the run's data set, through the net's own layers in real Caffe.

    Its read() raises UserError, in Caffe's words, where the data is not there any more or of another shape.
    """
    dataset = generation.metrics(paths.generation(run, number)).get("dataset", {})
    return Source(
        f"{COUNT} of {dataset.get('sha256', run.name)}",
        lambda: _of_generation(paths.generation(run, number), dataset.get("name", "the run's data set"), pair),
    )


def of_file(path: Path, pair: Pair) -> Source:
    """The arrays of a .npy (of a net with one input) or .npz file (input blob -> values), as the net is to see them.

    Images along the first axis. UserError for another file, names or shapes.
    """
    try:
        return Source(generation.sha256(path), lambda: _of_file(path, pair))
    except OSError as error:
        raise UserError(f"INPUTS={path}: expected a .npy or .npz file, got {error.strerror}") from None


def input_shapes(pair: Pair) -> dict[str, tuple[int, ...]]:
    """Shape of each input blob of the net, the batch first."""
    sources = [step for step in shapes.infer(pair.net) if step.layer.type == "Input"]
    return {top: shape for step in sources for top, shape in zip(step.layer.top, step.tops, strict=True)}


def _of_generation(folder: Path, dataset: str, pair: Pair) -> Inputs:
    wanted = input_shapes(pair)
    try:
        with tempfile.TemporaryDirectory() as place:
            output, log = Path(place) / "examples.npz", Path(place) / "log"
            with CaffeProcess(folder, log, folder / paths.TRAIN_VAL) as caffe:
                caffe.call("examples", net=paths.TRAIN_VAL, blobs=list(wanted), count=COUNT, output=str(output))
            with np.load(output) as file:
                arrays = dict(file)
    except UserError as error:
        raise UserError(f"the range report found no images of {dataset}: {error}; {_REMEDY}") from None
    return _batched(arrays, wanted, f"test images of {dataset}", str(folder))


def _of_file(path: Path, pair: Pair) -> Inputs:
    wanted = input_shapes(pair)
    try:
        arrays = array_file.read(path, list(wanted))
    except UserError as error:
        raise UserError(f"INPUTS={error}; {_REMEDY}") from None
    return _batched(arrays, wanted, f"images of {path.name}", f"INPUTS={path}")


def _batched(arrays: Arrays, wanted: dict[str, tuple[int, ...]], words: str, source: str) -> Inputs:
    """Whole batches of the net's, as many as the arrays hold. UserError where they do not fit the net."""
    for name, shape in wanted.items():
        if name not in arrays:
            listed = ", ".join(arrays) or "none"
            raise UserError(f"{source}: expected an array for input '{name}', got {listed}; {_REMEDY}")
        found = arrays[name].shape
        if len(found) != len(shape) or found[1:] != shape[1:] or found[0] < shape[0]:
            expected, got = ("x".join(map(str, each)) for each in (shape, found))
            raise UserError(f"{source}: input '{name}': expected {expected} or more images, got {got}; {_REMEDY}")
    count = min(len(arrays[name]) // shape[0] for name, shape in wanted.items())
    batches = [
        {name: arrays[name][k * size : (k + 1) * size].astype(np.float32) for name, (size, *_) in wanted.items()}
        for k in range(count)
    ]
    return Inputs(f"{sum(len(each[next(iter(wanted))]) for each in batches)} {words}", batches)
