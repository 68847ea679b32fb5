"""The GPU that an engine is built for, as the CUDA driver names it; no CUDA toolkit is needed."""

import ctypes

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
