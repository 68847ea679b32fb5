"""OpenVINO's CPU plugin as an engine, in 32 bits, bfloat16 or 8: by itself it takes bfloat16 where it can."""

import sys
from pathlib import Path

import numpy as np

from evolve.base.errors import UserError
from evolve.base.machine import Machine
from trt.onnx.target import OPENVINO
from trt.speed import prepared

# Its package brings one that reports to its makers who converts what; with None here it is not loaded.
sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
try:
    import openvino
except ImportError:
    raise UserError("openvino is not installed; `make bench` installs it, or pip install openvino") from None


class OpenVino:
    """One stream of inferences on the machine's threads."""

    precision, kind, hint = "f32", "", "f32"
    device = ""

    def __init__(self, machine: Machine) -> None:
        threads = machine.threads
        self._properties = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": self.hint}

    def load(self, folder: Path) -> None:
        core, file = openvino.Core(), prepared.onnx_file(folder, self.kind, OPENVINO)
        if self.hint == "bf16" and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            raise UserError("openvino: expected a processor with bfloat16 (avx512_bf16, amx), got one without it")
        self._request = core.compile_model(file, "CPU", self._properties).create_infer_request()
        self.show(prepared.inputs(folder))

    def show(self, images: dict[str, np.ndarray]) -> None:
        # A tensor that shares an array's memory does not keep it alive.
        self._images = images
        for name, values in images.items():
            self._request.set_tensor(name, openvino.Tensor(values, shared_memory=True))

    def run(self) -> None:
        self._request.infer(share_inputs=True, share_outputs=True)

    def outputs(self) -> dict[str, np.ndarray]:
        # What is the same values under several names is one output with them all.
        made = {each: np.array(self._request.get_tensor(each).data) for each in self._request.model_outputs}
        return {name: values for each, values in made.items() for name in each.get_names()}

    def describe(self) -> str:
        return f"openvino {openvino.__version__}"


class OpenVinoBfloat16(OpenVino):
    """The same in bfloat16, where the processor computes in it."""

    precision = hint = "bf16"


class OpenVinoInt8(OpenVino):
    """The same in eight bits."""

    precision = kind = prepared.EIGHT_BITS
