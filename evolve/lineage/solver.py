"""A solver's prototxt: read, and what Caffe would say of it only once it trains, or not at all, found before."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.spelling import did_you_mean

TYPES = ("SGD", "Nesterov", "AdaGrad", "RMSProp", "AdaDelta", "Adam")
POLICIES = ("fixed", "step", "exp", "inv", "multistep", "poly", "sigmoid")  # SGDSolver::GetLearningRate
WITHOUT_MOMENTUM = ("AdaGrad", "RMSProp")  # CHECK in their solvers
_REGULARIZATIONS = ("L1", "L2")  # SGDSolver::Regularize
_OF_GRADIENTS = ("AdaGrad", "RMSProp", "AdaDelta", "Adam")  # divide by what the gradients were
_NETS = ("net_param", "train_net_param", "test_net_param")


@dataclass(frozen=True)
class Solver:
    """A solver as its user wrote it."""

    file: Path
    parameter: Any  # caffe_pb2.SolverParameter
    text: str = ""

    def problems(self) -> list[str]:
        """What no training could run with, each as ``file:line: field: expected …, got …; do …``."""
        return [self.located(problem) for problem in problems(self.parameter)]

    def located(self, problem: str) -> str:
        """``file:line: `` before what begins with a field's name; without a line where the field is not written."""
        line = prototxt_text.line_of_field(self.text, problem.split(":")[0])
        return f"{self.file}:{line}: {problem}" if line else f"{self.file}: {problem}"

    @property
    def rate(self) -> str:
        """``file:line: base_lr: 0.01``, what to lower where training diverged."""
        return self.located(f"base_lr: {self.parameter.base_lr:g}")


def read(file: Path) -> Solver:
    """UserError naming file and line where it is missing or mistyped."""
    solver = prototxt_text.read(file, caffe_pb2.SolverParameter())
    if solver.HasField("solver_type") and not solver.HasField("type"):
        # The form of 2015, an enum of capitals, as Caffe itself reads it (UpgradeSolverType).
        solver.type = next(each for each in TYPES if each.upper() == solver.SolverType.Name(solver.solver_type))
        solver.ClearField("solver_type")
    return Solver(file, solver, prototxt_text.read_text(file))


def problems(solver: Any) -> list[str]:
    """Each as ``field: expected …, got …; do …`` of a caffe_pb2.SolverParameter."""
    return [*_of_type(solver), *_of_rate(solver), *_of_update(solver), *_of_net(solver)]


def _of_type(solver: Any) -> Iterator[str]:
    if solver.HasField("type") and solver.type not in TYPES:
        near = did_you_mean(solver.type, TYPES, "write one of these")
        yield f"type: expected one of {', '.join(TYPES)}, got '{solver.type}'; {near}"
    if solver.HasField("type") and solver.HasField("solver_type"):
        yield f"solver_type: expected none beside type: \"{solver.type}\", which says the same; take it out"


def _of_rate(solver: Any) -> Iterator[str]:
    policy = solver.lr_policy
    if policy not in POLICIES:
        got = f"'{policy}'" if policy else "none"
        near = did_you_mean(policy, POLICIES, "write one of these")
        yield f"lr_policy: expected one of {', '.join(POLICIES)}, got {got}; {near}"
    if not 0 < solver.base_lr < math.inf:
        got = f"{solver.base_lr:g}" if solver.HasField("base_lr") else "none"
        yield f"base_lr: expected above 0, got {got}; 0.01 is a usual one for SGD, 0.001 for Adam"
    if policy in ("step", "sigmoid") and solver.stepsize < 1:
        yield f"stepsize: expected 1 or more for lr_policy {policy}, got {solver.stepsize}; write the iterations"
    if policy in ("step", "exp", "multistep") and not 0 < solver.gamma < math.inf:
        got = f"{solver.gamma:g}" if solver.HasField("gamma") else "none"
        usual = "0.9999" if policy == "exp" else "0.1"
        yield f"gamma: expected above 0 for lr_policy {policy}, got {got}; {usual} is usual"
    if policy in ("inv", "sigmoid") and not 0 <= solver.gamma < math.inf:
        yield f"gamma: expected 0 or more for lr_policy {policy}, got {solver.gamma:g}; take the sign away"
    if policy in ("inv", "poly") and not math.isfinite(solver.power):
        yield f"power: expected a number for lr_policy {policy}, got {solver.power:g}; 1 is usual"


def _of_update(solver: Any) -> Iterator[str]:
    what = solver.type
    if not 0 <= solver.momentum < 1:
        yield f"momentum: expected 0 to below 1, got {solver.momentum:g}; 0.9 is usual"
    elif what in WITHOUT_MOMENTUM and solver.momentum:
        yield f"momentum: expected none for {what}, got {solver.momentum:g}; take it out, or take another type"
    if what == "Adam" and not 0 <= solver.momentum2 < 1:
        yield f"momentum2: expected 0 to below 1, got {solver.momentum2:g}; 0.999 is usual"
    if what == "RMSProp" and not 0 <= solver.rms_decay < 1:
        yield f"rms_decay: expected 0 to below 1, got {solver.rms_decay:g}; 0.99 is usual"
    if what in _OF_GRADIENTS and not 0 < solver.delta < math.inf:
        yield f"delta: expected above 0 for {what}, which divides by it, got {solver.delta:g}; 1e-8 is usual"
    if not 0 <= solver.weight_decay < math.inf:
        yield f"weight_decay: expected 0 or more, got {solver.weight_decay:g}; 0.0005 is usual"
    if solver.regularization_type not in _REGULARIZATIONS:
        yield f"regularization_type: expected L1 or L2, got '{solver.regularization_type}'; leave it out for L2"
    if solver.clip_gradients == 0 or not math.isfinite(solver.clip_gradients):
        yield f"clip_gradients: expected above 0, got {solver.clip_gradients:g}; leave it out for none"
    for field, least in (("iter_size", 1), ("average_loss", 1), ("snapshot", 0)):
        if (value := getattr(solver, field)) < least:
            yield f"{field}: expected {least} or more, got {value}; leave it out for {least}"


def _of_net(solver: Any) -> Iterator[str]:
    """What would be another net than train_val.prototxt, or begin with other weights than a parent's."""
    for field in {each.name for each, _ in solver.ListFields()}.intersection(_NETS):
        yield f"{field}: expected no net in a solver, as train_val.prototxt is the net; take it out"
    states = {"train_state": [solver.train_state], "test_state": solver.test_state}
    for field, each in states.items():
        if any(state.stage or state.level for state in each):
            yield f"{field}: expected no stage and no level, as runs have none; put the layers meant into train_val"
    if solver.weights:
        yield f"weights: expected none, got {', '.join(solver.weights)}; give it as WEIGHTS= on the command line"
