"""A solver's prototxt: read, and what Caffe would say of it only once it trains, or not at all, found before."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.spelling import did_you_mean

TYPES = ("SGD", "Nesterov", "AdaGrad", "RMSProp", "AdaDelta", "Adam")
_OLD_TYPES = ("SGD", "Nesterov", "AdaGrad", "RMSProp", "AdaDelta", "Adam")  # in the order of the enum
POLICIES = ("fixed", "step", "exp", "inv", "multistep", "poly", "sigmoid")  # SGDSolver::GetLearningRate


@dataclass(frozen=True)
class Solver:
    """A solver as its user wrote it."""

    file: Path
    parameter: Any  # caffe_pb2.SolverParameter

    def problems(self) -> list[str]:
        """What no training could run with, each as ``file: field: expected …, got …; do …``."""
        return [f"{self.file}: {problem}" for problem in problems(self.parameter)]


def read(file: Path) -> Solver:
    """UserError naming file and line where it is missing or mistyped."""
    solver = prototxt_text.read(file, caffe_pb2.SolverParameter())
    if solver.HasField("solver_type") and not solver.HasField("type"):
        # The form of 2015, as Caffe itself reads it (UpgradeSolverType).
        solver.type = _OLD_TYPES[solver.solver_type]
        solver.ClearField("solver_type")
    return Solver(file, solver)


def problems(solver: Any) -> list[str]:
    """Each as ``field: expected …, got …; do …`` of a caffe_pb2.SolverParameter."""
    found = []
    if solver.HasField("type") and solver.type not in TYPES:
        near = did_you_mean(solver.type, TYPES, "write one of these")
        found.append(f"type: expected one of {', '.join(TYPES)}, got '{solver.type}'; {near}")
    if solver.lr_policy not in POLICIES:
        got = f"'{solver.lr_policy}'" if solver.lr_policy else "none"
        near = did_you_mean(solver.lr_policy, POLICIES, "write one of these")
        found.append(f"lr_policy: expected one of {', '.join(POLICIES)}, got {got}; {near}")
    if not 0 < solver.base_lr < math.inf:
        got = f"{solver.base_lr:g}" if solver.HasField("base_lr") else "none"
        found.append(f"base_lr: expected above 0, got {got}; 0.01 is a usual one for SGD, 0.001 for Adam")
    if not 0 <= solver.momentum < 1:
        found.append(f"momentum: expected 0 to below 1, got {solver.momentum:g}; 0.9 is usual")
    if not 0 <= solver.weight_decay < math.inf:
        found.append(f"weight_decay: expected 0 or more, got {solver.weight_decay:g}; 0.0005 is usual")
    if solver.iter_size < 1:
        found.append(f"iter_size: expected 1 or more, got {solver.iter_size}; leave it out for 1")
    if solver.lr_policy == "step" and solver.stepsize < 1:
        found.append(f"stepsize: expected 1 or more for lr_policy step, got {solver.stepsize}; write the iterations")
    return found
