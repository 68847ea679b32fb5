"""Caffe itself as an engine: pycaffe, with the fast layers as in a run, or stock with FAST=0.

Fast layers are told that weights stay, as other engines take it for granted that compile a net.
"""

from pathlib import Path

import caffe
import numpy as np

import fastcaffe
from evolve.base.machine import Machine
from evolve.runs import paths
from evolve.training import versions
from trt.speed import prepared


class Caffe:
    """A deploy net in this process's Caffe."""

    precision = "f32"
    device = ""

    def __init__(self, machine: Machine) -> None:
        # Stock layers' threads are OpenBLAS's, which read them when they were loaded (process.py).
        versions.enable(machine)

    def load(self, folder: Path) -> None:
        self._net = caffe.Net(str(folder / paths.DEPLOY), caffe.TEST, weights=str(folder / paths.WEIGHTS))
        fastcaffe.weights_stay(self._net)
        self.show(prepared.inputs(folder))
        self._last = len(self._net.layers) - 1

    def show(self, images: dict[str, np.ndarray]) -> None:
        for name, values in images.items():
            self._net.blobs[name].data[...] = values

    def run(self) -> None:
        # Net.forward is this and some tens of microseconds of Python, a good part of a LeNet's time.
        self._net._forward(0, self._last)

    def outputs(self) -> dict[str, np.ndarray]:
        return {name: self._net.blobs[name].data.copy() for name in self._net.outputs}

    def describe(self) -> str:
        which = versions.which()
        sparse = which.get("sparse_below")
        code = f", sparse code below a density of {sparse}, weights stay" if sparse else ""
        return f"caffe {caffe.__version__}, {which['layers']} layers{code}"
