"""Which Caffe and which BLAS this is. Runs in the worker.

Which code Caffe's layers run on: the fast ones of fastcaffe, or stock Caffe's own. Runs in the worker.
"""

import ctypes
import os
from pathlib import Path
from typing import Any

import caffe
import numpy

_enabled: dict[str, Any] = {"layers": "stock"}


def enable() -> None:
    """Makes this process's layers fast, unless FAST=0 says otherwise or they cannot be had; `which` says how it went.

    They run on THREADS threads (1 by default). Call it after `import caffe`.
    """
    global _enabled
    if os.environ.get("FAST") == "0":
        return
    try:
        import fastcaffe

        types = fastcaffe.enable(threads=int(os.environ.get("THREADS", "1")))
        _enabled = {"layers": "fast", "fast_types": types, **fastcaffe.machine()}
    except Exception as error:
        # Whatever is wrong with them, stock Caffe does the same work.
        _enabled = {"layers": "stock", "why": str(error)}


def which(report: Any = None) -> dict[str, Any]:
    """``layers`` fast or stock, and what the fast ones' bits depend on or why there are none."""
    return dict(_enabled)


def versions(report: Any = None) -> dict[str, Any]:
    """Versions, paths and settings that a result depends on."""
    return {
        "caffe": caffe.__version__,
        "caffe_path": str(Path(caffe.__file__).parent),
        "layer_types": len(caffe.layer_type_list()),
        "numpy": numpy.__version__,
        "blas_threads": int(os.environ.get("OPENBLAS_NUM_THREADS", 0)),
        **_blas(),
        **which(),
    }


def _blas() -> dict[str, str]:
    """The BLAS that Caffe is linked with: OpenBLAS says its version and the kernels it chose for this core."""
    for path in _loaded_libraries():
        if "libopenblas" in path and "numpy" not in path:
            library = ctypes.CDLL(path)
            library.openblas_get_config.restype = library.openblas_get_corename.restype = ctypes.c_char_p
            return {
                "blas": library.openblas_get_config().decode().strip(),
                "core": library.openblas_get_corename().decode().strip(),
            }
    return {"blas": "other than OpenBLAS", "core": "unknown"}


def _loaded_libraries() -> list[str]:
    maps = Path("/proc/self/maps")
    if not maps.exists():
        return []
    return sorted({line.split()[-1] for line in maps.read_text().splitlines() if ".so" in line})
