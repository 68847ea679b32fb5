"""Absent synapses stay absent on the GPU, and what the mask costs there: on the device, through the host, or none."""

import time
from pathlib import Path
from typing import Any

import numpy as np

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.network import weights
from evolve.training import mask_on_gpu
from tests.bench.speed import case
from tests.gpu import trainings
from tests.gpu.session import Result, Session

ITERATIONS = 300
ABSENT = 0.7


def run(session: Session) -> Result:
    """LeNet of which seven kernels in ten are absent: weights revived, beside the processor's, and milliseconds."""
    from evolve.training import train

    trainings.prepared(session, "lenet")
    iterations = 2 if session.dry else ITERATIONS
    _shortened(iterations)
    _genome()
    began = time.monotonic()
    on_cpu = train.train("solver.prototxt", "cpu.caffemodel", "genome.caffemodel")
    assert on_cpu["revived"] == 0, on_cpu
    result: Result = {"ms": {"cpu, masked": _ms(began, iterations)}, "device": session.gpu()}
    on_host = mask_on_gpu.available
    for how, kept, available in (
        ("warm up", True, on_host), ("on the device", True, on_host),
        ("through the host", True, lambda caffe: False), ("no mask", False, on_host),
    ):  # fmt: skip
        mask_on_gpu.available = available
        began = time.monotonic()
        answer = train.train("solver.prototxt", f"{how}.caffemodel", "genome.caffemodel", keep_absent=kept)
        result["ms"][how], result[f"revived, {how}"] = _ms(began, iterations), answer["revived"]
    mask_on_gpu.available = on_host
    # Recorded, not judged: what differs in last bits at first does not in the end.
    result["weights"] = case.difference(_all("on the device.caffemodel"), _all("cpu.caffemodel"))
    held = result["revived, on the device"] == result["revived, through the host"] == 0 < result["revived, no mask"]
    return {**result, "passed": held}


def _shortened(iterations: int) -> None:
    solver = prototxt_text.read(Path("solver.prototxt"), caffe_pb2.SolverParameter())
    solver.max_iter = iterations
    prototxt_text.write(solver, Path("solver.prototxt"))


def _genome() -> None:
    """Weights of the fillers, most kernels of which are zeros."""
    import caffe

    caffe.set_random_seed(1)
    caffe.Net("net.prototxt", caffe.TRAIN).save("fillers.caffemodel")
    random, drawn = np.random.default_rng(1), weights.read(Path("fillers.caffemodel"))
    for blobs in drawn.values():
        blobs[0][random.random(blobs[0].shape[:2]) < ABSENT] = 0
    net: Any = prototxt_text.read(Path("net.prototxt"), caffe_pb2.NetParameter())
    weights.write(Path("genome.caffemodel"), net, drawn)


def _all(file: str) -> np.ndarray:
    return np.concatenate([blob.ravel() for blobs in weights.read(Path(file)).values() for blob in blobs])


def _ms(began: float, iterations: int) -> float:
    """Of one iteration, making and saving nets included."""
    return 1000 * (time.monotonic() - began) / iterations
