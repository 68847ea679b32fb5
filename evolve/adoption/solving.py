"""A stranger's solver without what a run sets itself, and without what Caffe would not train with."""

from typing import Any

from evolve.base.caffe_messages import caffe_pb2
from evolve.lineage.solver import WITHOUT_MOMENTUM

_USUAL = {"type": "SGD", "base_lr": 0.01, "momentum": 0.9, "weight_decay": 0.0005, "lr_policy": "fixed"}
_NETS = ("net", "net_param", "train_net", "train_net_param", "test_net", "test_net_param")
# Set anew for every generation, or of no use to one: it is scored once, and Cavefish keeps its own snapshots.
_OF_RUNS = (
    "train_state", "test_state", "test_iter", "test_interval", "test_initialization", "test_compute_loss", "max_iter",
    "snapshot", "snapshot_prefix", "snapshot_format", "snapshot_after_train", "snapshot_diff", "random_seed",
    "device_id", "debug_info", "layer_wise_reduce", "weights",
)  # fmt: skip


def ours(given: Any, name: str) -> tuple[Any, list[str]]:
    """The solver to write, from `given`, a caffe_pb2.SolverParameter or None; and what is said of it.

    `name` is what its file is called.
    """
    solver, notes = caffe_pb2.SolverParameter(), list[str]()
    if given is None:
        for field, value in _USUAL.items():
            setattr(solver, field, value)
        solver.solver_mode = solver.CPU
        return solver, ["solver: none given; SGD at a rate of 0.01, momentum 0.9: yours to choose"]
    solver.CopyFrom(given)
    gone = [field.name for field, _ in solver.ListFields() if field.name in (*_NETS, *_OF_RUNS)]
    for field in gone:
        solver.ClearField(field)
    notes.append(f"solver: {name}, left out what a run sets itself: {', '.join(gone) or 'nothing'}")
    if solver.type in WITHOUT_MOMENTUM and solver.momentum:
        notes.append(f"solver: momentum {solver.momentum:g} left out, {solver.type} knows none")
        solver.ClearField("momentum")
    if solver.solver_mode != solver.CPU or not solver.HasField("solver_mode"):
        notes.append("solver: solver_mode CPU, which a run trains on")
    solver.solver_mode = solver.CPU
    return solver, notes
