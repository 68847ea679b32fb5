"""The GPU computes what the processor does: losses and weights of the first iterations, the same images, no Dropout."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench.speed import case
from tests.bench.speed.networks import NETWORKS, write_case
from tests.gpu.session import Result, Session

ITERATIONS = 3
# Relative. The first loss comes of the same weights; a ReLU that flips at a last bit moves what follows.
FIRST_LOSS, WEIGHTS = 1e-5, 1e-3


def run(session: Session) -> Result:
    """Differences of each network; `passed` if every one is within the limits."""
    names = list(NETWORKS)[: 1 if session.dry else None]
    folders = {name: session.scratch / "agree" / name for name in names}
    for name, folder in folders.items():
        write_case(NETWORKS[name], folder)
    iterations = 1 if session.dry else ITERATIONS
    on_cpu = {name: _trained(folder, iterations) for name, folder in folders.items()}
    result: Result = {"device": session.gpu(), "iterations": iterations}
    for name, folder in folders.items():
        result[name] = _differences(on_cpu[name], _trained(folder, iterations))
    far = [name for name in names if result[name]["first loss"] > FIRST_LOSS or result[name]["weights"] > WEIGHTS]
    return {**result, "passed": not far}


def _trained(folder: Path, iterations: int) -> tuple[list[float], np.ndarray]:
    """The loss of each iteration, and all weights after the last."""
    import caffe

    os.chdir(folder)  # the solver names its net
    solver = caffe.get_solver(case.CHECKED_SOLVER)
    for blob, values in case.load(folder, case.TRAIN_INPUTS).items():
        solver.net.blobs[blob].data[...] = values
    losses = []
    for _ in range(iterations):
        solver.step(1)
        losses.append(_loss(solver.net))
    return losses, np.concatenate([blob.data.ravel() for blobs in solver.net.params.values() for blob in blobs])


def _loss(net: Any) -> float:
    return float(sum(weight * net.blobs[blob].data.sum() for blob, weight in net.blob_loss_weights.items() if weight))


def _differences(cpu: tuple[list[float], np.ndarray], gpu: tuple[list[float], np.ndarray]) -> Result:
    relative = [abs(there - here) / abs(here) for here, there in zip(cpu[0], gpu[0], strict=True)]
    return {
        "losses": {"cpu": cpu[0], "gpu": gpu[0]}, "first loss": relative[0], "last loss": relative[-1],
        "weights": case.difference(gpu[1], cpu[1]),
    }  # fmt: skip
