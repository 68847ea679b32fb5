"""TensorRT on a GPU as an engine, in half precision as on the paper's device, in float, or in eight bits."""

import sys
from pathlib import Path

import numpy as np

from evolve.base.errors import UserError
from evolve.base.machine import Machine
from evolve.runs import paths
from trt import calibration, inputs
from trt.onnx import export
from trt.speed import prepared
from trt.tensorrt import engine, gpu, logger, which
from trt.tensorrt.gpu import Cuda


class TensorRt:
    """One engine and its context; images and outputs stay in the GPU's memory."""

    precision = "f16"

    def __init__(self, machine: Machine) -> None:
        # Threads are the processor's: they do nothing here.
        self._tensorrt = which.find(machine.tensorrt)
        self.device = gpu.name()
        if self.device == gpu.NONE:
            raise UserError("tensorrt: expected a GPU that CUDA may use, found none; ENGINE=openvino needs none")
        self._cuda = Cuda()

    def load(self, folder: Path) -> None:
        out = folder / f"{self.precision}{engine.SUFFIX}"
        engine.make(self._order(folder, out), self._tensorrt, lambda line: print(line, file=sys.stderr))
        module = self._tensorrt.module
        self._logger = logger.of(module)
        self._engine = module.Runtime(self._logger).deserialize_cuda_engine(out.read_bytes())
        if self._engine is None:
            words = logger.in_its_words(self._logger.said) or "it does not say why"
            raise UserError(f"tensorrt: {self._tensorrt} does not load the engine: {words}")
        if not hasattr(self._engine, "num_io_tensors"):
            raise UserError(f"tensorrt: {self._tensorrt} is older than 8.5; `make tx1` has programs for it")
        self._context = self._engine.create_execution_context()
        self._bind(prepared.inputs(folder))

    def show(self, images: dict[str, np.ndarray]) -> None:
        for name, values in images.items():
            self._cuda.fill(self._inputs[name], values)

    def run(self) -> None:
        if not self._context.execute_async_v3(self._cuda.stream):
            raise UserError(f"tensorrt: {logger.in_its_words(self._logger.said) or 'the engine did not run'}")
        self._cuda.wait()

    def outputs(self) -> dict[str, np.ndarray]:
        return {name: self._cuda.fetch(address, np.empty(shape, np.float32))
                for name, (address, shape) in self._outputs.items()}  # fmt: skip

    def describe(self) -> str:
        return str(self._tensorrt)

    def _bind(self, images: dict[str, np.ndarray]) -> None:
        """Memory for each blob that goes in or comes out, in 32 bits: an engine's edges are, in fewer bits too."""
        self._inputs, self._outputs = {}, {}
        for number in range(self._engine.num_io_tensors):
            name = self._engine.get_tensor_name(number)
            shape = tuple(self._engine.get_tensor_shape(name))
            address = self._cuda.holding(images[name] if name in images else np.zeros(shape, np.float32))
            self._context.set_tensor_address(name, address)
            if name in images:
                self._inputs[name] = address
            else:
                self._outputs[name] = (address, shape)

    def _order(self, folder: Path, out: Path) -> engine.Order:
        pair = export.read(folder / paths.DEPLOY, folder / paths.WEIGHTS)
        return engine.Order(pair, out, True, inputs.of_file(folder / prepared.INPUTS, pair))


class TensorRtFloat(TensorRt):
    """The same in 32 bits."""

    precision = "f32"

    def _order(self, folder: Path, out: Path) -> engine.Order:
        return engine.Order(export.read(folder / paths.DEPLOY, folder / paths.WEIGHTS), out, False, None)


class TensorRtInt8(TensorRt):
    """The same in eight bits, by explicit quantisation."""

    precision = prepared.EIGHT_BITS

    def _order(self, folder: Path, out: Path) -> engine.Order:
        pair = export.read(folder / paths.DEPLOY, folder / paths.WEIGHTS)
        seen = calibration.kept(folder / prepared.CALIBRATION)
        return engine.Order(pair, out, False, None, calibration=seen)
