"""Learning rates are rewound: offspring go on where the ancestor's were as many iterations before its end.

Renda, Frankle and Carbin (arXiv 2003.02389) rewind the rate of a pruned network so, and train it as long again as the
schedule then lasts. Each policy of Caffe's solver, shifted by some iterations, is that policy again; only sigmoid,
a rate that rises to its end, is not here: Caffe takes no stepsize below 1 for it.
"""

from typing import Any

from evolve.base.errors import UserError


def rewind(solver: Any, ancestor_iterations: int) -> None:
    """Makes `solver`, the ancestor's with an offspring's max_iter, end as the ancestor's ended.

    solver: caffe_pb2.SolverParameter, changed in place. An offspring that trains longer than the ancestor did has the
    whole schedule. UserError for another policy than these (SGDSolver::GetLearningRate).
    """
    if why := problem(solver):
        raise UserError(why)
    _SHIFTED[solver.lr_policy](solver, max(0, ancestor_iterations - solver.max_iter))


def problem(solver: Any) -> str:
    """Why the rate of a caffe_pb2.SolverParameter cannot be rewound; "" where it can."""
    if solver.lr_policy in _SHIFTED:
        return ""
    return (
        f"lr_policy: expected one of {', '.join(sorted(_SHIFTED))}, got '{solver.lr_policy}'; "
        "name one of them, or leave rewind_learning_rate out"
    )


def _fixed(solver: Any, shift: int) -> None:
    """base_lr, always."""


def _poly(solver: Any, shift: int) -> None:
    """base_lr (1 - i / max_iter)^power: what is left of it is the same, lower and shorter."""
    solver.base_lr *= (solver.max_iter / (solver.max_iter + shift)) ** solver.power


def _exp(solver: Any, shift: int) -> None:
    """base_lr gamma^i."""
    solver.base_lr *= solver.gamma**shift


def _inv(solver: Any, shift: int) -> None:
    """base_lr (1 + gamma i)^-power."""
    begun = 1 + solver.gamma * shift
    solver.base_lr *= begun**-solver.power
    solver.gamma /= begun


def _step(solver: Any, shift: int) -> None:
    """base_lr gamma^floor(i / stepsize): steps at places of their own, once the first is not a whole one away."""
    steps = range(solver.stepsize, solver.max_iter + shift, solver.stepsize)
    solver.ClearField("stepsize")
    solver.lr_policy = "multistep"
    solver.stepvalue[:] = steps
    _multistep(solver, shift)


def _multistep(solver: Any, shift: int) -> None:
    """base_lr times gamma for each stepvalue that i has reached."""
    solver.base_lr *= solver.gamma ** sum(place <= shift for place in solver.stepvalue)
    solver.stepvalue[:] = [place - shift for place in solver.stepvalue if place > shift]


_SHIFTED = {
    "fixed": _fixed,
    "step": _step,
    "exp": _exp,
    "inv": _inv,
    "multistep": _multistep,
    "poly": _poly,
}
