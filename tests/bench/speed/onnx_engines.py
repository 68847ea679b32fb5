"""Engines that only infer, from an ONNX file: ONNX Runtime and OpenVINO in 32 bits, called as `make bench` does."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.bench.speed import case

Inputs = dict[str, np.ndarray]


class OnnxRuntimeEngine:
    """ONNX Runtime's own CPU kernels."""

    def __init__(self, folder: Path, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Between its turns it shall sleep: the other engines need the cores.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        session = onnxruntime.InferenceSession(folder / case.ONNX, options, providers=["CPUExecutionProvider"])
        self._folder = folder
        self._version = onnxruntime.__version__
        self._inputs = case.load(folder, case.FORWARD_INPUTS)
        self._names = [output.name for output in session.get_outputs()]
        self._binding = session.io_binding()
        for name, values in self._inputs.items():
            self._binding.bind_cpu_input(name, values)
        for name in self._names:
            self._binding.bind_output(name, "cpu")
        self._infer = lambda: session.run_with_iobinding(self._binding)

    def check(self, pass_: str) -> dict[str, float]:
        """Differences from stock Caffe."""
        self._infer()
        return case.check_outputs(
            self._folder, dict(zip(self._names, self._binding.copy_outputs_to_cpu(), strict=True))
        )

    def run(self, pass_: str, steps: int, clock: str = "perf_counter") -> float:
        """Seconds for `steps` inferences, by a clock of the module time."""
        return _seconds(self._infer, steps, clock)

    def describe(self) -> dict[str, str]:
        return {"onnxruntime": self._version}


class OpenVinoEngine:
    """OpenVINO's CPU plugin, told to keep to 32 bits, one stream."""

    def __init__(self, folder: Path, threads: int) -> None:
        import openvino

        properties = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32"}
        compiled = openvino.Core().compile_model(folder / case.ONNX, "CPU", properties)
        self._folder = folder
        self._version = openvino.__version__
        self._inputs = case.load(folder, case.FORWARD_INPUTS)
        self._request = compiled.create_infer_request()
        for name, values in self._inputs.items():
            self._request.set_tensor(name, openvino.Tensor(values, shared_memory=True))

    def check(self, pass_: str) -> dict[str, float]:
        """Differences from stock Caffe."""
        self._request.infer()
        outputs = self._request.model_outputs
        return case.check_outputs(
            self._folder, {output.get_any_name(): self._request.get_tensor(output).data.copy() for output in outputs}
        )

    def run(self, pass_: str, steps: int, clock: str = "perf_counter") -> float:
        """Seconds for `steps` inferences, by a clock of the module time."""
        return _seconds(lambda: self._request.infer(share_inputs=True, share_outputs=True), steps, clock)

    def describe(self) -> dict[str, str]:
        return {"openvino": self._version}


def _seconds(infer: Callable[[], object], steps: int, clock: str) -> float:
    now = getattr(time, clock)
    begin = now()
    for _ in range(steps):
        infer()
    return float(now() - begin)
