"""What Caffe would say of a solver only in training, or never, is said of its line before."""

from pathlib import Path

import pytest

from evolve.lineage import problems
from evolve.lineage.experiment import load
from tests.lineage.conftest import SOLVER
from tests.lineage.networks import written

NO_NET = "expected no net in a solver, as train_val.prototxt is the net; take it out"
NO_STAGE = "expected no stage and no level, as runs have none; put the layers meant into train_val"
REFUSED = {
    "net_param { }": f"net_param: {NO_NET}",
    "train_net_param { }": f"train_net_param: {NO_NET}",
    'test_state { stage: "val" }': f"test_state: {NO_STAGE}",
    "train_state { level: 1 }": f"train_state: {NO_STAGE}",
    'weights: "a.caffemodel"': "weights: expected none, got a.caffemodel; give it as WEIGHTS= on the command line",
    "solver_type: ADAM": 'solver_type: expected none beside type: "SGD", which says the same; take it out',
    'regularization_type: "L3"': "regularization_type: expected L1 or L2, got 'L3'; leave it out for L2",
    "average_loss: 0": "average_loss: expected 1 or more, got 0; leave it out for 1",
    "snapshot: -1": "snapshot: expected 0 or more, got -1; leave it out for 0",
    "clip_gradients: 0": "clip_gradients: expected above 0, got 0; leave it out for none",
}
OF_ANOTHER_TYPE = {
    "AdaGrad": ("momentum: 0.9", "momentum: expected none for AdaGrad, got 0.9; take it out, or take another type"),
    "RMSProp": ("momentum: 0.9", "momentum: expected none for RMSProp, got 0.9; take it out, or take another type"),
    "Adam": ("momentum2: 1", "momentum2: expected 0 to below 1, got 1; 0.999 is usual"),
    "AdaDelta": ("delta: 0", "delta: expected above 0 for AdaDelta, which divides by it, got 0; 1e-8 is usual"),
}
POLICIES = {
    'lr_policy: "sigmoid" gamma: -1 stepsize: 9':
        "gamma: expected 0 or more for lr_policy sigmoid, got -1; take the sign away",
    'lr_policy: "sigmoid"': "stepsize: expected 1 or more for lr_policy sigmoid, got 0; write the iterations",
    'lr_policy: "step" stepsize: 9': "gamma: expected above 0 for lr_policy step, got none; 0.1 is usual",
    'lr_policy: "exp" gamma: -2': "gamma: expected above 0 for lr_policy exp, got -2; 0.9999 is usual",
    'lr_policy: "inv" gamma: -2': "gamma: expected 0 or more for lr_policy inv, got -2; take the sign away",
}


def said(folder: Path, solver: str) -> list[str]:
    tiny = written(folder, solver=solver)
    return [each.removeprefix(f"{tiny}/solver.prototxt:") for each in problems.of(load(str(tiny)))]


@pytest.mark.parametrize("field", REFUSED)
def test_a_field_that_cannot_be(tmp_path: Path, field: str) -> None:
    assert said(tmp_path, f"{SOLVER}\n{field}\n") == [f"3: {REFUSED[field]}"]


@pytest.mark.parametrize("kind", OF_ANOTHER_TYPE)
def test_what_another_type_does_not_take(tmp_path: Path, kind: str) -> None:
    field, message = OF_ANOTHER_TYPE[kind]
    assert said(tmp_path, f'type: "{kind}" base_lr: 0.01 lr_policy: "fixed"\n{field}\n') == [f"2: {message}"]


def test_the_old_spelling_of_a_type_has_the_same_rules(tmp_path: Path) -> None:
    _, message = OF_ANOTHER_TYPE["RMSProp"]
    assert said(tmp_path, 'solver_type: RMSPROP base_lr: 0.01 lr_policy: "fixed"\nmomentum: 0.9') == [f"2: {message}"]


@pytest.mark.parametrize("policy", POLICIES)
def test_what_a_policy_needs(tmp_path: Path, policy: str) -> None:
    (message,) = said(tmp_path, f"base_lr: 0.01\n{policy}\n")
    # What is not written is on no line.
    assert message.removeprefix("2: ").removeprefix(" ") == POLICIES[policy]


def test_what_runs_set_themselves_is_left_alone(tmp_path: Path) -> None:
    foreign = 'net: "examples/net.prototxt" test_iter: 100 test_interval: 500 max_iter: 5 snapshot_prefix: "x/y" ' \
              "snapshot_format: HDF5 test_state { phase: TEST } random_seed: 7 device_id: 1"  # fmt: skip
    assert said(tmp_path, SOLVER + foreign) == []
