"""DetectNet's losses in real Caffe: gradients by finite differences, and the L1 loss of stock layers beside ours."""

import json
from pathlib import Path

import numpy as np
import pytest
from detectnet_examples import python, rows_of
from detectnet_nets import GEOMETRY, LOSSES, layer

from evolve.detectnet import coverage
from evolve.network.layers import detectnet_parameters as parameters

STOCK = """
layer { name: "d" type: "Eltwise" bottom: "masked" bottom: "label" top: "d" eltwise_param { coeff: 1 coeff: -1 } }
layer { name: "abs" type: "AbsVal" bottom: "d" top: "abs" }
layer { name: "bbox_loss" type: "Reduction" bottom: "abs" top: "bbox_loss" loss_weight: 2
  reduction_param { operation: SUM coeff: 0.5 } }
"""

GRADIENTS = """
import caffe, numpy, sys
fed = numpy.load("fed.npz")
def run(net):
    for name in fed.files:
        net.blobs[name].data[...] = fed[name]
    net.forward()
    return float(2 * net.blobs["bbox_loss"].data + net.blobs["coverage_loss"].data)
result = {}
for name in sys.argv[1:]:
    net = caffe.Net(name + ".prototxt", caffe.TRAIN)
    result[name + "-loss"] = run(net)
    net.backward()
    for blob in ("raw", "boxes"):
        result[f"{name}-{blob}"] = net.blobs[blob].diff.copy()
        slopes = numpy.zeros(fed[blob].size)
        step = {"raw": 0.1, "boxes": 2.0}[blob]
        cells = numpy.random.default_rng(0).permutation(fed[blob].size)[:60]
        for cell in cells:
            losses = []
            for sign in (1, -1):
                run(net)
                net.blobs[blob].data.flat[cell] += sign * step
                net.forward()
                losses.append([float(net.blobs["bbox_loss"].data), float(net.blobs["coverage_loss"].data)])
            one, other = numpy.array(losses)
            slopes[cell] = (numpy.array([2, 1]) @ (one - other)) / (2 * step)
        result[f"{name}-{blob}-slopes"], result[f"{blob}-cells"] = slopes, cells
numpy.savez("gradients.npz", **result)
"""


def loss_inputs() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    ground_truth = parameters.parse(GEOMETRY).ground_truth
    objects = [[(20, 10, 120, 80, 1), (60, 30, 60, 60, 2)], [(0, 0, 150, 90, 2)]]
    truth = np.stack([coverage.generate(rows_of(each), ground_truth, clip=True) for each in objects])  # type: ignore[arg-type]
    # Far from the label, where the absolute value has its kink.
    boxes = truth[:, 1:5] + rng.choice([-1, 1], truth[:, 1:5].shape) * rng.uniform(8, 20, truth[:, 1:5].shape)
    return {"raw": rng.normal(0, 0.1, (2, 2, 6, 10)), "boxes": boxes, "truth": truth}


def test_gradients_through_both_losses(tmp_path: Path) -> None:
    fed = loss_inputs()
    np.savez(tmp_path / "fed.npz", **fed)  # type: ignore[arg-type]
    ours = "force_backward: true\n" + LOSSES
    stock = ours.replace(layer("bbox_loss", "L1Loss", "masked label", "bbox_loss", more="loss_weight: 2"), "")
    (tmp_path / "ours.prototxt").write_text(ours.replace("STOCK", ""))
    (tmp_path / "stock.prototxt").write_text(stock.replace("STOCK", STOCK))
    python(tmp_path, GRADIENTS, ("ours", "stock"))
    found = np.load(tmp_path / "gradients.npz")
    for blob in ("raw", "boxes"):
        gradient, slopes, cells = (found[name] for name in (f"ours-{blob}", f"ours-{blob}-slopes", f"{blob}-cells"))
        assert gradient.ravel()[cells] == pytest.approx(slopes[cells], rel=0.005, abs=2e-4)
        assert np.array_equal(gradient, found[f"stock-{blob}"])
    assert found["ours-loss"] == pytest.approx(found["stock-loss"], rel=1e-6)
    assert expected_l1_gradient(fed) == pytest.approx(found["ours-boxes"], rel=1e-5)


def expected_l1_gradient(fed: dict[str, np.ndarray]) -> np.ndarray:
    truth = fed["truth"]
    factors = truth[:, :1] * truth[:, [5, 6, 5, 6]] * truth[:, 7:8]
    # Weight 2, batch of 2.
    return factors * np.sign(fed["boxes"] - truth[:, 1:5]) * 2 / 2


def test_l1_gradient_is_zero_where_both_are_equal_and_opposite_for_the_label(tmp_path: Path) -> None:
    shape = "shape { dim: 4 dim: 3 }"
    (tmp_path / "net.prototxt").write_text(
        "force_backward: true "
        f'layer {{ name: "in" type: "Input" top: "a" top: "b" input_param {{ {shape} {shape} }} }}\n'
        + layer("loss", "L1Loss", "a b", "loss", more="loss_weight: 3")
    )
    script = """
import caffe, numpy, json
net = caffe.Net("net.prototxt", caffe.TRAIN)
net.blobs["a"].data[...] = [[1, 2, 3]] * 4
net.blobs["b"].data[...] = [[0, 2, 7]] * 4
net.forward(); net.backward()
print(json.dumps([float(net.blobs["loss"].data), net.blobs["a"].diff.tolist(), net.blobs["b"].diff.tolist()]))
"""
    loss, one, other = json.loads(python(tmp_path, script).stdout)
    assert loss == (1 + 4) * 4 / 4 and one == [[0.75, 0, -0.75]] * 4 and other == [[-0.75, 0, 0.75]] * 4
