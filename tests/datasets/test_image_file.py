"""An image is read whole, blue first, or the message says what is wrong with the file."""

import io
import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest
from miniatures import noise
from PIL import Image

from evolve.base.errors import UserError
from evolve.datasets.image_file import decoded, read, unwarned


def test_blue_first(tmp_path: Path) -> None:
    pixels = noise(tmp_path / "a.png")
    assert np.array_equal(read(tmp_path / "a.png", "here"), pixels)


def test_a_grey_image_is_three_times_the_same(tmp_path: Path) -> None:
    grey = np.arange(48, dtype=np.uint8).reshape(6, 8)
    cv2.imwrite(str(tmp_path / "a.png"), grey)
    assert np.array_equal(read(tmp_path / "a.png", "here"), np.repeat(grey[:, :, None], 3, axis=2))


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_one_that_was_cut_off(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"a.{suffix}"
    noise(file, 200, 200)
    assert read(file, "here").shape == (200, 200, 3)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(UserError) as error:
        read(file, "here")
    assert str(error.value).startswith(f"{file}: expected a whole image, got: image file is truncated")
    assert str(error.value).endswith("; replace it with the original file")


def test_none_at_all(tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    with pytest.raises(UserError) as missing:
        read(file, "list:7")
    assert str(missing.value) == (
        f"list:7: expected its image {file}, got no such file; bring it or take its row out"
    )
    file.write_bytes(b"<html>sorry")
    with pytest.raises(UserError) as other:
        read(file, "list:7")
    assert str(other.value) == (
        f"{file}: expected an image, got 11 bytes that begin with b'<html>so'; replace it with the original file"
    )
    file.write_bytes(b"")
    with pytest.raises(UserError, match="expected an image, got an empty file; replace it with the original file$"):
        read(file, "list:7")


def test_what_is_not_warned_of_is_so_until_the_last_thread_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python has one list of filters for all threads: the first one to end must not mend it under the others."""
    image = io.BytesIO()
    Image.fromarray(np.zeros((40, 40), np.uint8)).save(image, "PNG")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    before = list(warnings.filters)
    first, second = unwarned(), unwarned()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    with pytest.raises(Image.DecompressionBombWarning):
        Image.open(image)
    with pytest.raises(UserError, match="^here: expected an image of a size that memory holds, got: Image size"):
        decoded(image.getvalue(), "here")
    second.__exit__(None, None, None)
    assert list(warnings.filters) == before
    with pytest.warns(Image.DecompressionBombWarning):
        Image.open(image)
