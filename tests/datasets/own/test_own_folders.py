"""Folders of classes are read as people have them; what is no image, and what cannot be told, is said."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from evolve.base.errors import UserError
from evolve.datasets.own import class_folders, image_listing
from evolve.datasets.own.pictures import ImageFiles, Listing
from evolve.datasets.own.wish import Wish
from tests.datasets.drawn import folders, picture
from tests.datasets.miniatures import noise


def listed(folder: Path, **wish: object) -> Listing:
    return image_listing.listed(Wish(folder=str(folder), width=32, height=32, **wish))  # type: ignore[arg-type]


def counts(listing: Listing) -> dict[str, dict[str, int]]:
    names = listing.class_names
    return {split: dict(Counter(names[label] for label in each.labels)) for split, each in listing.splits.items()}


def test_a_folder_for_each_class(tmp_path: Path) -> None:
    listing = listed(folders(tmp_path, 4))
    assert listing.class_names == ("bar", "cross", "disc")
    assert counts(listing) == {"train": {"bar": 4, "cross": 4, "disc": 4}}
    assert listing.shape == (3, 32, 32) and not listing.passed_over
    files = listing.splits["train"]
    assert isinstance(files, ImageFiles)
    assert files.files[5] == str(tmp_path / "cross" / "1.png") and files.labels[5] == 1


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (("train", "test"), ("train", "test")), (("Training", "valid", "Test"), ("train", "validation", "test")),
        (("train", "val"), ("train", "test")), (("training_set", "test_set"), ("train", "test")),
        (("seg_train/seg_train", "seg_test/seg_test"), ("train", "test")),
        (("Train data", "valset", "test-images"), ("train", "validation", "test")),
        (("train_dir", "validation_dir"), ("train", "test")),
    ],
)  # fmt: skip
def test_a_folder_for_each_split(tmp_path: Path, names: tuple[str, ...], splits: tuple[str, ...]) -> None:
    """Where validation is all there is to report on, it is the test."""
    for number, name in enumerate(names):
        folders(tmp_path / name, 2 + number)
    assert counts(listed(tmp_path)) == {
        split: {"bar": 2 + number, "cross": 2 + number, "disc": 2 + number} for number, split in enumerate(splits)
    }


@pytest.mark.parametrize("name", ["train", "train set", "test_data"])
@pytest.mark.parametrize("listed_too", [False, True])
def test_a_class_that_is_called_like_a_split(tmp_path: Path, listed_too: bool, name: str) -> None:
    folders(tmp_path, 2, ("bus", "car", name))
    if listed_too:
        (tmp_path / "notes.txt").write_text("taken by Eva 3\n")
    listing = listed(tmp_path)
    assert counts(listing) == {"train": {"bus": 2, "car": 2, name: 2}} and listing.class_names[2] == name


@pytest.mark.parametrize("name", ["bullet train", "trainers", "test tube", "settest", "data", "dataset", "images"])
def test_names_that_are_no_splits(name: str) -> None:
    assert class_folders.split_of(name) == ""


def test_a_class_within_a_split_may_be_called_as_it(tmp_path: Path) -> None:
    for split in ("train", "test"):
        folders(tmp_path / split, 2, ("bus", "train"))
    assert counts(listed(tmp_path)) == {split: {"bus": 2, "train": 2} for split in ("train", "test")}


def test_a_split_that_is_called_train_beside_other_images(tmp_path: Path) -> None:
    folders(tmp_path / "train", 2, ("bar", "disc"))
    folders(tmp_path, 2, ("meta",))
    assert counts(listed(tmp_path)) == {"train": {"bar": 2, "disc": 2}}


@pytest.mark.parametrize("name", ["test", "meta/empty"])
def test_images_of_a_split_in_no_class(tmp_path: Path, name: str) -> None:
    folders(tmp_path, 2, ("train",))
    folders(tmp_path, 0 if "meta" in name else 2, (name,))
    with pytest.raises(UserError) as error:
        listed(tmp_path)
    assert str(error.value).startswith(
        f"{tmp_path}/train: expected a folder for each of two classes or more, got 2 images and 0 of those; sort them"
    )


def test_a_class_is_one_however_its_letters_are_composed(tmp_path: Path) -> None:
    folders(tmp_path / "train", 2, ("cafe\u0301", "disc"))
    folders(tmp_path / "test", 3, ("caf\u00e9", "disc"))
    assert counts(listed(tmp_path)) == {"train": {"cafe\u0301": 2, "disc": 2}, "test": {"cafe\u0301": 3, "disc": 3}}


def test_classes_that_are_not_told_apart_in_utf8(tmp_path: Path) -> None:
    """As from a disk of Latin-1."""
    folders(tmp_path / "train", 2, ("Bad", "K\udcfcche", "K\udcf6che"))
    with pytest.raises(UserError) as error:
        listed(tmp_path)
    assert str(error.value) == (
        f"{tmp_path}/train: expected names of classes in UTF-8, got K\\xf6che and K\\xfcche; rename these folders"
    )
    (tmp_path / "train" / "K\udcf6che").rename(tmp_path / "train" / "Köche")
    assert counts(listed(tmp_path)) == {"train": {"Bad": 2, "K\ufffdche": 2, "Köche": 2}}


def test_classes_below_classes_belong_to_them_and_hidden_ones_to_nobody(tmp_path: Path) -> None:
    folders(tmp_path / "disc", 2, ("red", "blue"))
    folders(tmp_path, 2, ("bar", ".hidden"))
    assert counts(listed(tmp_path)) == {"train": {"bar": 2, "disc": 4}}


def test_linked_folders_are_followed_once_and_never_above(tmp_path: Path) -> None:
    folders(tmp_path / "elsewhere", 3, ("deep", "deep/er"))
    here = folders(tmp_path / "here", 2, ("bar", "disc", "disc/red"))
    (here / "disc" / "again").symlink_to(here / "disc" / "red")
    (here / "disc" / "a").symlink_to(tmp_path / "elsewhere")
    (here / "disc" / "b").symlink_to(tmp_path / "elsewhere" / "deep")
    (tmp_path / "elsewhere" / "back").symlink_to(here / "disc")
    (here / "disc" / "above").symlink_to(here)
    (here / "disc" / "nowhere").symlink_to(tmp_path / "none")
    listing = listed(here)
    assert counts(listing) == {"train": {"bar": 2, "disc": 4 + 6}}
    files = listing.splits["train"]
    assert isinstance(files, ImageFiles)
    assert [Path(file).parent.relative_to(here) for file in files.files[2::2]] == [
        Path(name) for name in ("disc", "disc/red", "disc/a/deep", "disc/a/deep", "disc/a/deep/er")
    ]


def test_what_is_passed_over_is_said(tmp_path: Path) -> None:
    folders(tmp_path / "train", 2)
    folders(tmp_path / "meta", 1)
    (tmp_path / "test").mkdir()
    picture("bar", 1).save(tmp_path / "test" / "0.png")
    picture("bar", 1).save(tmp_path / "train" / "loose.png")
    (tmp_path / "train" / "empty").mkdir()
    for name in ("Thumbs.db", "._1.png", "a.gif", "b.GIF"):
        (tmp_path / "train" / "bar" / name).write_bytes(b"x")
    assert sorted(listed(tmp_path).passed_over) == [
        f"{tmp_path}/meta: is beside train and for no split",
        f"{tmp_path}/test: has no folder for each class, so nobody knows what its images show",
        f"{tmp_path}/train/empty: has no images",
        f"{tmp_path}/train: 1 image is in no class's folder",
        f"{tmp_path}/train: files that are no BMP, JPEG, PNG, PPM, TIFF or WEBP by their names: 1 .db, 2 .gif, 1 "
        "hidden",
    ]


def test_grey_images_are_grey_unless_colours_are_wanted(tmp_path: Path) -> None:
    assert listed(folders(tmp_path, 2, grey=True)).shape == (1, 32, 32)
    assert listed(tmp_path, channels=3).shape == (3, 32, 32)
    picture("bar", 1).save(tmp_path / "bar" / "one.png")
    assert listed(tmp_path).shape == (3, 32, 32)


def test_the_state_is_another_as_soon_as_a_file_is(tmp_path: Path) -> None:
    folders(tmp_path, 2)
    before = listed(tmp_path).state
    assert listed(tmp_path).state == before
    (tmp_path / "bar" / "0.png").rename(tmp_path / "bar" / "2.png")
    renamed = listed(tmp_path).state
    picture("cross", 5).resize((99, 99)).save(tmp_path / "bar" / "2.png")
    assert len({before, renamed, listed(tmp_path).state}) == 3


def test_the_first_of_those_that_are_alike(tmp_path: Path) -> None:
    folders(tmp_path, 3)
    (tmp_path / "disc" / "copy.png").write_bytes((tmp_path / "bar" / "1.png").read_bytes())
    files = listed(tmp_path).splits["train"]
    assert files.alike(np.arange(10)).tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 1]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda here: None, "{here}/pics, got no such folder or file; correct the path"),
        (
            lambda here: (here / "pics").mkdir(),
            "{here}/pics: expected a folder for each of two classes or more, got none with images; images of each "
            "class go into a folder of its name",
        ),
        (
            lambda here: folders(here / "pics" / "all", 2),
            "{here}/pics: expected a folder for each of two classes or more, got 'all' alone; images of each class go "
            "into a folder of its name (or name the folder below: the classes may be in there)",
        ),
        (
            lambda here: noise(here / "pics" / "0.png"),
            "{here}/pics: expected a folder for each of two classes or more, got 1 image and 0 of those; sort them "
            "into folders, or write a list of lines `path label` and name that",
        ),
        (
            lambda here: [folders(here / "pics" / "train", 2), folders(here / "pics" / "test", 1, ("bar", "disk"))],
            "expected classes of test to be in train too, got 'disk', which is not; write 'disc'",
        ),
        (
            lambda here: [folders(here / "pics" / name, 1) for name in ("train", "val", "valid")],
            "{here}/pics/valid: expected one folder for validation, got a second one; take one away",
        ),
    ],
)
def test_what_cannot_be_told(tmp_path: Path, make, says: str) -> None:
    make(tmp_path)
    with pytest.raises(UserError) as error:
        listed(tmp_path / "pics")
    assert str(error.value).removeprefix("expected ") == says.format(here=tmp_path).removeprefix("expected ")
