"""Stock Caffe, and Caffe with the fast layers: a solver's steps, forward and backward, inference."""

import os
import time
from pathlib import Path
from typing import Any

import caffe
import numpy as np

import fastcaffe
from tests.bench.speed import case
from tests.bench.speed.machine import openblas

WARMING = 3  # forward passes that give BatchNorm its averages


class CaffeEngine:
    """Caffe on a case's folder; `fast` or stock."""

    def __init__(self, folder: Path, threads: int, fast: bool) -> None:
        self._folder = folder
        self._fast = fast
        os.chdir(folder)  # the solver names its net
        if fast:
            fastcaffe.enable(threads=threads)
        self._absent_stays = self._weights_stay = False
        self._runners: dict[str, Any] = {}

    def make(self) -> None:
        """Weights from the net's fillers, unless there are some, and what stock Caffe makes of them."""
        if not Path(case.WEIGHTS).exists():
            caffe.set_random_seed(1)
            net = self._solver(weights=None).net
            for _ in range(WARMING):
                net.forward()
            net.save(case.WEIGHTS)
        loss, gradients = self._gradients(self._solver(case.CHECKED_SOLVER).net)
        case.save(self._folder, case.EXPECTED_GRADIENTS, {"loss": np.array(loss), **gradients})
        case.save(self._folder, case.EXPECTED_FORWARD, self._outputs(self._deployed()))

    def check(self, pass_: str) -> dict[str, float]:
        """Differences from what stock Caffe made."""
        if pass_ == case.FORWARD:
            return case.check_outputs(self._folder, self._outputs(self._deployed()))
        net = self._solver(case.CHECKED_SOLVER).net
        loss, gradients = self._gradients(net)
        exists = {f"{name}/0": blobs[0].data != 0 for name, blobs in net.params.items() if f"{name}/0" in gradients}
        return case.check_gradients(self._folder, loss, gradients, exists if self._absent_stays else {})

    def absent_stays_absent(self) -> None:
        """Nets that are made from here on may leave out the gradients of weights that are zero."""
        fastcaffe.absent_stays_absent()
        self._absent_stays = True

    def weights_stay(self) -> None:
        """Nobody writes the weights of deployed nets that are made from here on."""
        self._weights_stay = True

    def blobs_between_unread(self) -> None:
        """Nets for training that are made from here on may hand blobs on from layer to layer as they like."""
        fastcaffe.blobs_between_unread()

    def run(self, pass_: str, steps: int, clock: str = "perf_counter") -> float:
        """Seconds for `steps` of a pass, by a clock of the module time."""
        if pass_ not in self._runners:
            make = {case.TRAIN: self._train, case.BOTH: self._both, case.FORWARD: self._forward}
            self._runners[pass_] = make[pass_]()
        now = getattr(time, clock)
        begin = now()
        self._runners[pass_](steps)
        return float(now() - begin)

    def describe(self) -> dict[str, str]:
        """Versions, and the code that was chosen for this processor."""
        own = fastcaffe.machine() if self._fast else {"caffe": caffe.__version__}
        return {**own, **openblas(caffe._caffe.__file__)}

    def _train(self) -> Any:
        return self._solver().step

    def _both(self) -> Any:
        net = self._solver().net

        def run(steps: int) -> None:
            for _ in range(steps):
                net.clear_param_diffs()
                net.forward()
                net.backward()

        return run

    def _forward(self) -> Any:
        net = self._deployed()
        last = len(net.layers) - 1

        def run(steps: int) -> None:
            for _ in range(steps):
                net._forward(0, last)  # net.forward without its Python

        return run

    def _solver(self, prototxt: str = case.SOLVER, weights: str | None = case.WEIGHTS) -> Any:
        solver = caffe.get_solver(prototxt)
        if weights:
            solver.net.copy_from(weights)
        for blob, values in case.load(self._folder, case.TRAIN_INPUTS).items():
            solver.net.blobs[blob].data[...] = values
        self._kept = solver  # the net lives as long as its solver
        return solver

    def _deployed(self) -> Any:
        net = caffe.Net(case.DEPLOY_NET, caffe.TEST, weights=case.WEIGHTS)
        for blob, values in case.load(self._folder, case.FORWARD_INPUTS).items():
            net.blobs[blob].data[...] = values
        if self._weights_stay:
            fastcaffe.weights_stay(net)
        return net

    def _outputs(self, net: Any) -> dict[str, np.ndarray]:
        return {blob: values.copy() for blob, values in net.forward().items()}

    def _gradients(self, net: Any) -> tuple[float, dict[str, np.ndarray]]:
        """The sum of the losses, and every learnt parameter's gradient."""
        net.clear_param_diffs()
        loss = sum(float(value) for value in net.forward().values())
        net.backward()
        types = dict(zip(net._layer_names, (layer.type for layer in net.layers), strict=True))
        return loss, {
            f"{name}/{number}": blob.diff.copy()
            for name, blobs in net.params.items()
            if types[name] != "BatchNorm"
            for number, blob in enumerate(blobs)
        }
