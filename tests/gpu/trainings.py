"""Whole trainings on the GPU, as generation 1's: LeNet-5 on MNIST, and AlexNet on CIFAR-10 as long as time lasts."""

import os
import time
from pathlib import Path
from typing import Any

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from tests.gpu import packed_data
from tests.gpu.session import Result, Session, TimeIsUp

ITERATIONS = 4000  # of LeNet, as prototxt/lenet/evolution.prototxt has them
EPOCHS, BATCH = 30, 128  # of AlexNet
LEAST_ACCURACY = {"lenet": 0.985, "alexnet_cifar10": 0.85}
DATA = {"lenet": "mnist", "alexnet_cifar10": "cifar10"}
TEST_BATCH = 100


def lenet(session: Session) -> Result:
    """Seconds and accuracy."""
    return _run(session, "lenet")


def alexnet(session: Session) -> Result:
    """The same; where time is up before the end, how far it came."""
    if not (session.pack / "data/cifar10").exists():
        return {"skipped": "CIFAR-10 is not in this pack: pack --cifar"}
    return _run(session, "alexnet_cifar10")


def prepared(session: Session, name: str) -> tuple[Path, int, int]:
    """A folder with net and solver of a network, and its LMDBs; iterations in full, and test batches."""
    folder = session.scratch / name
    data, counts = packed_data.lmdbs(DATA[name], session.pack / "data", session.scratch, 200 if session.dry else None)
    iterations = ITERATIONS if name == "lenet" else round(EPOCHS * counts["train"] / BATCH)
    folder.mkdir(parents=True, exist_ok=True)
    places = {"DATA": str(data)}
    source = session.pack / "code/prototxt" / name
    net = prototxt_text.read(source / "train_val.prototxt", caffe_pb2.NetParameter(), places)
    solver = prototxt_text.read(source / "solver.prototxt", caffe_pb2.SolverParameter())
    solver.net, solver.max_iter, solver.random_seed = "net.prototxt", 2 if session.dry else iterations, 1
    solver.snapshot, solver.snapshot_after_train = 0, False
    prototxt_text.write(net, folder / "net.prototxt")
    prototxt_text.write(solver, folder / "solver.prototxt")
    os.chdir(folder)
    return folder, iterations, max(1, counts["test"] // TEST_BATCH)


def _run(session: Session, name: str) -> Result:
    from evolve.training import evaluate, train

    _, iterations, batches = prepared(session, name)
    if session.dry:
        train.train("solver.prototxt", "on_cpu.caffemodel")
    result: Result = {"device": session.gpu(), "iterations": iterations}
    began, seen = time.monotonic(), {}

    def report(progress: dict[str, Any]) -> None:
        seen.update(progress)
        session.in_time()

    try:
        train.train("solver.prototxt", "trained.caffemodel", report=report)
    except TimeIsUp:
        return {**result, "cut short": seen, "seconds": time.monotonic() - began}
    result["seconds"] = time.monotonic() - began
    outputs = evaluate.score("net.prototxt", "trained.caffemodel", batches)["outputs"]
    return {**result, **outputs, "passed": outputs["accuracy"] >= LEAST_ACCURACY[name]}
