"""What a pickle may name: NumPy's functions that rebuild an array, as marks that nothing calls, and the array itself.

NumPy takes an ndarray apart as ``_reconstruct(ndarray, (0,), b"b")`` with the state (version, shape, dtype, whether by
columns, bytes), and a dtype of numbers as ``dtype("u1", 0, 1)`` with the state (version, byte order, nothing).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

_NUMBERS = ("b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8")


@dataclass
class Name:
    """A function that the pickle names."""

    name: str


@dataclass
class Made:
    """What such a function is to make, an "ndarray" or a "dtype"; ``state`` is told afterwards."""

    name: str
    of: tuple[Any, ...]
    state: Any = None


def called(function: Any, arguments: Any) -> Made:
    """What a call asks for; ValueError unless it is one of these two."""
    match function, arguments:
        case Name("_reconstruct"), (Name("ndarray"), (0,), _):
            return Made("ndarray", ())
        case Name("dtype"), (str() | bytes() as letters, 0 | 1, 0 | 1):
            return Made("dtype", (letters,))
    raise ValueError("a call that makes no array")


def array_of(state: Any) -> np.ndarray:
    """The array of that state, on its very bytes; ValueError if it is none of plain numbers."""
    version, shape, kind, by_columns, values = state
    if version != 1 or not isinstance(values, bytes) or not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError("an array of something else than numbers")
    array: np.ndarray = np.frombuffer(values, _dtype(kind))
    return array.reshape(shape, order="F" if by_columns is True else "C")


def _dtype(kind: Any) -> np.dtype:
    match kind:
        case Made("dtype", (letters,), (int(), order, None, None, None, -1, -1, 0)):
            written = _text(order).replace("|", "=") + _text(letters)
            if written[0] in "<>=" and written[1:] in _NUMBERS:
                return np.dtype(written)
    raise ValueError("an array of something else than numbers")


def _text(word: Any) -> str:
    return word.decode("ascii", "replace") if isinstance(word, bytes) else str(word)


