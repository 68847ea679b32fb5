"""One's own images become LMDBs: sizes, splits, classes, mean and hash, whatever they were before."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from evolve.base.errors import UserError
from evolve.datasets import Dataset, Wish, image_file, prepare, survey
from evolve.datasets.own import class_census, mean_image
from evolve.datasets.own.picture_fit import fitted
from tests.datasets.drawn import CLASSES, folders, picture, stored

Prepare = Callable[..., Dataset]


@pytest.fixture
def made(tmp_path: Path) -> Prepare:
    """The data set of pics/ beside data/."""

    def make(seed: int = 1, validation: int = 0, image_size: int = 24, **wish: object) -> Dataset:
        wish = {"folder": str(tmp_path / "pics")} | wish
        return prepare(
            "images", image_size=image_size, seed=seed, validation=validation, wish=Wish(**wish),  # type: ignore[arg-type]
            data=tmp_path / "data", report=lambda line: None,
        )  # fmt: skip

    return make


def by_hand(file: Path, size: tuple[int, int], fit: str) -> np.ndarray:
    return fitted(image_file.read(file, "here"), size, fit, "here").transpose(2, 0, 1)


def test_every_image_is_stored_once_as_it_is_read(tmp_path: Path, made: Prepare) -> None:
    """Of a split that is there the test images keep their order, and the train images are shuffled by the seed."""
    folders(tmp_path / "pics" / "train", 6)
    folders(tmp_path / "pics" / "test", 2, first=50)
    done = made(width=30, height=20, fit="crop")
    assert done.shape == (3, 20, 30) and done.counts == {"train": 18, "test": 6}
    assert done.class_names == CLASSES and done.classes == 3 and not done.has_boxes
    assert (done.folder / "labels.txt").read_text() == "bar\ncross\ndisc\n"
    files = {split: sorted((tmp_path / "pics" / split).glob("*/*.png")) for split in ("train", "test")}
    wanted = {
        split: [(by_hand(file, (30, 20), "crop"), CLASSES.index(file.parent.name)) for file in each]
        for split, each in files.items()
    }
    test, train = stored(done.folder / "test"), stored(done.folder / "train")
    assert all(np.array_equal(a[0], b[0]) and a[1] == b[1] for a, b in zip(test, wanted["test"], strict=True))
    assert sorted((p.tobytes(), n) for p, n in train) == sorted((p.tobytes(), n) for p, n in wanted["train"])
    assert [label for _, label in train] != sorted(label for _, label in train)
    mean = mean_image.read(done.folder / "mean.binaryproto", done.shape)
    assert np.allclose(mean, np.mean([pixels for pixels, _ in train], axis=0), atol=1e-3)


def test_the_same_seed_makes_the_same_and_another_another(tmp_path: Path, made: Prepare) -> None:
    folders(tmp_path / "pics", 10)
    first, other = made(), made(split_seed=2)
    assert made() == first and first.sha256 != other.sha256 and first.folder != other.folder
    shutil.rmtree(tmp_path / "data")
    assert made().sha256 == first.sha256


def test_runs_of_all_seeds_are_tested_on_the_same_images_and_read_one_copy(tmp_path: Path, made: Prepare) -> None:
    folders(tmp_path / "pics", 10)
    for validation in (0, 6):
        first = made(seed=1, validation=validation)
        assert made(seed=2, validation=validation) == first == made(seed=77, validation=validation)
    assert len(list((tmp_path / "data").glob("images-*/DONE.json"))) == 2
    tests = [{pixels.tobytes() for pixels, _ in stored(made(split_seed=each).folder / "test")} for each in (1, 2)]
    assert tests[0] != tests[1]


def test_the_split_is_the_one_that_its_seed_always_gave(tmp_path: Path, made: Prepare) -> None:
    """Of every class the first of a permutation, by hand: who split by another seed than a run's, compares still."""
    pics = folders(tmp_path / "pics", 10)
    files = [file for name in CLASSES for file in sorted((pics / name).glob("*.png"), key=lambda file: file.name)]
    for seed in (1, 3):
        shuffled = np.random.default_rng(seed).permutation(len(files))
        wanted = {int(n) for k in range(3) for n in [n for n in shuffled if n // 10 == k][:2]}
        found = {pixels.tobytes() for pixels, _ in stored(made(split_seed=seed).folder / "test")}
        assert found == {by_hand(files[n], (24, 24), "resize").tobytes() for n in wanted}


def test_a_test_part_is_split_off_class_by_class_and_copies_go_with_it(tmp_path: Path, made: Prepare) -> None:
    pics = folders(tmp_path / "pics", 10)
    for number in range(5):
        (pics / "bar" / f"copy{number}.png").write_bytes((pics / "bar" / f"{number}.png").read_bytes())
    done = made(test_part=0.3, validation=6)
    splits = {split: stored(done.folder / split) for split in done.counts}
    assert {split: sorted({label for _, label in each}) for split, each in splits.items()} == dict.fromkeys(
        ("train", "validation", "test"), [0, 1, 2]
    )
    assert sum(label > 0 for _, label in splits["test"]) == 6
    contents = {split: {pixels.tobytes() for pixels, _ in each} for split, each in splits.items()}
    assert not contents["train"] & contents["test"] and sum(done.counts.values()) == 35
    assert not class_census.read(done).torn


def test_it_is_made_anew_once_a_file_has_changed(tmp_path: Path, made: Prepare) -> None:
    pics = folders(tmp_path / "pics", 4)
    first = made()
    picture("bar", 77).save(pics / "bar" / "0.png")
    second = made()
    assert second.folder == first.folder and second.sha256 != first.sha256


def test_copies_in_two_splits_and_of_two_classes_are_found_by_content(tmp_path: Path, made: Prepare) -> None:
    """Here stored in another format, so that no byte of the files is the same."""
    folders(tmp_path / "pics" / "train", 3)
    folders(tmp_path / "pics" / "test", 1, first=20)
    Image.open(tmp_path / "pics/train/bar/1.png").save(tmp_path / "pics/test/disc/z.bmp")
    done = made()
    census = class_census.read(done)
    pair = f"{tmp_path}/pics/test/disc/z.bmp (test) is {tmp_path}/pics/train/bar/1.png (train)"
    assert census.copies == [pair] and census.torn == [f"{pair}: 'disc' and 'bar'"]
    text = class_census.text(done)
    assert f"warning: 1 image is in two splits, so that the score flatters: take one of each away:\n  {pair}" in text


def test_all_that_cannot_be_read_is_named(tmp_path: Path, made: Prepare) -> None:
    pics = folders(tmp_path / "pics", 5)
    (pics / "bar" / "0.png").write_bytes(b"<html>")
    whole = (pics / "disc" / "3.png").read_bytes()
    (pics / "disc" / "3.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError) as error:
        made()
    lines = str(error.value).removeprefix("data set 'images': ").splitlines()
    assert sorted(line.partition(": expected")[0] for line in lines[:-1]) == [f"{pics}/bar/0.png", f"{pics}/disc/3.png"]
    assert lines[-1] == "replace or remove these 2 images, or leave them out by SET='dataset.leave_out_unreadable=true'"
    assert not list((tmp_path / "data").glob("images-*"))
    done = made(leave_out_unreadable=True)
    assert sum(done.counts.values()) == 13
    assert "warning: 2 images could not be read, left out:" in class_census.text(done)


def test_more_than_a_screen_of_them_are_named_in_a_file(tmp_path: Path, made: Prepare) -> None:
    pics = folders(tmp_path / "pics", 3)
    for number in range(60):
        (pics / "bar" / f"z{number}.jpg").write_bytes(b"no image" * (number + 1))
    with pytest.raises(UserError) as error:
        made()
    file = next((tmp_path / "data").glob("*.unreadable.txt"))
    assert "and 10 more\n" in str(error.value) and str(error.value).endswith(f"; {file} names all")
    assert len(file.read_text().splitlines()) == 60


def test_classes_of_one_image_cannot_be_split(tmp_path: Path, made: Prepare) -> None:
    pics = folders(tmp_path / "pics", 3)
    for number in (1, 2):
        os.remove(pics / "disc" / f"{number}.png")
    with pytest.raises(UserError) as error:
        made()
    assert str(error.value) == (
        "data set 'images': class 'disc': expected two different images or more, got 1 image\n"
        "one has to be trained on and one tested; bring more images, or take the class out"
    )


def test_grey_images_of_16_bits_by_the_values_that_are_given(tmp_path: Path, made: Prepare) -> None:
    for name in ("cold", "warm"):
        (tmp_path / "pics" / name).mkdir(parents=True)
        for number in range(3):
            values = np.full((24, 24), 29000 + 100 * number + (1000 if name == "warm" else 0), np.uint16)
            Image.fromarray(values).save(tmp_path / "pics" / name / f"{number}.png")
    done = made(levels=(29000.0, 30275.0))
    assert done.shape == (1, 24, 24)
    every = stored(done.folder / "train") + stored(done.folder / "test")
    found = {(label, int(pixels[0, 0, 0])) for pixels, label in every}
    assert found == {(0, 0), (0, 20), (0, 40), (1, 200), (1, 220), (1, 240)}
    text = class_census.text(done)
    assert text.startswith("pics (images): 24x24 pixels, 1 channel, 2 classes\n")
    assert "grey images have more than 8 bits" in text


def test_what_is_known_before_an_image_is_read(tmp_path: Path) -> None:
    pics = folders(tmp_path / "pics", 2)
    (pics / "bar" / "0.png").write_bytes(b"no image")
    wish = Wish(folder=str(pics), width=40, height=30)
    known = survey("images", image_size=24, wish=wish, data=tmp_path / "data")
    assert known and known.shape == (3, 30, 40) and known.class_names == CLASSES
    assert survey("mnist", image_size=32) is None


# How a picture comes to its size


def test_fits() -> None:
    """Columns 0 ... 7 in 4 rows, into 4 x 4 and 8 x 8."""
    pixels = np.tile(np.arange(8, dtype=np.uint8) * 10, (4, 1))
    assert np.array_equal(fitted(pixels, (4, 4), "resize", ""), np.tile([5, 25, 45, 65], (4, 1)))
    assert np.array_equal(fitted(pixels, (4, 4), "crop", ""), np.tile([20, 30, 40, 50], (4, 1)))
    boxed = np.zeros((4, 4), np.uint8)
    boxed[1:3] = [5, 25, 45, 65]
    assert np.array_equal(fitted(pixels, (4, 4), "letterbox", ""), boxed)
    padded = np.zeros((8, 8), np.uint8)
    padded[2:6] = pixels
    assert np.array_equal(fitted(pixels, (8, 8), "pad", ""), padded)


@pytest.mark.parametrize("fit", ["resize", "crop", "letterbox"])
@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1), (7, 300)])
def test_shapes_that_nobody_has_become_what_is_wanted(size: tuple[int, int], fit: str) -> None:
    pixels = np.full((size[1], size[0], 3), 200, np.uint8)
    stretched = fitted(pixels, (48, 32), fit, "")
    assert stretched.shape == (32, 48, 3) and (stretched == 200).any()
    assert fit == "letterbox" or (stretched == 200).all()


def test_too_large_to_be_padded() -> None:
    with pytest.raises(UserError) as error:
        fitted(np.zeros((50, 40), np.uint8), (48, 48), "pad", "a.png")
    assert str(error.value) == (
        "a.png: expected an image of at most 48x48 to pad, got 40x50; choose a larger width and height, "
        "or fit LETTERBOX"
    )
