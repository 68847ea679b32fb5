"""ONNX Runtime's own CPU kernels as an engine."""

from pathlib import Path

import numpy as np

from evolve.base.errors import UserError
from evolve.base.machine import Machine
from trt.onnx.target import ONNX_RUNTIME
from trt.speed import prepared

try:
    import onnxruntime
except ImportError:
    raise UserError("onnxruntime is not installed; `make bench` installs it, or pip install onnxruntime") from None


class OnnxRuntime:
    """One session on the machine's threads, its inputs and outputs bound to memory."""

    precision, kind, form = "f32", "", ONNX_RUNTIME
    device = ""

    def __init__(self, machine: Machine) -> None:
        self._options = onnxruntime.SessionOptions()
        self._options.intra_op_num_threads = machine.threads
        self._options.inter_op_num_threads = 1
        self._options.log_severity_level = 3
        # Between its turns it shall sleep: others need the cores.
        self._options.add_session_config_entry("session.force_spinning_stop", "1")

    def load(self, folder: Path) -> None:
        self._session = onnxruntime.InferenceSession(
            prepared.onnx_file(folder, self.kind, self.form), self._options, providers=["CPUExecutionProvider"]
        )
        self._binding = self._session.io_binding()
        self._asked = {each.name for each in self._session.get_inputs()}
        self.show(prepared.inputs(folder))
        self._names = [each.name for each in self._session.get_outputs()]
        for name in self._names:
            self._binding.bind_output(name, "cpu")

    def show(self, images: dict[str, np.ndarray]) -> None:
        # The binding may share their memory, and does not keep it alive.
        self._images = images
        for name in self._asked & images.keys():
            self._binding.bind_cpu_input(name, images[name])

    def run(self) -> None:
        self._session.run_with_iobinding(self._binding)

    def outputs(self) -> dict[str, np.ndarray]:
        return dict(zip(self._names, self._binding.copy_outputs_to_cpu(), strict=True))

    def describe(self) -> str:
        return f"onnxruntime {onnxruntime.__version__}"


class OnnxRuntimeInt8(OnnxRuntime):
    """The same in eight bits."""

    precision = kind = prepared.EIGHT_BITS
