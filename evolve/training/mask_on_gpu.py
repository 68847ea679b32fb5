"""A mask where the gradients are: they are multiplied on the device, by Caffe's own kernel, one launch for each blob.

pycaffe's `diff` would copy each gradient to the host and back in every iteration. Here masks are copied to the device
once, into the blobs of a net that does nothing else, and what is handed to Caffe's `caffe_gpu_mul` are addresses.
"""

import ctypes
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.training.mask import Mask

# caffe_gpu_mul<float>(int count, const float* a, const float* b, float* product) of util/math_functions.cu.
_MULTIPLY = "_ZN5caffe13caffe_gpu_mulIfEEviPKT_S3_PS1_"


class Device(Protocol):
    """Where gradients are multiplied."""

    def keep(self, arrays: Sequence[np.ndarray]) -> list[int]:
        """Copies float32 arrays there, for as long as this object lives; their addresses."""
        ...

    def multiply(self, count: int, mask: int, gradient: int) -> None:
        """gradient *= mask, of `count` numbers each, at these addresses."""
        ...


class CaffesGpu:
    """The GPU that this process's Caffe computes on."""

    def __init__(self, caffe: Any) -> None:
        self._caffe = caffe
        self._kernel = getattr(ctypes.CDLL(caffe._caffe.__file__), _MULTIPLY)
        self._kernel.argtypes, self._kernel.restype = [ctypes.c_int, *[ctypes.c_void_p] * 3], None

    def keep(self, arrays: Sequence[np.ndarray]) -> list[int]:
        """Copies arrays into the blobs of a net without weights."""
        self._kept = holding(self._caffe, arrays)
        return [blob._gpu_data_ptr for blob in self._kept.blobs.values()]

    def multiply(self, count: int, mask: int, gradient: int) -> None:
        """Caffe's kernel on the stream of the passes and the update: after the ones, before the other."""
        self._kernel(count, mask, gradient, gradient)


def holding(caffe: Any, arrays: Sequence[np.ndarray]) -> Any:
    """A net whose blobs, in order, are these arrays, flat."""
    net = caffe_pb2.NetParameter(name="masks")
    for number, array in enumerate(arrays):
        layer = net.layer.add(name=f"mask{number}", type="Input", top=[f"mask{number}"])
        layer.input_param.shape.add(dim=[array.size])
    with tempfile.TemporaryDirectory() as folder:
        prototxt_text.write(net, Path(folder, "masks.prototxt"))
        made = caffe.Net(f"{folder}/masks.prototxt", caffe.TEST)
    for blob, array in zip(made.blobs.values(), arrays, strict=True):
        blob.data[...] = array.ravel()
    return made


def available(caffe: Any) -> bool:
    """Whether this Caffe shows its addresses and the kernel; older ones and NVIDIA's own may not."""
    return hasattr(caffe._caffe.Blob, "_gpu_diff_ptr") and hasattr(ctypes.CDLL(caffe._caffe.__file__), _MULTIPLY)


def on_gradients(mask: Mask, device: Device) -> Callable[[], None]:
    """What `mask.on_gradients` does, on the device."""
    masked = [(blob, exists.size) for blob, exists in mask.blobs]
    kept = device.keep([exists for _, exists in mask.blobs])

    def multiply_all() -> None:
        for (blob, count), there in zip(masked, kept, strict=True):
            # Asked for anew each time: that is how Caffe learns that the device's copy is the newest.
            device.multiply(count, there, blob._gpu_diff_ptr)

    return multiply_all
