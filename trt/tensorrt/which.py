"""Which TensorRT is here: NVIDIA's TensorRT, or TensorRT-RTX, which builds engines without a GPU too.

The GPU that an engine is built for, as the CUDA driver names it; no CUDA toolkit is needed.
"""

import ctypes
import importlib
import importlib.util
from dataclasses import dataclass
from typing import Any

from evolve.base.errors import UserError

NONE = "no GPU"
_MAJOR, _MINOR = 75, 76  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_…


def name(library: str = "libcuda.so.1") -> str:
    """Name and compute capability of the first GPU that CUDA may use, ``NVIDIA Tegra X1 (5.3)``; else ``no GPU``."""
    try:
        driver = ctypes.CDLL(library)
    except OSError:
        return NONE
    device, words = ctypes.c_int(), ctypes.create_string_buffer(256)
    if driver.cuInit(0) or driver.cuDeviceGet(ctypes.byref(device), 0):
        return NONE
    if driver.cuDeviceGetName(words, len(words), device):
        return NONE
    numbers = [ctypes.c_int(), ctypes.c_int()]
    for number, attribute in zip(numbers, (_MAJOR, _MINOR), strict=True):
        driver.cuDeviceGetAttribute(ctypes.byref(number), attribute, device)
    return f"{words.value.decode(errors='replace')} ({numbers[0].value}.{numbers[1].value})"


MODULES = {"tensorrt": "tensorrt", "rtx": "tensorrt_rtx"}  # TENSORRT= -> the module that it is
_NAMES = {"tensorrt": "TensorRT", "rtx": "TensorRT-RTX"}
_REMEDY = (
    "`make engine TENSORRT=rtx` installs TensorRT-RTX, which builds without a GPU (pip install tensorrt-rtx, 96 MB); "
    "TensorRT itself, for a GPU that is here: pip install tensorrt"
)


@dataclass(frozen=True)
class Flavour:
    """A TensorRT: its Python module, what it is called, and its version."""

    name: str
    module: Any

    def __str__(self) -> str:
        return f"{self.name} {self.module.__version__}"


def find(wanted: str = "") -> Flavour:
    """The `wanted` TensorRT, "tensorrt" or "rtx"; without a wish TensorRT where there is a GPU, else TensorRT-RTX.

    UserError with what is missing and which command installs it.
    """
    if wanted and wanted not in MODULES:
        raise UserError(f"TENSORRT={wanted}: expected {' or '.join(MODULES)}")
    order = [wanted] if wanted else sorted(MODULES, reverse=name() != NONE)
    there = [each for each in order if importlib.util.find_spec(MODULES[each])]
    if not there:
        modules = " or ".join(MODULES[each] for each in order)
        raise UserError(f"engine: expected the Python module {modules}, found none; {_REMEDY}")
    return _imported(there[0])


def _imported(which: str) -> Flavour:
    try:
        module = importlib.import_module(MODULES[which])
        if not hasattr(module, "Builder"):
            raise ImportError("it has no Builder")
    except (ImportError, OSError) as error:
        raise UserError(f"engine: the Python module {MODULES[which]} does not load: {error}; {_REMEDY}") from None
    return Flavour(_NAMES[which], module)
