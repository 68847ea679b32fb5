"""Fuzzed: prototxts, solvers and caffemodels in the forms of other years and other Caffes, read and adopted."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np

from evolve.adoption import adoption
from evolve.figures import count_table
from evolve.network import weights
from evolve.network.foreign import reading
from tests.adoption.prototxts import convolution, data, judged, layer, of_2013, solver, units
from tests.network.foreign import digits_detectnet

SHAPE = (1, 32, 32)
_BODY = convolution("conv", "data", 4, 5) + units("ip", "conv", 10)
_FUSED = layer("BatchNorm", "bn", "conv", "conv", "batch_norm_param { scale_bias: true scale_filler { value: 2 } }")
_STAGES = """layer { name: "d" type: "Data" top: "data" top: "label" include { stage: "train" } forward_type: FLOAT16
  data_param { source: "mnist" batch_size: 4 threads: 2 } }
layer { name: "v" type: "Data" top: "data" top: "label" include { stage: "val" } data_param { batch_size: 4 } }
"""
OLD = of_2013(data("mnist_train", "TRAIN", 4) + data("mnist_test", "TEST", 4) + _BODY + judged("ip"))
STAGED = _STAGES + convolution("conv", "data", 4, 5) + _FUSED + units("ip", "conv", 10) + judged("ip", "top-1")
_INPUT = 'input: "data" input_dim: 1 input_dim: 1 input_dim: 12 input_dim: 12\n'
DEPLOY = _INPUT + _BODY + layer("Softmax", "prob", "ip")
PYTHON = DEPLOY + layer("Python", "cluster", "prob", "boxes", 'python_param { module: "m" layer: "L" }')


def prototxt(folder: Path) -> Any:
    """Read, counted, and adopted."""
    file, out = folder / "net.prototxt", folder / "net"

    def _read(content: bytes) -> object:
        file.write_bytes(content)
        shutil.rmtree(out, ignore_errors=True)
        count_table.sheet(file, shape=SHAPE)
        return adoption.adopt(out, file, shape=SHAPE)

    good = (OLD, STAGED, DEPLOY, PYTHON, digits_detectnet.training())
    return tuple(text.encode() for text in good), _read, None


def solvers(folder: Path) -> Any:
    """A solver alone, which names its net or has it within."""
    (folder / "net.prototxt").write_text(OLD)
    file, out = folder / "solver.prototxt", folder / "net"
    inside = data("mnist", "TRAIN", 4) + data("mnist", "TEST", 4) + _BODY + judged("ip")
    good = (
        solver('net: "net.prototxt"', "solver_type: ADAGRAD"), solver(f"net_param {{ {inside} }}"),
        solver(f'train_net_param {{ {inside} }} test_net_param {{ {inside} }} test_state {{ stage: "val" }}'),
    )  # fmt: skip

    def _read(content: bytes) -> object:
        file.write_bytes(content)
        shutil.rmtree(out, ignore_errors=True)
        return adoption.adopt(out, solver=file, shape=SHAPE)

    return tuple(text.encode() for text in good), _read, None


def caffemodel(folder: Path) -> Any:
    """NVIDIA's BatchNorm of five and of four blobs, a blob without axes."""
    model, file = folder / "net.prototxt", folder / "w.caffemodel"
    text = DEPLOY.replace(layer("Softmax", "prob", "ip"), "") + _FUSED
    model.write_text(text)
    net = reading.read(model).net
    ones = np.ones(4, np.float32)
    made: weights.Weights = {
        "conv": [np.ones((4, 1, 5, 5), np.float32), ones],
        "ip": [np.ones((10, 256), np.float32), np.ones(10, np.float32)],
        "bn": [ones, ones, np.ones(1, np.float32), ones, ones],
    }  # fmt: skip
    good = []
    of_015, no_axes = [each.reshape(1, 4, 1, 1) for each in (ones, ones, ones, ones)], [np.ones((), np.float32)]
    for blobs in (made["bn"], of_015, no_axes):
        weights.write(file, net, made | {"bn": blobs})
        good.append(file.read_bytes())

    def _read(content: bytes) -> object:
        file.write_bytes(content)
        found, learned = reading.read(model).with_weights(file)
        found.for_caffe(file, folder)
        return learned

    return tuple(good), _read, None


FORMATS = {
    "strangers' prototxts": prototxt,
    "strangers' solvers": solvers,
    "NVIDIA's caffemodels": caffemodel,
}
