"""KITTI: 15 fields, DIGITS's split by drive, difficulties, DontCare, and a message for each wrong file."""

from pathlib import Path

import numpy as np
import pytest
from miniatures import CAR, FAR, NOTHING, kitti

from evolve.base.errors import UserError
from evolve.datasets import Detection, census, images, labels, prepare_detection
from evolve.datasets.layouts.kitti_text import boxes

PADDED = Detection(112, 80, fit="pad")


def test_every_field_in_its_column(tmp_path: Path, lines: list[str]) -> None:
    kitti(tmp_path / "raw" / "kitti")
    made = prepare_detection("kitti", PADDED, data=tmp_path, report=lines.append)
    assert made.counts == {"train": 2, "val": 1} and made.class_names == ("Car",)
    near = [10.5, 20, 40, 40, -1.5, 1, 0, 0.1, 0.25, 1, 3.9, 1.6, 1.5, -2, 1.7, 20.5]
    far = [60, 20, 20, 20, 0.5, 1, 0, 0.2, 0, 0, 4, 1.7, 1.5, 3, 1.6, 45.25]
    nothing = [70, 5, 20, 10, -10, 0, 0, -10, -1, -1, -1, -1, -1, -1000, -1000, -1000]
    stored = labels(made, "val", 1)[0]
    empty = [0] * 16
    assert np.allclose(stored, np.array([[1, 16, *empty[2:]], far, empty, empty, empty]))
    of_all = {int(rows[0, 0]): rows for rows in labels(made, "train", 2)}
    assert np.allclose(of_all[1][1], np.array(near))
    van = [5, 5, 20, 20, 0, 0, 0, 0, 0, 0, 5, 2, 2, 1, 1, 30]
    assert np.allclose(of_all[4][1:], np.array([far, van, near, nothing]))  # 45.25 m, 30 m, 20.5 m, and nowhere
    image = images(made, "val", 1)[0]
    assert image.shape == (3, 80, 112) and not image[:, 64:].any() and not image[:, :, 96:].any()


def test_what_was_not_asked_for_is_counted_as_dontcare(tmp_path: Path, lines: list[str]) -> None:
    kitti(tmp_path / "raw")
    counted = census.read(prepare_detection("kitti", PADDED, data=tmp_path, report=lines.append))
    assert counted["train"].boxes == {"Car": 3} and counted["train"].dontcare == {"DontCare": 1, "Van": 1}
    assert counted["val"].boxes == {"Car": 1} and counted["val"].dontcare == {}


@pytest.mark.parametrize(
    ("line", "got"),
    [
        (CAR.rsplit(" ", 1)[0], "(14 fields)"),
        (f"{CAR} 0.9", "(16 fields)"),
        (CAR.replace("50.5", "5O.5"), "(15 fields)"),
    ],
)
def test_a_wrong_line(tmp_path: Path, line: str, got: str) -> None:
    (tmp_path / "000001.txt").write_text(f"{FAR}\n{line}\n")
    with pytest.raises(UserError) as error:
        list(boxes(tmp_path / "000001.txt"))
    assert str(error.value) == (
        f"{tmp_path}/000001.txt:2: expected a type and 14 numbers, got '{line}' {got}; "
        "replace it with the original file"
    )


def test_no_unknown_class_is_dontcare_in_silence(tmp_path: Path) -> None:
    root = kitti(tmp_path / "raw", [CAR, FAR, CAR.replace("Car", "car")])
    with pytest.raises(UserError) as error:
        prepare_detection("kitti", PADDED, data=tmp_path)
    assert str(error.value) == (
        f"{root}/training/label_2/000002.txt:1: expected a class of Car, Van, Truck, Pedestrian, Person_sitting, "
        "Cyclist, Tram, Misc, DontCare, got 'car' (1 box); write 'Car' there, as 2 boxes have it, or list 'car' in "
        "the classes or in dontcare; "
        "the whole set holds Car (2), car (1)"
    )


def test_a_class_that_nobody_has(tmp_path: Path) -> None:
    kitti(tmp_path / "raw", [CAR, f"{FAR}\n{CAR.replace('Car', 'Tram')}", f"{CAR}\n{NOTHING}"])
    with pytest.raises(UserError) as error:
        prepare_detection("kitti", Detection(96, 64, classes=("car",)), data=tmp_path)
    assert str(error.value) == (
        "data set 'kitti': expected boxes of car in its train split, got none; the whole set holds Car (3), "
        "DontCare (1), Tram (1)"
    )
    with pytest.raises(UserError) as error:
        prepare_detection("kitti", Detection(96, 64, classes=("Car", "Tram")), data=tmp_path)
    assert str(error.value) == (
        "data set 'kitti': expected boxes of class 'Tram' in its train split, got none; the whole set holds Car (3), "
        "DontCare (1), Tram (1)"
    )


def test_without_the_devkits_mapping(tmp_path: Path) -> None:
    root = kitti(tmp_path / "raw")
    (root / "mapping").rename(root / "elsewhere")
    with pytest.raises(UserError) as error:
        prepare_detection("kitti", PADDED, data=tmp_path)
    assert str(error.value) == (
        f"{root}: expected mapping/train_mapping.txt and train_rand.txt of devkit_object.zip, got neither; "
        "without the drives the split cannot be made: unpack it there"
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train_rand.txt", "2,9", "train_rand.txt: expected lines 1 to 3 of train_mapping.txt, got '9'; replace both"),
        ("train_mapping.txt", "a\nb\n", "train_mapping.txt:2: expected date, drive and frame, got 'b'; replace it"),
        ("train_rand.txt", "2,1", "000002.txt: expected a number below 2 for a name, as in the mapping; take it out"),
    ],
)
def test_a_wrong_mapping(tmp_path: Path, name: str, content: str, message: str) -> None:
    root = kitti(tmp_path / "raw")
    (root / "mapping" / name).write_text(content)
    with pytest.raises(UserError) as error:
        prepare_detection("kitti", PADDED, data=tmp_path)
    assert message in str(error.value) and str(error.value).startswith(str(root))


def test_missing_images_are_listed(tmp_path: Path) -> None:
    root = kitti(tmp_path / "raw")
    for number in (0, 2):
        (root / "training" / "image_2" / f"00000{number}.png").unlink()
    with pytest.raises(UserError) as error:
        prepare_detection("kitti", PADDED, data=tmp_path)
    assert str(error.value).splitlines() == [
        f"{root}/training/label_2/00000{n}.txt: expected its image {root}/training/image_2/00000{n}.png, got no such "
        "file; bring it or take its row out"
        for n in (0, 2)
    ]
