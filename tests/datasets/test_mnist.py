"""MNIST's files: found in order, checked, stored pixel by pixel; every wrong one named."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from evolve.base.errors import UserError
from evolve.datasets import lookup, prepare, read

mnist = lookup.module("mnist")

Place = Callable[..., dict[str, bytes]]
IMAGES = "train-images-idx3-ubyte.gz"


@pytest.mark.parametrize("image_size", [28, 32])
def test_stored_pixels_are_the_originals_in_a_margin_of_zeros(
    tmp_path: Path, place: Place, small_mnist: dict[str, np.ndarray], lines: list[str], image_size: int
) -> None:
    place(tmp_path / "raw" / "mnist")
    done = prepare("mnist", image_size=image_size, data=tmp_path, report=lines.append)
    assert done.folder == tmp_path / f"mnist-{image_size}-seed1" and done.notice == ""
    assert done.shape == (1, image_size, image_size) and done.counts == {"train": 30, "test": 10}
    images, labels = read(done.folder / "test", 10)
    zeros = (image_size - 28) // 2
    inside = slice(zeros, image_size - zeros)
    assert np.array_equal(images[:, 0, inside, inside], small_mnist["test images"])
    assert images.sum() == small_mnist["test images"].sum(dtype=np.float32)
    assert np.array_equal(labels, small_mnist["test labels"])


def test_the_train_split_is_shuffled_and_nothing_is_lost(
    tmp_path: Path, place: Place, small_mnist: dict[str, np.ndarray], lines: list[str]
) -> None:
    place(tmp_path / "raw")
    done = prepare("mnist", image_size=28, data=tmp_path, report=lines.append)
    images, labels = read(done.folder / "train", 30)
    order = [
        int(np.flatnonzero((small_mnist["train images"] == image).all((1, 2)))[0]) for image in images[:, 0]
    ]
    assert sorted(order) == list(range(30)) and order != list(range(30))
    assert np.array_equal(labels, small_mnist["train labels"][order])


@pytest.mark.parametrize("subfolder", ["", "mnist"])
def test_cavefish_data_comes_before_the_projects_own(
    tmp_path: Path, place: Place, monkeypatch: pytest.MonkeyPatch, lines: list[str], subfolder: str
) -> None:
    place(tmp_path / "own" / subfolder)
    wrong = tmp_path / "data" / "raw" / IMAGES
    wrong.parent.mkdir(parents=True)
    wrong.write_bytes(b"would be refused")
    monkeypatch.setenv("CAVEFISH_DATA", str(tmp_path / "own"))
    assert prepare("mnist", image_size=28, data=tmp_path / "data", report=lines.append).counts["train"] == 30


@pytest.mark.parametrize("or_else", ["", "digits"])
def test_a_truncated_file_is_named_and_left_alone(tmp_path: Path, place: Place, or_else: str) -> None:
    path = tmp_path / "raw" / "mnist" / IMAGES
    whole = place(path.parent)[IMAGES]
    path.write_bytes(whole[:1000])
    with pytest.raises(UserError) as error:
        prepare("mnist", image_size=28, or_else=or_else, data=tmp_path)
    assert str(error.value) == (
        f"{path}: expected md5 {hashlib.md5(whole).hexdigest()} ({len(whole)} bytes), "
        f"got {hashlib.md5(whole[:1000]).hexdigest()} (1000 bytes); "
        "remove it to have it downloaded, or replace it with the original file"
    )
    assert path.read_bytes() == whole[:1000]


def test_a_folder_where_the_file_should_be(tmp_path: Path, place: Place) -> None:
    path = tmp_path / "raw" / "mnist" / IMAGES
    place(path.parent)
    path.unlink()
    path.mkdir()
    with pytest.raises(UserError) as error:
        prepare("mnist", image_size=28, data=tmp_path)
    assert str(error.value) == (
        f"{path}: expected a file that can be read, got Is a directory; make it readable or remove it"
    )


@pytest.mark.parametrize(
    ("instead", "message"),
    [
        (
            {"test_images": np.zeros((10, 20, 28))},
            "t10k-images-idx3-ubyte.gz: expected images of 28x28, got 20x28",
        ),
        (
            {"train_labels": np.zeros(29)},
            f"train-labels-idx1-ubyte.gz: expected 30 labels, one for each image of {IMAGES}, got 29",
        ),
        (
            {"train_labels": np.full(30, 10)},
            "train-labels-idx1-ubyte.gz: expected labels from 0 to 9, got 10",
        ),
    ],
)
def test_files_that_do_not_fit_together(
    tmp_path: Path, place: Place, instead: dict[str, np.ndarray], message: str
) -> None:
    place(tmp_path / "raw", **instead)
    with pytest.raises(UserError) as error:
        prepare("mnist", image_size=28, data=tmp_path)
    assert str(error.value) == f"{tmp_path}/raw/{message}; replace it with the original file"


def test_nowhere_to_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "own"
    own.mkdir()
    monkeypatch.setenv("CAVEFISH_DATA", str(own))
    with pytest.raises(UserError) as error:
        prepare("mnist", image_size=28, data=tmp_path)
    assert str(error.value) == (
        f"data set 'mnist': expected {IMAGES} in one of {own}, {own}/mnist, {tmp_path}/raw, "
        f"{tmp_path}/raw/mnist, or a download; got neither (CAVEFISH_OFFLINE is set); set CAVEFISH_DATA to "
        f"a folder with MNIST's four original .gz files, or put them into {tmp_path}/raw/mnist"
    )


@pytest.mark.parametrize("or_else", ["", "digits"])
def test_nothing_stands_in_for_a_folder_whose_name_is_mistyped(
    tmp_path: Path, or_else: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAVEFISH_DATA", str(tmp_path / "mnits"))
    with pytest.raises(UserError) as error:
        prepare("mnist", image_size=28, or_else=or_else, data=tmp_path)
    assert str(error.value) == (
        f"CAVEFISH_DATA={tmp_path}/mnits: expected a folder of raw data, got none; name another, or unset it"
    )


def test_the_digits_stand_in_loudly(tmp_path: Path, lines: list[str]) -> None:
    done = prepare("mnist", image_size=28, or_else="digits", data=tmp_path, report=lines.append)
    assert done.name == "digits" and done.folder == tmp_path / "digits-28-seed1"
    assert done.notice == (
        f"MNIST could not be had ({IMAGES} was neither found nor downloaded: CAVEFISH_OFFLINE is set): "
        "the 1,797 handwritten digits of scikit-learn instead"
    )
    again = prepare("mnist", image_size=28, or_else="digits", data=tmp_path, report=lines.append)
    assert again == done
    assert prepare("digits", image_size=28, data=tmp_path, report=lines.append).notice == ""


def test_the_real_mnist(
    tmp_path: Path, real_data: str, monkeypatch: pytest.MonkeyPatch, lines: list[str]
) -> None:
    monkeypatch.setenv("CAVEFISH_DATA", real_data)
    done = prepare("mnist", image_size=32, data=tmp_path, report=lines.append)
    assert done.counts == {"train": 60000, "test": 10000} and done.classes == mnist.CLASSES
    assert read(done.folder / "test", 10)[1].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    images, labels = read(done.folder / "train", 60000)
    assert np.bincount(labels).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert images[:, :, 2:-2, 2:-2].mean(dtype=np.float64) == pytest.approx(33.3184, abs=1e-4)
