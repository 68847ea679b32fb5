"""The idx format of MNIST's files: a magic number, big-endian dimensions, then unsigned bytes.

The magic is two zero bytes, 0x08 for unsigned bytes, and the number of dimensions.
"""

import gzip
import io
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evolve.errors import UserError

LARGEST = 1 << 26  # bytes unpacked: MNIST's largest file has 47,040,016


def decode(path: Path, packed: bytes, dimensions: int) -> NDArray[np.uint8]:
    """The array in a gzipped idx file's bytes, with so many dimensions; ``path`` is for messages alone.

    Raises UserError if it is no gzip file, or its magic, dimensions and length do not agree.
    """
    try:
        # A thousand bytes can be packed into one: never more of them than MNIST has.
        with gzip.open(io.BytesIO(packed)) as file:
            content = file.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise _wrong(path, "a whole gzip file", str(error)) from None
    if len(content) > LARGEST:
        raise _wrong(path, f"at most {LARGEST} bytes unpacked", "more")
    magic = 0x0800 + dimensions
    found = int.from_bytes(content[:4], "big")
    if found != magic:
        raise _wrong(path, f"idx magic {magic} ({dimensions} dimensions of unsigned bytes)", str(found))
    start = 4 + 4 * dimensions
    shape = [int.from_bytes(content[at : at + 4], "big") for at in range(4, start, 4)]
    expected = start + int(np.prod(shape, dtype=object))
    if len(content) != expected:
        size = "x".join(map(str, shape))
        raise _wrong(path, f"{expected} bytes unpacked for its {size} header", str(len(content)))
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _wrong(path: Path, expected: str, got: str) -> UserError:
    return UserError(f"{path}: expected {expected}, got {got}; replace it with the original file")
