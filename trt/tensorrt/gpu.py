"""The GPU is reached through CUDA's driver, by ctypes: its name, and memory on it.

Where a GPU is, so is its driver; no CUDA toolkit is needed.
"""

import ctypes
from typing import Any

import numpy as np

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


class Cuda:
    """The first GPU's own context, the one that TensorRT works in, and a stream in it."""

    def __init__(self, library: Any = None) -> None:
        try:
            self._driver = library or ctypes.CDLL("libcuda.so.1")
        except OSError:
            raise UserError("found no libcuda.so.1: there is no driver for a GPU here") from None
        device, context, self._stream = ctypes.c_int(), ctypes.c_void_p(), ctypes.c_void_p()
        self._call("cuInit", 0)
        self._call("cuDeviceGet", ctypes.byref(device), 0)
        self._call("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
        self._call("cuCtxSetCurrent", context)
        self._call("cuStreamCreate", ctypes.byref(self._stream), 0)

    @property
    def stream(self) -> int:
        """What TensorRT calls a stream."""
        return int(self._stream.value or 0)

    def holding(self, values: np.ndarray) -> int:
        """The address of new memory on the GPU that holds a copy of `values`; it is there as long as the process."""
        address = ctypes.c_uint64()
        self._call("cuMemAlloc_v2", ctypes.byref(address), ctypes.c_size_t(values.nbytes))
        self.fill(int(address.value), values)
        return int(address.value)

    def fill(self, address: int, values: np.ndarray) -> None:
        """Copies `values` into memory of the GPU that is as large."""
        values = np.ascontiguousarray(values)
        self._call("cuMemcpyHtoD_v2", ctypes.c_uint64(address), _pointer(values), ctypes.c_size_t(values.nbytes))

    def fetch(self, address: int, into: np.ndarray) -> np.ndarray:
        """Copies memory of the GPU into an array, and returns that."""
        self._call("cuMemcpyDtoH_v2", _pointer(into), ctypes.c_uint64(address), ctypes.c_size_t(into.nbytes))
        return into

    def wait(self) -> None:
        """Until all that the stream was given is done."""
        self._call("cuStreamSynchronize", self._stream)

    def _call(self, name: str, *arguments: Any) -> None:
        status = getattr(self._driver, name)(*arguments)
        if status:
            raise UserError(f"{name} failed with CUDA's error {status}")


def _pointer(values: np.ndarray) -> ctypes.c_void_p:
    return values.ctypes.data_as(ctypes.c_void_p)
