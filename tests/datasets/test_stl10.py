"""STL-10 from files of its official layout: columns turned into rows, means of 3x3; wrong files named."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from small_files import expecting, stl10_files, unpack

from evolve.base.errors import UserError
from evolve.datasets import find, lookup, prepare, read

stl10 = lookup.module("stl10")


def _place(folder: Path, monkeypatch: pytest.MonkeyPatch, **instead: bytes) -> dict[str, bytes]:
    files = stl10_files() | {f"{name}.bin": content for name, content in instead.items()}
    unpack(folder, files)
    monkeypatch.setattr(stl10, "BINARY", expecting(stl10.BINARY, files))
    return files


def _by_loops(content: bytes) -> np.ndarray:
    """(N, 3, 32, 32) of exact means, straight from the description of the file."""
    images = np.zeros((len(content) // 27648, 3, 32, 32))
    for n, image in enumerate(images):
        for c in range(3):
            for x in range(96):  # column by column
                for y in range(96):
                    image[c, y // 3, x // 3] += content[n * 27648 + c * 9216 + x * 96 + y] / 9
    return images


@pytest.mark.parametrize("image_size", [32, 40])
def test_stored_pixels_are_the_means(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: list[str], image_size: int
) -> None:
    files = _place(tmp_path / "raw" / "stl10" / "stl10_binary", monkeypatch)
    done = prepare("stl10", image_size=image_size, data=tmp_path, report=lines.append)
    assert done.shape == (find("stl10").source.channels, image_size, image_size) == (3, image_size, image_size)
    assert done.counts == {"train": 6, "test": 4} and done.classes == 10
    images, labels = read(done.folder / "test", 4)
    assert labels.tolist() == [label - 1 for label in files["test_y.bin"]]
    zeros = (image_size - 32) // 2
    inside = slice(zeros, image_size - zeros)
    assert np.abs(images[:, :, inside, inside] - _by_loops(files["test_X.bin"])).max() <= 0.5
    assert np.count_nonzero(images) == np.count_nonzero(images[:, :, inside, inside])


@given(images=arrays.arrays(np.uint8, (1, 2, 6, 9), elements=st.integers(0, 255)))
def test_means_are_rounded_to_the_nearest(images: np.ndarray) -> None:
    exact = images.astype(float).reshape(1, 2, 2, 3, 3, 3).mean((3, 5))
    assert np.array_equal(stl10.averaged(images), np.floor(exact + 0.5))


def test_white_stays_white() -> None:
    assert (stl10.averaged(np.full((1, 3, 96, 96), 255, np.uint8)) == 255).all()


@pytest.mark.parametrize(
    ("instead", "file", "message"),
    [
        ({"train_X": bytes(27647)}, "train_X.bin", "expected images of 27648 bytes, got 27647 bytes"),
        (
            {"test_y": bytes([1] * 3)},
            "test_y.bin",
            "expected 4 labels, one for each image of test_X.bin, got 3",
        ),
        ({"test_y": bytes([0, 1, 2, 3])}, "test_y.bin", "expected labels from 1 to 10, got 0 to 3"),
        ({"test_y": bytes([11, 1, 2, 3])}, "test_y.bin", "expected labels from 1 to 10, got 1 to 11"),
        ({"train_X": b"", "train_y": b""}, "train_y.bin", "expected labels from 1 to 10, got none"),
    ],
)
def test_files_that_do_not_fit_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, instead: dict[str, bytes], file: str, message: str
) -> None:
    folder = tmp_path / "raw" / "stl10_binary"
    _place(folder, monkeypatch, **instead)
    with pytest.raises(UserError) as error:
        prepare("stl10", image_size=32, data=tmp_path)
    assert str(error.value) == f"{folder}/{file}: {message}; replace it with the original file"


def test_the_official_files_are_those_that_are_expected() -> None:
    sizes = {file.name: file.size for file in stl10.BINARY.files}
    assert sizes == {
        "train_X.bin": 5000 * 27648,
        "train_y.bin": 5000,
        "test_X.bin": 8000 * 27648,
        "test_y.bin": 8000,
    }
