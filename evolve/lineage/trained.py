"""Training in a workspace: Caffe's process at work there, what it is told, and the caffemodel that it leaves."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from evolve.base import progress, prototxt_text, records
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.lineage.workspace import Workspace
from evolve.network import phases, reach, resize, weights
from evolve.runs import paths, run_folder
from evolve.runs.metrics import Training
from evolve.training.caffe_process import CaffeProcess


@contextmanager
def caffe_in(workspace: Workspace) -> Iterator[CaffeProcess]:
    """A process of Caffe that works in the workspace's folder, and ends with the block or when it is to stop.

    Or the one that the workspace brings, which goes on.
    """
    if workspace.caffe:
        workspace.caffe.call("move", folder=str(workspace.folder))
        yield workspace.caffe
        return
    log = workspace.folder / paths.TRAIN_LOG
    with (
        CaffeProcess(workspace.folder, log, workspace.experiment.train_val, workspace.machine) as caffe,
        workspace.stop.by(caffe.kill),
    ):
        yield caffe


def train(
    workspace: Workspace, caffe: CaffeProcess, solver: str = paths.SOLVER, output: str = paths.TRAINED,
    genome: str = "", part: str = "",
) -> Training:  # fmt: skip
    """Trains what `solver` says, from the caffemodel `genome` or from fillers, to `output`; returns how it went.

    All are names in the workspace's folder. `part` is what this training is called, where it is one of several.
    UserError where it diverged.
    """
    # Its snapshots are called after that data.
    workspace.check_data()
    settings = workspace.experiment.settings
    if why := caffe.call("layers").get("why"):
        progress.say_once(f"NOTE: on stock Caffe's layers, several times slower: {why}")
    title = f"{workspace.training_title} ({part})" if part else workspace.training_title
    with progress.training(title, _ahead(workspace)) as report:
        answer = caffe.call(
            "train",
            report,
            solver=solver,
            output=output,
            genome=genome,
            # What was trained just before is not its parent's: it goes on.
            inherit=workspace.number == 1 or settings.inherit_weights,
            # Nothing was drawn of an ancestor, and nothing silenced.
            silent=_silent(workspace, genome) if workspace.number > 1 else {},
            # Beside the folder that is made anew whenever a generation is begun again.
            snapshots=str(workspace.snapshots / part),
            data=workspace.dataset.sha256,
            as_cast_to=settings.Precision.Name(settings.precision) if settings.train_as_cast else "",
        )
    if how := answer.get("diverged"):
        raise UserError(f"{how}; {_slower(workspace)}")
    training = records.read(Training, answer, "training")
    if training.revived:
        raise AssertionError(f"{workspace.title}: {training.revived} absent synapses came back in training")
    return training


def _silent(workspace: Workspace, genome: str) -> dict[str, list[list[int]]]:
    """The factors and shifts of channels that no way leads to: their places in each blob, by layer."""
    graph = workspace.graph(prototxt_text.read(workspace.folder / paths.TRAIN_VAL, caffe_pb2.NetParameter()))
    if not any(node.learned for node in graph.nodes):
        return {}
    found = resize.silent(graph, reach.alive(graph, weights.read(workspace.folder / genome)))
    return {
        name: [np.flatnonzero(blob).tolist() for blob in blobs]
        for name, blobs in found.items()
        if any(blob.any() for blob in blobs)
    }


def _slower(workspace: Workspace) -> str:
    """What to do where training diverged. A run keeps the solver that something was made with."""
    lower = f"lower {workspace.experiment.solver(workspace.number).rate}"
    keeps = run_folder.has_begun(workspace.run) and not workspace.few
    return f"{lower}; then begin another run with RUN=" if keeps else lower


def _ahead(workspace: Workspace) -> int:
    """Iterations that the run still has before it once this training is done."""
    net = prototxt_text.read(workspace.folder / paths.TRAIN_VAL, caffe_pb2.NetParameter())
    iter_size = max(1, workspace.experiment.solver(workspace.number).parameter.iter_size)
    return workspace.iterations_ahead(phases.batch_size(phases.data_layer(net, "TRAIN")) * iter_size)
