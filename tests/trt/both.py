"""The same nets through real Caffe, in a child, and through ONNX Runtime: every output, and how far they are apart."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from evolve.base import prototxt_text
from evolve.network import shapes, weights
from evolve.network.weights import Weights
from tests.forks import FORKS

Images = dict[str, np.ndarray]

_SCRIPT = """
import os, sys, caffe, numpy
for number in range(int(sys.argv[1])):
    trained = [f"{number}.caffemodel"] if os.path.exists(f"{number}.caffemodel") else []
    net = caffe.Net(f"{number}.prototxt", *trained, caffe.TEST)
    for name, image in numpy.load(f"{number}.in.npz").items():
        net.blobs[name].data[...] = image
    net.forward()
    numpy.savez(f"{number}.out.npz", **{name: net.blobs[name].data for name in net.outputs})
"""


@dataclass
class Case:
    """A deploy net with weights, and what it is shown."""

    net: Any
    weights: Weights
    images: Images


def caffe(folder: Path, cases: list[Case]) -> list[Images]:
    """The outputs of each net as stock Caffe computes them."""
    for number, case in enumerate(cases):
        prototxt_text.write(case.net, folder / f"{number}.prototxt")
        if case.weights:
            weights.write(folder / f"{number}.caffemodel", case.net, case.weights)
        np.savez(folder / f"{number}.in.npz", **case.images)  # type: ignore[arg-type]
    child = FORKS.script(_SCRIPT, str(len(cases)), folder=folder, GLOG_minloglevel="2")
    assert child.returncode == 0, child.stderr[-3000:]
    made = []
    for number in range(len(cases)):
        with np.load(folder / f"{number}.out.npz") as blobs:
            made.append(dict(blobs))
    return made


def runtime(model: Any, images: Images) -> Images:
    """The outputs as ONNX Runtime computes them, on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    asked = {each.name for each in session.get_inputs()}
    names = [each.name for each in session.get_outputs()]
    fed = {name: image for name, image in images.items() if name in asked}
    return dict(zip(names, session.run(names, fed), strict=True))


def gap(one: np.ndarray, other: np.ndarray, least: float = 0.01) -> float:
    """The largest difference, relative to the largest value; to `least` where all values are next to nothing."""
    assert one.shape == other.shape
    return float(np.abs(one - other).max() / max(np.abs(one).max(), least))


def filled(net: Any, random: np.random.Generator) -> Weights:
    """Weights with which numbers keep their size from layer to layer: He's deviations; factors around 1."""
    made: Weights = {}
    for step in shapes.infer(net):
        blobs = [_filled(step.layer.type, number, shape, random) for number, shape in enumerate(step.blob_shapes)]
        if blobs:
            made[step.layer.name] = [np.asarray(blob, np.float32) for blob in blobs]
    return made


def _filled(kind: str, number: int, shape: tuple[int, ...], random: np.random.Generator) -> Any:
    if kind == "BatchNorm":
        return [lambda: random.normal(size=shape) * 5, lambda: 3 + 5 * random.random(shape), lambda: [5.0]][number]()
    if kind == "Scale" and number == 0:
        return 1 + 0.1 * random.normal(size=shape)
    deviation = (2 / np.prod(shape[1:])) ** 0.5 if len(shape) > 1 and kind != "Embed" else 0.1
    return random.normal(size=shape) * deviation


def images(net: Any, random: np.random.Generator) -> Images:
    """Normal numbers for every input."""
    sources = [step for step in shapes.infer(net) if step.layer.type == "Input"]
    named = [pair for step in sources for pair in zip(step.layer.top, step.tops, strict=True)]
    return {top: random.normal(size=shape).astype(np.float32) for top, shape in named}
