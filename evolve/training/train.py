"""Retraining is Caffe's own solver's, and what is absent stays absent. Runs in the worker.

Caffe calls back between the gradients and the update. There the gradient of every absent synapse is set to zero.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import caffe
import numpy as np

import fastcaffe
from evolve.base import machine, prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.detectnet import nvidia
from evolve.network import weights
from evolve.runs import generation, paths
from evolve.training import mask_on_gpu, snapshots
from evolve.training.as_cast import AsCast
from evolve.training.mask import Mask, Silent, only_absent_are_zero
from evolve.training.snapshots import Snapshots, read_solver, save_net

_SECONDS_BETWEEN_REPORTS = 0.5


def train(
    solver: str, output: str, genome: str = "", inherit: bool = True, keep_absent: bool = True,
    silent: Silent | None = None, snapshots: str = "", data: str = "", as_cast_to: str = "",
    report: Callable[[dict[str, Any]], None] = lambda progress: None,
) -> dict[str, Any]:  # fmt: skip
    """Trains the net of a solver prototxt to its max_iter and saves it as caffemodel `output`.

    `genome` is the caffemodel that says which synapses exist, and with `inherit` what they start from; without
    it the net's fillers do. `silent` is what of Scale and Bias stays zero (see Mask). Reports iteration and loss.
    `keep_absent` False leaves the solver alone, for measuring what the mask costs. The solver's `snapshot` is how often
    one is made in folder `snapshots`, from which the same call goes on, if `data`, whatever tells the data set from
    others, is the same too. `as_cast_to` is a precision: passes see the weights cast to it, updates go to those of 32
    bits (the straight-through estimator of Bengio and others, arXiv 1308.3432). Where it diverges, nothing is saved,
    and the answer is how: `diverged`.
    """
    masked, asked = bool(genome) and keep_absent, read_solver(Path(solver))
    weights_there = weights.read(Path(genome)) if genome else {}
    net = prototxt_text.read(Path(asked.net), caffe_pb2.NetParameter())
    # What a cast or a filler makes zero is not absent: its gradient is asked for.
    fastcaffe.absent_stays_absent(masked and not as_cast_to and only_absent_are_zero(net, weights_there, inherit))
    # Caffe's debug_info tells of every blob; nobody else reads those between the layers of this net.
    with _blobs_between_unread(masked and not asked.debug_info):
        training, kept = _begin(solver, genome, Path(snapshots), data)
    mask = Mask(training.net, weights_there, silent)
    del weights_there  # as large as the net itself
    if genome and inherit:
        training.net.copy_from(genome)
    loss, before = kept.restore(training, _saying(report))
    resumed = training.iter
    if keep_absent:
        mask.on_weights()
        training.add_callback(lambda: None, _between(mask))
    if as_cast_to:
        seen = AsCast(training.net, Path(solver), as_cast_to)
        training.add_callback(seen.cast, seen.restore)
    began = time.monotonic() - before
    try:
        loss = _step_to_the_end(training, kept, report, loss, began)
    except FloatingPointError as error:
        return {"diverged": str(error)}
    seconds = time.monotonic() - began
    save_net(training.net, Path(output))
    return {
        "iterations": training.iter, "seconds": seconds, "loss": loss if math.isfinite(loss) else None,
        "revived": mask.revived(), "resumed": resumed,
    }  # fmt: skip


@contextmanager
def _blobs_between_unread(promised: bool) -> Iterator[None]:
    """Promises it of nets that are made in the block alone, however that ends: those of later tasks are read."""
    fastcaffe.blobs_between_unread(promised)
    try:
        yield
    finally:
        fastcaffe.blobs_between_unread(False)


def _between(mask: Mask) -> Callable[[], None]:
    """What becomes of the gradients before the update."""
    on_gpu = machine.of_this_process().gpu is not None and mask_on_gpu.available(caffe)
    if not (mask.blobs and on_gpu):
        return mask.on_gradients
    return mask_on_gpu.on_gradients(mask, mask_on_gpu.CaffesGpu(caffe))


def _begin(path: str, genome: str, folder: Path, data: str) -> tuple[Any, Snapshots]:
    """The solver, its data where a training that goes on left it, and its snapshots."""
    solver = read_solver(Path(path))
    theirs = nvidia.has_layers(caffe.layer_type_list(), caffe_pb2.LayerParameter.DESCRIPTOR)
    if not (solver.snapshot or theirs):
        return caffe.get_solver(path), Snapshots(folder, 0, "", 0)
    net = prototxt_text.read(Path(solver.net), caffe_pb2.NetParameter())
    if theirs:
        net = nvidia.trained_by(net)
    inherited = generation.sha256(Path(genome)) if genome else ""
    kept = Snapshots(folder, solver.snapshot, snapshots.identity(solver, net, inherited, data), solver.random_seed)
    begun, skipped = snapshots.moved(net, kept.newest() * max(1, solver.iter_size))
    solver.snapshot_prefix, solver.snapshot, solver.net = kept.prefix, 0, paths.TRAINING_NET
    prototxt_text.write(begun, Path(solver.net))
    prototxt_text.write(solver, Path(paths.TRAINING_SOLVER))
    training = caffe.get_solver(paths.TRAINING_SOLVER)
    snapshots.skip(training.net, skipped)
    return training, kept


def _step_to_the_end(
    training: Any, kept: Snapshots, report: Callable[[dict[str, Any]], None], loss: float, began: float
) -> float:
    """The last iteration's loss: `loss` where a training goes on that was at its end. `began` is time.monotonic()'s.

    FloatingPointError, which says how, where it diverges.
    """
    last, steps = training.param.max_iter, 1
    while training.iter < last:
        started = time.monotonic()
        limit = min(last, kept.limit(training.iter)) if kept.every else last
        training.step(min(steps, limit - training.iter))
        loss = _loss(training.net)
        _refuse_divergence(training, loss, is_last=training.iter >= last)
        report({"iteration": training.iter, "of": last, "loss": loss})
        pace = (time.monotonic() - started) / steps
        steps = max(1, min(2 * steps, int(_SECONDS_BETWEEN_REPORTS / max(pace, 1e-6))))
        kept.save(training, loss, time.monotonic() - began, _saying(report))
    return loss


def _saying(report: Callable[[dict[str, Any]], None]) -> Callable[[str], None]:
    """What says a line of words."""
    return lambda words: report({"words": words})


def _refuse_divergence(training: Any, loss: float, is_last: bool) -> None:
    """FloatingPointError for a loss that is no number; after the last update, which no loss tells of, for weights."""
    wrong = "" if math.isfinite(loss) else f"the loss is {loss}"
    if is_last and not wrong:
        blobs = ((name, blob) for name, each in training.net.params.items() for blob in each)
        lost = next((name for name, blob in blobs if not np.isfinite(blob.data).all()), "")
        wrong = f"layer '{lost}' has weights that are no finite numbers" if lost else ""
    if wrong:
        raise FloatingPointError(f"{wrong} at iteration {training.iter}: training diverged")


def _loss(net: Any) -> float:
    return float(sum(weight * net.blobs[blob].data.sum() for blob, weight in net.blob_loss_weights.items() if weight))
