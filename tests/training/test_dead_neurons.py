"""A neuron that answers no image loses its weights: under Adam within some hundred iterations, whatever the decay."""

from pathlib import Path

import caffe
import numpy as np
import pytest

from evolve.network.withered import LEAST
from evolve.training import silent

RATE, DECAY = 3e-4, 1e-4  # DetectNet's solver's
NET = """
layer { name: "data" type: "DummyData" top: "data" top: "target" dummy_data_param {
  shape { dim: 8 dim: 4 } shape { dim: 8 dim: 2 } data_filler { type: "gaussian" std: 1 }
  data_filler { type: "gaussian" std: 1 } } }
layer { name: "ip1" type: "InnerProduct" bottom: "data" top: "ip1"
  param { lr_mult: 1 decay_mult: 1 } param { lr_mult: 1 decay_mult: 0 }
  inner_product_param { num_output: 6 weight_filler { type: "uniform" min: -0.03 max: 0.03 } } }
layer { name: "relu1" type: "ReLU" bottom: "ip1" top: "ip1" }
layer { name: "ip2" type: "InnerProduct" bottom: "ip1" top: "ip2"
  inner_product_param { num_output: 2 weight_filler { type: "uniform" min: -0.03 max: 0.03 } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "ip2" bottom: "target" top: "loss" }
"""
SOLVERS = {
    "Adam": f'type: "Adam" momentum: 0.9 momentum2: 0.999 base_lr: {RATE}',
    "SGD": f'type: "SGD" momentum: 0.9 base_lr: {RATE}',
}


def trained(folder: Path, kind: str, iterations: int) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Weights before and after, of a net whose neuron 0 answers nothing."""
    (folder / "net.prototxt").write_text(NET)
    (folder / "solver.prototxt").write_text(
        f'net: "{folder}/net.prototxt" weight_decay: {DECAY} lr_policy: "fixed" random_seed: 3 {SOLVERS[kind]} '
        "max_iter: 1000 snapshot_after_train: false display: 0"
    )
    solver = caffe.get_solver(str(folder / "solver.prototxt"))
    solver.net.params["ip1"][1].data[0] = -100
    before = {name: blobs[0].data.copy() for name, blobs in solver.net.params.items()}
    solver.step(iterations)
    return before, {name: blobs[0].data.copy() for name, blobs in solver.net.params.items()}


def adam(weights: np.ndarray, iterations: int) -> np.ndarray:
    """Adam (Kingma and Ba, arXiv 1412.6980, as Caffe has it) on a gradient that is weight decay alone, in float32."""
    one, moment, second = np.float32(1), np.zeros_like(weights), np.zeros_like(weights)
    for number in range(1, iterations + 1):
        gradient = np.float32(DECAY) * weights
        moment = np.float32(0.9) * moment + np.float32(0.1) * gradient
        second = np.float32(0.999) * second + (one - np.float32(0.999)) * gradient**2
        rate = RATE * np.sqrt(1 - 0.999**number) / (1 - 0.9**number)
        weights = weights - np.float32(rate) * moment / (np.sqrt(second) + np.float32(1e-8))
    return weights


def test_adam_takes_the_weights_of_a_dead_neuron(tmp_path: Path) -> None:
    """Those into it and those out of it, until half precision knows them no more; nobody else's."""
    before, after = trained(tmp_path, "Adam", 600)
    for name, of_neuron in (("ip1", np.s_[0]), ("ip2", np.s_[:, 0])):
        first, last = before[name][of_neuron], after[name][of_neuron]
        assert np.abs(first).max() > 0.005 and np.abs(last).max() < LEAST
        assert np.allclose(trained(tmp_path, "Adam", 60)[1][name][of_neuron], adam(first, 60), rtol=0, atol=1e-5)
    assert np.abs(after["ip1"][1:]).mean() > 0.005


def test_silent_neurons_are_found(tmp_path: Path) -> None:
    (tmp_path / "net.prototxt").write_text(NET)
    net = caffe.Net(str(tmp_path / "net.prototxt"), caffe.TRAIN)
    net.params["ip1"][1].data[...] = [-100, 0, 0, -100, 0, 0]
    net.save(str(tmp_path / "net.caffemodel"))
    found = silent.silent(str(tmp_path / "net.prototxt"), str(tmp_path / "net.caffemodel"), ["ip1"], 40)
    assert found == {"ip1": [0, 3]}


@pytest.mark.parametrize("behind", [
    'type: "Dropout" dropout_param { dropout_ratio: 0.99 }',
    'type: "Scale" scale_param { filler { type: "constant" value: -1 } }',
    'type: "BatchNorm"',
    'type: "Power" power_param { shift: 9 }',
])  # fmt: skip
def test_a_neuron_is_asked_before_another_layer_writes_in_its_place(tmp_path: Path, behind: str) -> None:
    """Eight images, of whose answers Dropout leaves few; the layer in place is behind both of two ReLUs."""
    relu, in_place = 'layer { name: "relu1" type: "ReLU" bottom: "ip1" top: "ip1" }\n', 'bottom: "ip1" top: "ip1"'
    first = f'{relu}layer {{ name: "first" {behind} {in_place} }}\n'
    units = "inner_product_param { num_output: 6 }"
    second = f'layer {{ name: "ip2" type: "InnerProduct" bottom: "ip1" top: "ip2" {units} }}\n'
    second += first.replace('"ip1"', '"ip2"').replace('"relu1"', '"relu2"').replace('"first"', '"second"')
    last = NET[NET.index('layer { name: "ip2"') :].replace('"ip2"', '"ip3"').replace('bottom: "ip1"', 'bottom: "ip2"')
    (tmp_path / "net.prototxt").write_text(NET[: NET.index('layer { name: "relu1"')] + first + second + last)
    net = caffe.Net(str(tmp_path / "net.prototxt"), caffe.TRAIN)
    net.params["ip1"][1].data[...] = [-100, 9, 9, -100, 9, 9]
    net.params["ip2"][1].data[...] = [9, -100, 9, 9, -100, 9]
    net.save(str(tmp_path / "net.caffemodel"))
    caffe.set_random_seed(1)
    found = silent.silent(str(tmp_path / "net.prototxt"), str(tmp_path / "net.caffemodel"), ["ip2", "ip1"], 8)
    assert found == {"ip1": [0, 3], "ip2": [1, 4]}


def test_sgd_leaves_them(tmp_path: Path) -> None:
    before, after = trained(tmp_path, "SGD", 600)
    assert np.allclose(after["ip1"][0], before["ip1"][0], rtol=1e-3)


def test_how_long_it_takes() -> None:
    """Within 500 iterations weights of .03, as large as many of DetectNet's, are gone, and of .1 a tenth is left."""
    small, large = (abs(float(adam(np.array([start], np.float32), 500)[0])) for start in (0.03, 0.1))
    assert small < LEAST and 0.008 < large < 0.0125
