"""Pickles from a stranger, read without running what they ask for: plain values and NumPy arrays, nothing else.

A pickle is a program: it names functions and calls them. Here it may name the three that rebuild an array.
"""

import io
import pickle
from typing import Any

import numpy as np

# numpy.core moved in NumPy 2; an ndarray's own way of taking itself apart names the function in either.
_RECONSTRUCT = np.ndarray((0,)).__reduce__()[0]
_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


class _Arrays(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name}, which no array needs")
        return _ALLOWED[module, name]


def loads(content: bytes) -> Any:
    """The value in ``content``; strings of Python 2 as bytes. ValueError if it is none, or asks for more."""
    try:
        return _Arrays(io.BytesIO(content), encoding="bytes").load()
    except Exception as error:  # a broken pickle may raise anything
        raise ValueError(str(error)) from None
