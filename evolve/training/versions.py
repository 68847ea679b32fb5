"""Which Caffe and which BLAS this is. Runs in the worker."""

import ctypes
import os
from pathlib import Path
from typing import Any

import caffe
import numpy

from evolve.training import layers


def versions(report: Any = None) -> dict[str, Any]:
    """Versions, paths and settings that a result depends on."""
    return {
        "caffe": caffe.__version__,
        "caffe_path": str(Path(caffe.__file__).parent),
        "layer_types": len(caffe.layer_type_list()),
        "numpy": numpy.__version__,
        "blas_threads": int(os.environ.get("OPENBLAS_NUM_THREADS", 0)),
        **_blas(),
        **layers.which(),
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
