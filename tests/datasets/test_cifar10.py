"""CIFAR-10 from either form of its batches, pixel by pixel; wrong batches named."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from small_files import cifar10_batches, expecting, pickled, records, unpack

from evolve.base.errors import UserError
from evolve.datasets import find, lookup, prepare, read

cifar10 = lookup.module("cifar10")

FILE = Path("data_batch_1")
MEND = "replace it with the original file"


@pytest.mark.parametrize(
    ("form", "encode"), [(cifar10.PYTHON, pickled), (cifar10.BINARY, records)], ids=["python", "binary"]
)
@pytest.mark.parametrize("image_size", [32, 40])
def test_stored_pixels_are_the_originals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: list[str], form, encode, image_size: int
) -> None:
    batches = cifar10_batches()
    files = {file.name: encode(*batch) for file, batch in zip(form.files, batches, strict=True)}
    unpack(tmp_path / "raw" / "cifar10" / form.folder, files)
    other = cifar10.BINARY if form is cifar10.PYTHON else cifar10.PYTHON
    monkeypatch.setattr(cifar10, "PYTHON", expecting(form, files) if form is cifar10.PYTHON else other)
    monkeypatch.setattr(cifar10, "BINARY", expecting(form, files) if form is cifar10.BINARY else other)
    done = prepare("cifar10", image_size=image_size, data=tmp_path, report=lines.append)
    assert done.shape == (find("cifar10").source.channels, image_size, image_size) == (3, image_size, image_size)
    assert done.counts == {"train": 20, "test": 4} and done.classes == 10
    images, labels = read(done.folder / "test", 4)
    zeros = (image_size - 32) // 2
    inside = slice(zeros, image_size - zeros)
    assert np.array_equal(images[:, :, inside, inside], batches[-1][0])
    assert images.sum(dtype=np.float64) == batches[-1][0].sum(dtype=np.float64)
    assert np.array_equal(labels, batches[-1][1])
    images, labels = read(done.folder / "train", 20)
    seen = {(image.tobytes(), label) for image, label in zip(images[:, :, inside, inside], labels, strict=True)}
    assert seen == {
        (image.astype(np.float32).tobytes(), label)
        for batch in batches[:-1]
        for image, label in zip(*batch, strict=True)
    }


@settings(max_examples=25, deadline=None)
@given(
    images=arrays.arrays(np.uint8, (2, 3, 32, 32), elements=st.integers(0, 255)),
    labels=st.lists(st.integers(0, 9), min_size=2, max_size=2),
)
def test_both_forms_say_the_same(images: np.ndarray, labels: list[int]) -> None:
    one = cifar10.pickled(FILE, pickled(images, np.array(labels)))
    two = cifar10.binary(FILE, records(images, np.array(labels)))
    for batch in (one, two):
        assert np.array_equal(batch[0], images) and batch[1].tolist() == labels


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            pickled(np.zeros((2, 3, 32, 32), np.uint8), np.zeros(3)),
            "expected 2 labels, one for each image, got 3",
        ),
        (
            pickled(np.zeros((2, 3, 32, 32), np.uint8), np.array([0, 10])),
            "expected labels from 0 to 9, got 0 to 10",
        ),
        (
            pickled(np.zeros((0, 3, 32, 32), np.uint8), np.zeros(0)),
            "expected labels from 0 to 9, got none",
        ),
    ],
)
def test_a_batch_of_other_labels(content: bytes, message: str) -> None:
    with pytest.raises(UserError) as error:
        cifar10.pickled(FILE, content)
    assert str(error.value) == f"{FILE}: {message}; {MEND}"


def test_binary_records_of_another_size() -> None:
    with pytest.raises(UserError) as error:
        cifar10.binary(FILE, bytes(3072))
    assert str(error.value) == f"{FILE}: expected records of 3073 bytes, got 3072 bytes; {MEND}"


@pytest.mark.parametrize("image_size", [28, 33])
def test_an_impossible_size(tmp_path: Path, image_size: int) -> None:
    with pytest.raises(UserError) as error:
        prepare("cifar10", image_size=image_size, data=tmp_path)
    assert str(error.value) == (
        f"data set 'cifar10': expected an even image_size of at least 32, got {image_size}; "
        "32 and 40 are the usual ones"
    )


def test_the_real_cifar10(
    tmp_path: Path, real: str, monkeypatch: pytest.MonkeyPatch, lines: list[str]
) -> None:
    monkeypatch.setenv("CAVEFISH_DATA", real)
    done = prepare("cifar10", image_size=32, data=tmp_path, report=lines.append)
    assert done.counts == {"train": 50000, "test": 10000}
    assert read(done.folder / "test", 10)[1].tolist() == [3, 8, 8, 0, 6, 6, 1, 6, 3, 1]
    images, labels = read(done.folder / "train", 50000)
    assert np.bincount(labels).tolist() == [5000] * 10
    # alexnet_cifar10's and resnet56_cifar10's mean_value.
    assert images.mean((0, 2, 3), dtype=np.float64).round(1).tolist() == [125.3, 123.0, 113.9]


@pytest.fixture
def real(real_files) -> str:
    return real_files("cifar-10-*")
