"""The prototxts of a generation: what it is trained, deployed and solved by."""

from typing import Any

from evolve import paths, settings
from evolve.network import prototxt, text
from evolve.network.caffe_proto import caffe_pb2
from evolve.newborn import Birth


def write(birth: Birth, net: prototxt.Net) -> None:
    """train_val, deploy and solver of `net` into birth.folder."""
    test = prototxt.data_layer(net, "TEST")
    shape = prototxt.example_shape(test, birth.dataset.shape)
    title = f"{birth.experiment.name}, generation {birth.number}"
    text.write(net, birth.folder / paths.TRAIN_VAL, title)
    heading = f"{title}\ninput: {prototxt.preprocessing(test)}"
    text.write(prototxt.deploy(net, shape), birth.folder / paths.DEPLOY, heading)
    text.write(solver_of(birth, net), birth.folder / paths.SOLVER, title)


def solver_of(birth: Birth, net: prototxt.Net, file: str = paths.TRAIN_VAL) -> Any:
    """The generation's solver for `net`, which is `file` beside it: caffe_pb2.SolverParameter."""
    solver = caffe_pb2.SolverParameter()
    solver.CopyFrom(birth.experiment.solver(birth.number))
    # Generations are scored once, after the cast; of Caffe's own files, snapshots are made, and are ours to place.
    for field in ("train_net", "test_net", "test_iter", "test_interval", "snapshot_prefix"):
        solver.ClearField(field)
    solver.net = file
    solver.snapshot_after_train = False
    solver.random_seed = birth.solver_seed
    batch = prototxt.batch_size(prototxt.data_layer(net, "TRAIN")) * max(1, solver.iter_size)
    length = settings.training_length(birth.experiment.settings, birth.number, birth.dataset.name)
    solver.max_iter = length.iterations(birth.dataset.counts["train"], batch)
    if not solver.HasField("solver_mode"):
        solver.solver_mode = solver.CPU
    return solver
