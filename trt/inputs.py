"""Real inputs of a net are the first test images of a run's data set, or the arrays of a file that the user gives.

A .npy or .npz file is believed only as far as its length goes: no pickles, no more memory than it holds. NumPy's own
reader takes the memory that a header asks for before it looks whether the file is as long, reads every array of an
archive, and lets through whatever a broken one makes it stumble over.
"""

import math
import tempfile
import tokenize
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy

from evolve.base.counted import counted
from evolve.base.errors import UserError
from evolve.network import shapes
from evolve.runs import generation, made_from, paths
from evolve.runs.metrics import Metrics
from evolve.training.caffe_process import CaffeProcess
from trt.onnx.export import Pair

SHOWN = 200  # letters of what was wrong
_KINDS = "biuf"  # bool, int, unsigned, float
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def read_arrays(path: Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    """The arrays called `names` of a .npz file, as far as it has them; the one of a .npy file, as the first of these.

    Without any of `names` in a .npz file UserError lists what there is; UserError too for any other file.
    """
    try:
        if zipfile.is_zipfile(path):
            return _unpacked(path, names)
        with open(path, "rb") as file:
            return {names[0]: _array(file, path.stat().st_size)}
    except UserError:
        raise
    except Exception as error:  # what a broken archive makes its reader stumble over may be anything
        got = f"{error or type(error).__name__}"[:SHOWN]
        raise UserError(f"{path}: expected a .npy or .npz file of arrays, got: {got}") from None


def _unpacked(path: Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(path) as archive:
        held = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        found = {}
        for name in names:
            if name in held:
                with archive.open(held[name]) as file:
                    found[name] = _array(file, held[name].file_size)
    if not found:
        listed = ", ".join(held)[:SHOWN] or "none"
        raise UserError(f"{path}: expected an array for input '{names[0]}', got {listed}")
    return found


def _array(file: IO[bytes], held: int) -> np.ndarray:
    """The array in `held` bytes; ValueError if it is none of numbers, or longer or shorter than its header says."""
    version = npy.read_magic(file)
    if version not in _HEADERS:
        raise ValueError(f"version {version} of the format")
    try:
        shape, fortran, kind = _HEADERS[version](file)
    except tokenize.TokenError:  # in words that are others in every Python
        raise ValueError("a header that breaks off") from None
    if kind.kind not in _KINDS or min(shape, default=0) < 0:
        raise ValueError(f"{' x '.join(map(str, shape))} of {kind}, where numbers were expected")
    wanted, there = math.prod(shape) * kind.itemsize, held - file.tell()
    if wanted != there:
        raise ValueError(f"{there} bytes for {' x '.join(map(str, shape))} numbers of {kind.itemsize}")
    values = np.frombuffer(file.read(wanted), kind)
    return values.reshape(shape, order="F" if fortran else "C")


COUNT = 32  # images of a run's data set
# What a user can do about inputs that do not serve: of a verb that looks at them, and of one that calibrates on them.
OTHERS_OR_NONE = "INPUTS=file.npy gives others, INPUTS=none builds without looking at any"
OTHERS = "INPUTS=file.npy gives others"

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

    Its read() raises UserError where the data is not there any more, or other data is.
    """
    dataset = Metrics.read(paths.generation(run, number)).dataset
    return Source(
        f"{COUNT} of {dataset.sha256 or run.name}",
        lambda: _of_generation(paths.generation(run, number), dataset.name, pair),
    )


def of_file(path: Path, pair: Pair, remedy: str = OTHERS_OR_NONE) -> Source:
    """The arrays of a .npy (of a net with one input) or .npz file (input blob -> values), as the net is to see them.

    Images along the first axis. UserError, which ends with `remedy`, for another file, names or shapes.
    """
    try:
        return Source(generation.sha256(path), lambda: _of_file(path, pair, remedy))
    except OSError as error:
        raise UserError(f"INPUTS={path}: expected a .npy or .npz file, got {error.strerror}") from None


def input_shapes(pair: Pair) -> dict[str, tuple[int, ...]]:
    """Shape of each input blob of the net, the batch first."""
    return shapes.of_inputs(shapes.infer(pair.net))


def _of_generation(folder: Path, dataset: str, pair: Pair) -> Inputs:
    wanted = input_shapes(pair)
    try:
        made_from.check_generation(folder)
        with tempfile.TemporaryDirectory() as place:
            output, log = Path(place) / "examples.npz", Path(place) / "log"
            with CaffeProcess(folder, log, folder / paths.TRAIN_VAL) as caffe:
                caffe.call("examples", net=paths.TRAIN_VAL, blobs=list(wanted), count=COUNT, output=str(output))
            with np.load(output) as file:
                arrays = dict(file)
    except UserError as error:
        raise UserError(f"the range report found no images of {dataset}: {error}; {OTHERS_OR_NONE}") from None
    return batched(arrays, wanted, f"test images of {dataset}", str(folder), OTHERS_OR_NONE)


def _of_file(path: Path, pair: Pair, remedy: str) -> Inputs:
    wanted = input_shapes(pair)
    try:
        arrays = read_arrays(path, list(wanted))
    except UserError as error:
        raise UserError(f"INPUTS={error}; {remedy}") from None
    return batched(arrays, wanted, f"images of {path.name}", f"INPUTS={path}", remedy)


def batched(arrays: Arrays, wanted: dict[str, tuple[int, ...]], words: str, source: str, remedy: str) -> Inputs:
    """Whole batches of the net's, as many as the arrays hold. UserError, with the `remedy`, where they do not fit."""
    for name, shape in wanted.items():
        if name not in arrays:
            listed = ", ".join(arrays) or "none"
            raise UserError(f"{source}: expected an array for input '{name}', got {listed}; {remedy}")
        found = arrays[name].shape
        if len(found) != len(shape) or found[1:] != shape[1:] or found[0] < shape[0]:
            expected, got = ("x".join(map(str, each)) for each in (shape, found))
            raise UserError(f"{source}: input '{name}': expected {expected} or more images, got {got}; {remedy}")
    count = min(len(arrays[name]) // shape[0] for name, shape in wanted.items())
    with np.errstate(over="ignore"):  # what is too large becomes inf: who minds it says so
        batches = [
            {
                name: arrays[name][k * size : (k + 1) * size].astype(np.float32, copy=False)
                for name, (size, *_) in wanted.items()
            }
            for k in range(count)
        ]
    count = sum(len(each[next(iter(wanted))]) for each in batches)
    return Inputs(counted(count, words.replace("images", "image", 1), words), batches)
