"""Arrays of a .npy or .npz file, believed only as far as its length goes: no pickles, no more memory than it holds.

NumPy's own reader takes the memory that a header asks for before it looks whether the file is as long, reads every
array of an archive, and lets through whatever a broken one makes it stumble over.
"""

import math
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy

from evolve.errors import UserError

SHOWN = 200  # letters of what was wrong
_KINDS = "biuf"  # bool, int, unsigned, float
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def read(path: Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    """The arrays called `names` of a .npz file, as far as it has them; the one of a .npy file, as the first of these.

    Without any of `names` in a .npz file UserError lists what there is; UserError too for any other file.
    """
    try:
        if zipfile.is_zipfile(path):
            return _unpacked(path, names)
        with open(path, "rb") as file:
            return {names[0]: _array(file, path.stat().st_size)}
    except UserError:
        raise
    except Exception as error:  # what a broken archive makes its reader stumble over may be anything
        got = f"{error or type(error).__name__}"[:SHOWN]
        raise UserError(f"{path}: expected a .npy or .npz file of arrays, got: {got}") from None


def _unpacked(path: Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(path) as archive:
        held = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        found = {}
        for name in names:
            if name in held:
                with archive.open(held[name]) as file:
                    found[name] = _array(file, held[name].file_size)
    if not found:
        listed = ", ".join(held)[:SHOWN] or "none"
        raise UserError(f"{path}: expected an array for input '{names[0]}', got {listed}")
    return found


def _array(file: IO[bytes], held: int) -> np.ndarray:
    """The array in `held` bytes; ValueError if it is none of numbers, or longer or shorter than its header says."""
    version = npy.read_magic(file)
    if version not in _HEADERS:
        raise ValueError(f"version {version} of the format")
    shape, fortran, kind = _HEADERS[version](file)
    if kind.kind not in _KINDS or min(shape, default=0) < 0:
        raise ValueError(f"{' x '.join(map(str, shape))} of {kind}, where numbers were expected")
    wanted, there = math.prod(shape) * kind.itemsize, held - file.tell()
    if wanted != there:
        raise ValueError(f"{there} bytes for {' x '.join(map(str, shape))} numbers of {kind.itemsize}")
    values = np.frombuffer(file.read(wanted), kind)
    return values.reshape(shape, order="F" if fortran else "C")
