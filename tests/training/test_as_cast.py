"""Training as cast on real Caffe: gradients are those at the cast weights, updates go to the weights of 32 bits."""

from pathlib import Path

import numpy as np
import pytest

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.network import precision, weights
from evolve.training.caffe_process import CaffeProcess

# y = w x of two constants, (y - 0)^2 / 2 / batch: the gradient of w is y x.
NET = """
layer { name: "data" type: "DummyData" top: "data" top: "label" dummy_data_param {
  shape { dim: IMAGES dim: 20 } data_filler { type: "constant" value: 2 }
  shape { dim: IMAGES dim: 2 } data_filler { type: "constant" value: 0 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" param { name: "w" }
  inner_product_param { num_output: 2 bias_term: false weight_filler { type: "constant" value: 0.5 } } }
layer { name: "same" type: "InnerProduct" bottom: "data" top: "same" param { name: "w" }
  inner_product_param { num_output: 2 bias_term: false } }
layer { name: "loss" type: "EuclideanLoss" bottom: "ip" bottom: "label" top: "loss" }
layer { name: "loss2" type: "EuclideanLoss" bottom: "same" bottom: "label" top: "loss2" }
"""
RATE, STEPS = 0.003, 7
# The cast to eight bits makes one of them zero: it learns all the same. So few that layers run on sparse code.
FIRST = np.pad(np.array([[1, 0.3004, -0.0021], [0.25, 0.1257, 0]], np.float32), ((0, 0), (0, 17)))


def trained(folder: Path, caffe: CaffeProcess, as_cast_to: str, images: int) -> np.ndarray:
    (folder / "net.prototxt").write_text(NET.replace("IMAGES", str(images)))
    (folder / "solver.prototxt").write_text(
        f'net: "net.prototxt" base_lr: {RATE} lr_policy: "fixed" max_iter: {STEPS} random_seed: 1 solver_mode: CPU'
    )
    net = prototxt_text.read(folder / "net.prototxt", caffe_pb2.NetParameter())
    weights.write(folder / "genome", net, {"ip": [FIRST], "same": [FIRST]})
    said = caffe.call("train", solver="solver.prototxt", output="out", genome="genome", as_cast_to=as_cast_to)
    assert said["revived"] == 0
    made = weights.read(folder / "out")
    assert np.array_equal(made["ip"][0], made["same"][0])
    return made["ip"][0]


def by_hand(as_cast_to: str) -> np.ndarray:
    """Twice the gradient, for two layers share the weights; what is absent stays so."""
    now, image = FIRST.astype(np.float64), np.full(20, 2.0)
    for _ in range(STEPS):
        seen = now.astype(np.float32)
        seen = precision.imposed(seen, 0, as_cast_to) if as_cast_to else seen
        now = now - RATE * 2 * np.outer(seen @ image, image) * (FIRST != 0)
    return now


@pytest.mark.parametrize("images", [1, 32])  # 32 fill the lanes of sparse code
@pytest.mark.parametrize("as_cast_to", ["INT8", "HALF", ""])
def test_gradients_at_the_cast_weights(as_cast_to: str, images: int, tmp_path: Path, caffe: CaffeProcess) -> None:
    made = trained(tmp_path, caffe, as_cast_to, images)
    assert np.allclose(made, by_hand(as_cast_to), rtol=0, atol=1e-6)
    assert not np.array_equal(made, precision.imposed(made, 0, "INT8"))  # what is left is in 32 bits


def test_the_oracle_tells_them_apart() -> None:
    assert np.abs(by_hand("INT8") - by_hand("")).max() > 1e-5
