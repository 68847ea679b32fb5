"""PyTorch, eager, as it comes; and with its tensors channels last."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.network import weights
from tests.bench.speed import case
from tests.bench.speed.torch_net import TorchNet


class TorchEngine:
    """PyTorch on a case's folder."""

    def __init__(self, folder: Path, threads: int, channels_last: bool = False) -> None:
        torch.set_num_threads(threads)
        torch.set_num_interop_threads(1)
        self._folder = folder
        self._format = torch.channels_last if channels_last else torch.contiguous_format
        self._runners: dict[str, Callable[[], None]] = {}

    def make(self) -> None:
        """The deploy net as an ONNX file, for the engines that read those."""
        net, inputs = self._deployed()
        names = {"input_names": net.inputs, "output_names": net.outputs}
        torch.onnx.export(net, tuple(inputs), self._folder / case.ONNX, dynamo=False, opset_version=17, **names)

    def check(self, pass_: str) -> dict[str, float]:
        """Differences from stock Caffe."""
        if pass_ == case.FORWARD:
            net, inputs = self._deployed()
            with torch.inference_mode():
                return case.check_outputs(
                    self._folder, {name: out.numpy() for name, out in zip(net.outputs, net(*inputs), strict=True)}
                )
        net, inputs = self._training(case.CHECKED_NET)
        loss = _loss(net, inputs)
        loss.backward()
        gradients = {name: _array(parameter.grad) for name, parameter in net.parameter_names.items()}
        return case.check_gradients(self._folder, loss.item(), gradients)

    def run(self, pass_: str, steps: int, clock: str = "perf_counter") -> float:
        """Seconds for `steps` of a pass, by a clock of the module time."""
        if pass_ not in self._runners:
            make = {case.TRAIN: self._train, case.BOTH: self._both, case.FORWARD: self._forward}
            self._runners[pass_] = make[pass_]()
        step = self._runners[pass_]
        with torch.inference_mode(pass_ == case.FORWARD):
            now = getattr(time, clock)
            begin = now()
            for _ in range(steps):
                step()
            return float(now() - begin)

    def describe(self) -> dict[str, str]:
        """Versions, and the code that was chosen for this processor."""
        return {"torch": torch.__version__, "cpu_capability": torch.backends.cpu.get_cpu_capability()}

    def _train(self) -> Callable[[], None]:
        net, inputs = self._training()
        solver = prototxt_text.read(self._folder / case.SOLVER, caffe_pb2.SolverParameter())
        groups = [
            {"params": [parameter], "lr": solver.base_lr * rate, "weight_decay": solver.weight_decay * decay}
            for name, parameter in net.parameter_names.items()
            for rate, decay in [net.multipliers[name]]
        ]
        optimizer = torch.optim.SGD(_merged(groups), momentum=solver.momentum)

        def step() -> None:
            optimizer.zero_grad()
            _loss(net, inputs).backward()
            optimizer.step()

        return step

    def _both(self) -> Callable[[], None]:
        net, inputs = self._training()

        def step() -> None:
            net.zero_grad()
            _loss(net, inputs).backward()

        return step

    def _forward(self) -> Callable[[], None]:
        net, inputs = self._deployed()
        return lambda: net(*inputs)

    def _training(self, prototxt: str = case.TRAIN_NET) -> tuple[TorchNet, list[Tensor]]:
        net, inputs = self._net(prototxt, case.TRAIN_INPUTS)
        return net.train(), [each.long() if each.ndim == 1 else each for each in inputs]

    def _deployed(self) -> tuple[TorchNet, list[Tensor]]:
        net, inputs = self._net(case.DEPLOY_NET, case.FORWARD_INPUTS)
        return net.eval(), inputs

    def _net(self, prototxt: str, inputs: str) -> tuple[TorchNet, list[Tensor]]:
        net = prototxt_text.read(self._folder / prototxt, caffe_pb2.NetParameter())
        module = TorchNet(net, weights.read(self._folder / case.WEIGHTS)).to(memory_format=self._format)
        arrays = case.load(self._folder, inputs)
        return module, [self._placed(torch.from_numpy(arrays[name])) for name in module.inputs]

    def _placed(self, tensor: Tensor) -> Tensor:
        return tensor.contiguous(memory_format=self._format) if tensor.ndim == 4 else tensor


def _loss(net: TorchNet, inputs: list[Tensor]) -> Tensor:
    losses = net(*inputs)
    return losses[0] if len(losses) == 1 else torch.stack(losses).sum()


def _merged(groups: list[dict]) -> list[dict]:
    """One group for each pair of rate and decay, as one would write them by hand."""
    merged: dict[tuple[float, float], dict] = {}
    for group in groups:
        same = merged.setdefault((group["lr"], group["weight_decay"]), {**group, "params": []})
        same["params"] += group["params"]
    return list(merged.values())


def _array(gradient: Tensor) -> np.ndarray:
    return gradient.contiguous().numpy()
