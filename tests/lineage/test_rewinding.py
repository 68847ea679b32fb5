"""Rewound learning rates against Caffe's own policies in plain Python, and against the log of a real solver."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format

from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.datasets import Dataset
from evolve.lineage import rewinding
from evolve.lineage.experiment import load
from evolve.lineage.workspace import Workspace
from tests.lineage.conftest import EVOLUTION, SOLVER, TRAIN_VAL

ANCESTOR, OFFSPRING = 1000, 300
POLICIES = {
    "fixed": "",
    "step": "gamma: 0.5 stepsize: 130",
    "exp": "gamma: 0.997",
    "inv": "gamma: 0.0005 power: 0.75",
    "multistep": "gamma: 0.1 stepvalue: 100 stepvalue: 700 stepvalue: 701 stepvalue: 950",
    "poly": "power: 1.5",
}


def solver(policy: str, iterations: int) -> Any:
    words = f'base_lr: 0.1 lr_policy: "{policy}" max_iter: {iterations} {POLICIES[policy]}'
    return text_format.Parse(words, caffe_pb2.SolverParameter())


def rate(solver: Any, i: int) -> float:
    """SGDSolver::GetLearningRate."""
    base, gamma, power = solver.base_lr, solver.gamma, solver.power
    formulas = {
        "fixed": lambda: base,
        "step": lambda: base * gamma ** (i // solver.stepsize),
        "exp": lambda: base * gamma**i,
        "inv": lambda: base * (1 + gamma * i) ** -power,
        "multistep": lambda: base * gamma ** sum(i >= step for step in solver.stepvalue),
        "poly": lambda: base * (1 - i / solver.max_iter) ** power,
    }
    return float(formulas[solver.lr_policy]())


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("length", [1, 7, OFFSPRING, 999, ANCESTOR])
def test_an_offspring_has_the_rates_of_the_ancestors_end(policy: str, length: int) -> None:
    ancestor, offspring = solver(policy, ANCESTOR), solver(policy, length)
    rewinding.rewind(offspring, ANCESTOR)
    for i in range(length):
        assert rate(offspring, i) == pytest.approx(rate(ancestor, ANCESTOR - length + i), rel=2e-5)
    assert offspring.max_iter == length


@pytest.mark.parametrize("policy", POLICIES)
def test_one_that_trains_longer_than_the_ancestor_has_the_whole_schedule(policy: str) -> None:
    offspring = solver(policy, 2 * ANCESTOR)
    rewinding.rewind(offspring, ANCESTOR)
    for i in range(0, 2 * ANCESTOR, 50):
        assert rate(offspring, i) == pytest.approx(rate(solver(policy, 2 * ANCESTOR), i), rel=1e-6)


def test_a_policy_that_cannot_be_rewound_is_named() -> None:
    unknown = caffe_pb2.SolverParameter(lr_policy="sigmoid", base_lr=1, max_iter=5)
    with pytest.raises(UserError) as refused:
        rewinding.rewind(unknown, 10)
    assert str(refused.value) == (
        "lr_policy: expected one of exp, fixed, inv, multistep, poly, step, got 'sigmoid'; "
        "name one of them, or leave rewind_learning_rate out"
    )


NET = """
layer { name: "data" type: "DummyData" top: "data" top: "label" dummy_data_param {
  shape { dim: 2 dim: 3 } shape { dim: 2 dim: 1 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 1 } }
layer { name: "loss" type: "EuclideanLoss" bottom: "ip" bottom: "label" top: "loss" }
"""


@pytest.mark.parametrize("policy", POLICIES)
def test_caffes_own_solver_says_so(tmp_path: Path, policy: str) -> None:
    (tmp_path / "net.prototxt").write_text(NET)
    chosen = solver(policy, OFFSPRING)
    rewinding.rewind(chosen, ANCESTOR)
    chosen.net, chosen.display, chosen.solver_mode = "net.prototxt", 50, chosen.CPU
    chosen.snapshot_after_train = False
    (tmp_path / "solver.prototxt").write_text(text_format.MessageToString(chosen))
    program = "import caffe; caffe.get_solver('solver.prototxt').step(251)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True,
        env={**os.environ, "GLOG_minloglevel": "0"},
    )  # fmt: skip
    logged = [float(line.rsplit("lr = ", 1)[1]) for line in done.stderr.splitlines() if "lr = " in line]
    ancestor = solver(policy, ANCESTOR)
    expected = [rate(ancestor, ANCESTOR - OFFSPRING + i) for i in range(0, 251, 50)]
    assert logged == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("number, rewound, base_lr", [(1, True, 0.05), (2, False, 0.05), (2, True, 0.05 * 0.4)])
def test_offspring_alone_are_rewound_and_only_where_settings_say_so(
    tmp_path: Path, number: int, rewound: bool, base_lr: float
) -> None:
    """40 of the ancestor's 100 iterations are left of a rate that falls in a line."""
    words = {"rewind_learning_rate": str(rewound).lower()}
    more = "".join(f"{name}: {value}\n" for name, value in words.items())
    for name, text in (("train_val", TRAIN_VAL), ("evolution", EVOLUTION + more)):
        (tmp_path / f"{name}.prototxt").write_text(text)
    (tmp_path / "solver.prototxt").write_text(SOLVER.replace('"fixed"', '"poly" power: 1'))
    data = Dataset("digits", tmp_path, (1, 28, 28), {"train": 1437, "test": 360}, 10, sha256="")
    workspace = Workspace(load(str(tmp_path)), data, number, 1, tmp_path / "gen")
    made = workspace.solver_of(workspace.template())
    assert (made.max_iter, made.base_lr) == ({1: 100, 2: 40}[number], pytest.approx(base_lr))
