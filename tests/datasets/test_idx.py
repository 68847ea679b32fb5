"""idx files: what was packed comes back, and every broken one is named with what is wrong."""

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from evolve.base.errors import UserError
from evolve.datasets import lookup

mnist = lookup.module("mnist")

FILE = Path("some-idx.gz")
MEND = "replace it with the original file"


@given(array=st.integers(1, 3).flatmap(lambda d: arrays.arrays(np.uint8, (2, 3, 4)[:d])))
def test_what_was_packed_comes_back(array: np.ndarray) -> None:
    header = b"".join(size.to_bytes(4, "big") for size in (0x0800 + array.ndim, *array.shape))
    packed = gzip.compress(header + array.tobytes(), compresslevel=1)
    assert np.array_equal(mnist.decode(FILE, packed, array.ndim), array)


def test_labels_where_images_should_be(pack: Callable[[np.ndarray], bytes]) -> None:
    with pytest.raises(UserError) as error:
        mnist.decode(FILE, pack(np.zeros(5)), dimensions=3)
    assert str(error.value) == (
        f"{FILE}: expected idx magic 2051 (3 dimensions of unsigned bytes), got 2049; {MEND}"
    )


def test_a_header_that_promises_more(pack: Callable[[np.ndarray], bytes]) -> None:
    content = gzip.decompress(pack(np.zeros((2, 28, 28))))
    with pytest.raises(UserError) as error:
        mnist.decode(FILE, gzip.compress(content[:-1]), dimensions=3)
    assert str(error.value) == (
        f"{FILE}: expected 1584 bytes unpacked for its 2x28x28 header, got 1583; {MEND}"
    )


@pytest.mark.parametrize("cut", [0, 3, 11, 20, -1])
def test_any_truncation_is_refused(pack: Callable[[np.ndarray], bytes], cut: int) -> None:
    with pytest.raises(UserError, match=f"^{FILE}: expected "):
        mnist.decode(FILE, pack(np.zeros((2, 28, 28)))[:cut], dimensions=3)


def test_no_gzip_file() -> None:
    with pytest.raises(UserError) as error:
        mnist.decode(FILE, b"<html>not found</html>", dimensions=1)
    assert str(error.value) == (f"{FILE}: expected a whole gzip file, got Not a gzipped file (b'<h'); {MEND}")
