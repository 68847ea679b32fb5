"""Memory of the GPU through CUDA's own library, by ctypes: no pycuda is needed. Python 3.6."""

import ctypes

import numpy

_TO_DEVICE, _TO_HOST = 1, 2  # cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost


class CudaError(Exception):
    """CUDA refused: which call, and its number for that."""


_NAMES = ["libcudart.so" + version for version in ("", ".12", ".11.0", ".10.2", ".10.0", ".9.0", ".8.0")]


def library(names=_NAMES):
    """CUDA's runtime. CudaError where none of `names` is on the library path."""
    for name in names:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    raise CudaError("found no libcudart.so; add CUDA's folder of libraries to LD_LIBRARY_PATH")


class Buffer:
    """A piece of the GPU's memory that holds a copy of `values`, a numpy array."""

    def __init__(self, cuda, values):
        self._cuda = cuda
        self._place = ctypes.c_void_p()
        _call(cuda, "cudaMalloc", ctypes.byref(self._place), ctypes.c_size_t(values.nbytes))
        self.fill(values)

    @property
    def address(self):
        """What TensorRT calls a binding."""
        return int(self._place.value)

    def fill(self, values):
        """Puts other values of the same size there."""
        values = numpy.ascontiguousarray(values)
        self._copy(self._place, values.ctypes.data_as(ctypes.c_void_p), values, _TO_DEVICE)

    def into(self, values):
        """Copies what is there into an array of the same size, and returns that."""
        self._copy(values.ctypes.data_as(ctypes.c_void_p), self._place, values, _TO_HOST)
        return values

    def _copy(self, target, source, values, way):
        _call(self._cuda, "cudaMemcpy", target, source, ctypes.c_size_t(values.nbytes), way)

    def free(self):
        """Gives the memory back."""
        _call(self._cuda, "cudaFree", self._place)


def _call(cuda, name, *arguments):
    status = getattr(cuda, name)(*arguments)
    if status:
        raise CudaError("%s failed with CUDA's error %d" % (name, status))
