"""Arrays of INPUTS=: what is no array of numbers, or not as long as it says, is said, and nothing else is taken."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from evolve.base.errors import UserError
from trt import inputs

IMAGES = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


def npy(array: np.ndarray, **options: bool) -> bytes:
    made = io.BytesIO()
    np.save(made, array, **options)
    return made.getvalue()


@pytest.mark.parametrize("array", [IMAGES, np.asfortranarray(IMAGES), IMAGES.astype(np.float16), IMAGES.astype(">i2")])
def test_what_was_saved_comes_back(tmp_path: Path, array: np.ndarray) -> None:
    np.save(tmp_path / "a.npy", array)
    np.savez(tmp_path / "b.npz", data=array, other=array)
    np.savez_compressed(tmp_path / "c.npz", other=array, data=array)
    for name in ("a.npy", "b.npz", "c.npz"):
        found = inputs.read_arrays(tmp_path / name, ["data"])
        assert list(found) == ["data"] and np.array_equal(found["data"], array) and found["data"].dtype == array.dtype


def long_header() -> bytes:
    """A header that announces 4 TB."""
    made = io.BytesIO()
    np.lib.format.write_array_header_1_0(made, {"descr": "<f4", "fortran_order": False, "shape": (1 << 40,)})
    return made.getvalue() + bytes(64)


@pytest.mark.parametrize(
    ("content", "got"),
    [
        (npy(np.array([IMAGES, None], object), allow_pickle=True), "2 of object, where numbers were expected"),
        (npy(IMAGES.astype("U3")), "2 x 3 x 4 of <U3, where numbers were expected"),
        (npy(IMAGES)[:-1], "95 bytes for 2 x 3 x 4 numbers of 4"),
        (npy(IMAGES) + b"x", "97 bytes for 2 x 3 x 4 numbers of 4"),
        (long_header(), "64 bytes for 1099511627776 numbers of 4"),
        (npy(IMAGES).replace(b"}", b" "), "a header that breaks off"),
        (b"PK\x05\x06" + bytes(18), None),
    ],
)
def test_what_is_said(tmp_path: Path, content: bytes, got: str | None) -> None:
    path = tmp_path / "a.npy"
    path.write_bytes(content)
    with pytest.raises(UserError) as error:
        inputs.read_arrays(path, ["data"])
    wanted = "expected an array for input 'data', got none"
    if got:
        wanted = f"expected a .npy or .npz file of arrays, got: {got}"
    assert str(error.value) == f"{path}: {wanted}"


def test_a_member_that_was_changed(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, data=IMAGES)
    content = path.read_bytes()
    path.write_bytes(content.replace(IMAGES.tobytes(), IMAGES[::-1].tobytes()))
    with pytest.raises(UserError) as error:
        inputs.read_arrays(path, ["data"])
    assert str(error.value) == (
        f"{path}: expected a .npy or .npz file of arrays, got: Bad CRC-32 for file 'data.npy'"
    )
    assert zipfile.is_zipfile(path)
