"""Which TensorRT is here is asked once: NVIDIA's TensorRT, or TensorRT-RTX, which builds engines without a GPU too."""

import importlib
import importlib.util
from dataclasses import dataclass
from typing import Any

from evolve.base.errors import UserError
from trt.tensorrt import gpu

MODULES = {"tensorrt": "tensorrt", "rtx": "tensorrt_rtx"}  # TENSORRT= -> the module that it is
_NAMES = {"tensorrt": "TensorRT", "rtx": "TensorRT-RTX"}
_REMEDY = (
    "`make engine TENSORRT=rtx` installs TensorRT-RTX, which builds without a GPU (pip install tensorrt-rtx, 96 MB); "
    "TensorRT itself, for a GPU that is here: pip install tensorrt"
)


@dataclass(frozen=True)
class TensorRT:
    """A TensorRT: its Python module, what it is called, and its version."""

    name: str
    module: Any

    def __str__(self) -> str:
        return f"{self.name} {self.module.__version__}"


def find(wanted: str = "") -> TensorRT:
    """The `wanted` TensorRT, "tensorrt" or "rtx"; without a wish TensorRT where there is a GPU, else TensorRT-RTX.

    UserError with what is missing and which command installs it.
    """
    if wanted and wanted not in MODULES:
        raise UserError(f"TENSORRT={wanted}: expected {' or '.join(MODULES)}")
    order = [wanted] if wanted else sorted(MODULES, reverse=gpu.name() != gpu.NONE)
    there = [each for each in order if importlib.util.find_spec(MODULES[each])]
    if not there:
        modules = " or ".join(MODULES[each] for each in order)
        raise UserError(f"engine: expected the Python module {modules}, found none; {_REMEDY}")
    return _imported(there[0])


def _imported(which: str) -> TensorRT:
    try:
        module = importlib.import_module(MODULES[which])
        if not hasattr(module, "Builder"):
            raise ImportError("it has no Builder")
    except (ImportError, OSError) as error:
        raise UserError(f"engine: the Python module {MODULES[which]} does not load: {error}; {_REMEDY}") from None
    return TensorRT(_NAMES[which], module)
