"""The engines that frames per second are measured on are a small class each, named here.

A class is made in a process of its own with the Machine that it is to be, once a network, and has what Engine lists.
Another engine is a module with such a class and a line in ENGINES.
"""

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from evolve.base.errors import UserError
from evolve.base.machine import Machine
from trt.onnx.target import ONNX_RUNTIME, OPENVINO, TENSORRT, Target
from trt.tensorrt import gpu, which


class Engine(Protocol):
    """One network on one engine. What is missing for it is a UserError with the remedy."""

    precision: str  # of weights and arithmetic: f32, f16, bf16, int8
    device: str  # that it runs on; "" for the processor

    def load(self, folder: Path) -> None:
        """Makes the network ready to run on what is in `folder` (prepared.py): its files and its input."""

    def show(self, images: dict[str, np.ndarray]) -> None:
        """Puts other inputs, of the same shapes, in the place of those that it was loaded with."""

    def run(self) -> None:
        """One inference, from the input in memory to the outputs in memory. This is what is timed."""

    def outputs(self) -> dict[str, np.ndarray]:
        """The outputs of the last run, by the names of their blobs."""

    def describe(self) -> str:
        """Name and version."""


@dataclass(frozen=True)
class Known:
    """Where an engine's class is, and what there has to be for it."""

    module: str
    kind: str
    reads_onnx: bool
    eight_bits_for: Target | None = None  # the form of the ONNX file that it reads in eight bits, if it does

    def make(self, machine: Machine) -> Engine:
        """A new one, for one network. UserError where it cannot be had."""
        made: Callable[[Machine], Engine] = getattr(importlib.import_module(self.module), self.kind)
        return made(machine)


ENGINES = {
    "tensorrt": Known("trt.speed.engines.tensorrt_", "TensorRt", reads_onnx=False),
    "tensorrt-float": Known("trt.speed.engines.tensorrt_", "TensorRtFloat", reads_onnx=False),
    "tensorrt-int8": Known("trt.speed.engines.tensorrt_", "TensorRtInt8", reads_onnx=False, eight_bits_for=TENSORRT),
    "openvino": Known("trt.speed.engines.openvino_", "OpenVino", reads_onnx=True),
    "openvino-bfloat16": Known("trt.speed.engines.openvino_", "OpenVinoBfloat16", reads_onnx=True),
    "openvino-int8": Known("trt.speed.engines.openvino_", "OpenVinoInt8", reads_onnx=True, eight_bits_for=OPENVINO),
    "onnxruntime": Known("trt.speed.engines.onnxruntime_", "OnnxRuntime", reads_onnx=True),
    "onnxruntime-int8": Known(
        "trt.speed.engines.onnxruntime_", "OnnxRuntimeInt8", reads_onnx=True, eight_bits_for=ONNX_RUNTIME
    ),
    "c": Known("trt.speed.engines.c_", "C", reads_onnx=False),
    "caffe": Known("trt.speed.engines.caffe_", "Caffe", reads_onnx=False),
}


def default() -> str:
    """TensorRT where there is a GPU and a module for it, else OpenVINO."""
    there = gpu.name() != gpu.NONE and any(importlib.util.find_spec(name) for name in which.MODULES.values())
    return "tensorrt" if there else "openvino"


def chosen(names: str) -> list[str]:
    """The engines that ENGINE= names, separated by commas; the default without. UserError for one not known."""
    listed = [name for name in names.split(",") if name] or [default()]
    for name in listed:
        if name not in ENGINES:
            raise UserError(f"ENGINE={name}: expected one or several of {', '.join(ENGINES)}")
    return list(dict.fromkeys(listed))
