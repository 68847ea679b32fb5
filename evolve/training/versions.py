"""Versions say which Caffe, which BLAS and which layers a result comes from, fastcaffe's or stock Caffe's own.

Runs in the worker.
"""

import ctypes
from pathlib import Path
from typing import Any

import caffe
import numpy

from evolve.base.machine import Machine, of_this_process

_enabled: dict[str, Any] = {"layers": "stock"}


def enable(machine: Machine) -> None:
    """Makes this process's layers fast unless `machine` has stock ones or they cannot be had; `which` says which.

    Call it after `import caffe`.
    """
    global _enabled
    if not machine.fast:
        return
    if machine.gpu is not None:
        _enabled = {"layers": "stock", "why": "on a GPU there are no fast layers, which are for CPUs"}
        return
    try:
        import fastcaffe

        types = fastcaffe.enable(threads=max(1, machine.threads))
        _enabled = {"layers": "fast", "fast_types": types, **fastcaffe.machine()}
    except Exception as error:
        # Whatever is wrong with them, stock Caffe does the same work.
        _enabled = {"layers": "stock", "why": str(error)}


def on_gpu(device: str) -> None:
    """Notes the GPU that this process computes on; "" is none."""
    if device:
        _enabled["gpu"] = device


def which() -> dict[str, Any]:
    """``layers`` fast or stock, and what the fast ones' bits depend on or why there are none."""
    return dict(_enabled)


def versions() -> dict[str, Any]:
    """Versions, paths and settings that a result depends on."""
    return {
        "caffe": caffe.__version__,
        "caffe_path": str(Path(caffe.__file__).parent),
        "layer_types": len(caffe.layer_type_list()),
        "numpy": numpy.__version__,
        "blas_threads": of_this_process().blas_threads,
        **_blas(),
        **which(),
    }


def _blas() -> dict[str, str]:
    """The BLAS that Caffe is linked with: OpenBLAS says its version and the kernels it chose for this core.

    Others in this process, NumPy's and OpenCV's, are not asked: names are looked up in Caffe and what it needs alone.
    """
    library = ctypes.CDLL(caffe._caffe.__file__)
    if not hasattr(library, "openblas_get_config"):
        return {"blas": "other than OpenBLAS", "core": "unknown"}
    library.openblas_get_config.restype = library.openblas_get_corename.restype = ctypes.c_char_p
    return {
        "blas": library.openblas_get_config().decode().strip(),
        "core": library.openblas_get_corename().decode().strip(),
    }
