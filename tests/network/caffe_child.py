"""Real Caffe in a process of its own: whatever it aborts on, pytest goes on."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evolve.base import prototxt_text
from evolve.network import weights
from evolve.network.weights import Weights
from tests.forks import FORKS

_SCRIPT = """
import json, caffe, numpy
for number, (phase, has_weights) in enumerate(json.load(open("jobs.json"))):
    net = caffe.Net(f"{number}.prototxt", getattr(caffe, phase))
    if has_weights:
        net.copy_from(f"{number}.caffemodel")
        net.blobs["data"].data[...] = numpy.load(f"{number}.npy")
        net.forward()
    numpy.savez(f"{number}.npz", **{name: blob.data for name, blob in net.blobs.items()})
    layers = [(name, layer.type) for name, layer in zip(net._layer_names, net.layers)]
    json.dump(layers, open(f"{number}.json", "w"))
"""


@dataclass
class Job:
    """A net to load; with weights and an image, to run too."""

    net: Any
    weights: Weights | None = None
    image: np.ndarray | None = None
    phase: str = "TEST"


@dataclass
class Loaded:
    """What Caffe made of it."""

    blobs: dict[str, np.ndarray]
    layers: list[tuple[str, str]]  # names and types


def run(folder: Path, jobs: list[Job]) -> list[Loaded]:
    """Loads and runs all `jobs` in one child, in `folder`."""
    for number, job in enumerate(jobs):
        prototxt_text.write(job.net, folder / f"{number}.prototxt")
        if job.weights is not None and job.image is not None:
            weights.write(folder / f"{number}.caffemodel", job.net, job.weights)
            np.save(folder / f"{number}.npy", job.image)
    (folder / "jobs.json").write_text(json.dumps([(job.phase, job.weights is not None) for job in jobs]))
    child = FORKS.script(_SCRIPT, folder=folder, GLOG_minloglevel="2")
    assert child.returncode == 0, child.stderr
    return [_loaded(folder, number) for number in range(len(jobs))]


def _loaded(folder: Path, number: int) -> Loaded:
    with np.load(folder / f"{number}.npz") as blobs:
        layers = [tuple(layer) for layer in json.loads((folder / f"{number}.json").read_text())]
        return Loaded(dict(blobs), layers)
