"""What training leaves absent in the layers of a graph: on real Caffe, looked at afterwards."""

from pathlib import Path

import numpy as np

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.network import weights
from evolve.training.caffe_process import CaffeProcess

NET = """
layer { name: "data" type: "DummyData" top: "data" top: "label" dummy_data_param {
  shape { dim: 8 dim: 4 dim: 6 dim: 6 } data_filler { type: "gaussian" std: 1 }
  shape { dim: 8 } data_filler { type: "uniform" min: 0 max: 4.99 } } }
layer { name: "up" type: "Deconvolution" bottom: "data" top: "up"
  convolution_param { num_output: 6 kernel_size: 2 group: 2 } }
layer { name: "deep" type: "Convolution" bottom: "up" top: "deep"
  convolution_param { num_output: 6 kernel_size: 3 group: 6 } }
layer { name: "norm" type: "BatchNorm" bottom: "deep" top: "deep" }
layer { name: "scale" type: "Scale" bottom: "deep" top: "deep" scale_param { bias_term: true } }
layer { name: "fc" type: "InnerProduct" bottom: "deep" top: "fc" inner_product_param { num_output: 5 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "loss" }
"""
SOLVER = 'net: "net.prototxt" lr_policy: "fixed" base_lr: 0.1 momentum: 0.9 weight_decay: 0.01 max_iter: 10 type: "SGD"'


def everything() -> weights.Weights:
    """A genome of NET that lacks nothing."""
    random = np.random.default_rng(1)
    shapes: dict[str, list[tuple[int, ...]]] = {"up": [(4, 3, 2, 2), (6,)], "deep": [(6, 1, 3, 3), (6,)],
              "norm": [(6,), (6,), (1,)], "scale": [(6,), (6,)], "fc": [(5, 6 * 25), (5,)]}  # fmt: skip
    return {
        name: [random.random(shape).astype(np.float32) + 0.1 for shape in blobs] for name, blobs in shapes.items()
    }


def write(folder: Path, genome: weights.Weights) -> None:
    (folder / "net.prototxt").write_text(NET)
    (folder / "solver.prototxt").write_text(f"{SOLVER} random_seed: 1 snapshot_after_train: false solver_mode: CPU")
    net = prototxt_text.read(folder / "net.prototxt", caffe_pb2.NetParameter())
    weights.write(folder / "genome.caffemodel", net, genome)


def test_factors_and_shifts_that_begin_at_zero_learn_but_of_silent_channels(
    tmp_path: Path, caffe: CaffeProcess
) -> None:
    """As of a network that was converted from a framework without them; synapses that it lacks stay absent."""
    genome = everything()
    genome["scale"][0][1:3] = genome["scale"][1][:] = genome["fc"][0][:, :5] = 0
    write(tmp_path, genome)
    for silent in ({}, {"scale": [[2], [2, 4]]}):
        caffe.call("train", solver="solver.prototxt", output="trained", genome="genome.caffemodel", silent=silent)
        trained = weights.read(tmp_path / "trained")
        factors, shifts = silent.get("scale", [[], []])
        assert np.flatnonzero(trained["scale"][0] == 0).tolist() == factors
        assert np.flatnonzero(trained["scale"][1] == 0).tolist() == shifts
        assert not trained["fc"][0][:, :5].any()


def test_what_is_absent_stays_absent(tmp_path: Path, caffe: CaffeProcess) -> None:
    genome = everything()
    # Neuron 1 of up (the first group's) is dead, so is neuron 1 of deep; neuron 2 of both has synapses and no bias yet.
    genome["up"][0][:2, 1] = genome["up"][1][1:3] = genome["deep"][0][1] = genome["deep"][1][1:3] = 0
    genome["scale"][1][1] = genome["fc"][0][:, 25:50] = genome["norm"][0][:] = 0
    write(tmp_path, genome)
    silent = {"scale": [[1], [1]]}
    answer = caffe.call(
        "train", solver="solver.prototxt", output="trained", genome="genome.caffemodel", silent=silent
    )
    assert answer["revived"] == 0
    trained = weights.read(tmp_path / "trained")
    for name, blob in (("up", 0), ("deep", 0), ("fc", 0), ("scale", 0), ("scale", 1)):
        before, after = genome[name][blob], trained[name][blob]
        assert not after[before == 0].any() and np.all(after[before != 0] != 0), name
    for name in ("up", "deep"):
        there = [True, False, True, True, True, True]
        assert (trained[name][1] != 0).tolist() == there
    # Statistics follow the images, zeros or not; a dead channel's mean is zero by itself.
    assert (trained["norm"][0] != 0).tolist() == [True, False, True, True, True, True]
