"""Pascal VOC folders: a made-up one to the pixel, and the blood cells of BCCD where they are."""

import os
from pathlib import Path

import numpy as np
import pytest
from miniatures import voc

from evolve.base.errors import UserError
from evolve.datasets import Detection, census, labels, prepare_detection

LISTS = {"train": ["a", "b"], "val": ["c"]}
OBJECTS = {
    "a": [("cat", (1, 1, 96, 64)), ("dog", (11, 21, 30, 40))],
    "b": [("dog", (5, 5, 5, 5))],
    "c": [("cat", (20, 20, 60, 60))],
}
BOTH = Detection(96, 64, classes=("cat", "dog"), folder="pets")
BCCD = Path(os.environ.get("CAVEFISH_DATA", "")) / "bccd"


def test_corners_belong_to_the_object_and_count_from_one(tmp_path: Path, lines: list[str]) -> None:
    voc(tmp_path / "raw" / "pets", LISTS, OBJECTS)
    made = prepare_detection("voc", BOTH, data=tmp_path, report=lines.append)
    assert made.counts == {"train": 2, "val": 1}
    by_count = {int(rows[0, 0]): rows for rows in labels(made, "train", 2)}
    assert by_count[2][1:, [0, 1, 2, 3, 5, 8]].tolist() == [[10, 20, 20, 20, 2, 1], [0, 0, 96, 64, 1, 1]]
    assert by_count[1][1, [0, 1, 2, 3, 5]].tolist() == [4, 4, 1, 1, 2]
    assert census.warnings(census.read(made)) == [
        "warning: train: 1 box is under a cell of 16 pixels wide or high: too small for the grid",
        "warning: val: no box of dog: these have no score there",
    ]


def test_a_folder_of_ones_own_anywhere(tmp_path: Path, lines: list[str]) -> None:
    root = voc(tmp_path / "pets", LISTS | {"test": ["c2"]}, OBJECTS | {"c2": OBJECTS["c"]})
    wanted = Detection(48, 32, classes=("cat",), dontcare=("dog",), folder=str(root))
    made = prepare_detection("voc", wanted, data=tmp_path / "data", report=lines.append)
    assert made.counts == {"train": 2, "val": 1, "test": 1}
    assert labels(made, "val", 1)[0, 1, :6].tolist() == [9.5, 9.5, 20.5, 20.5, 0, 1]
    assert census.read(made)["train"].dontcare == {"dog": 2}


MESSAGES = {
    "unknown": "Annotations/a.xml: object 2: expected a class of cat, dgo, got 'dog' (2 boxes); write 'dog' for 'dgo' "
    "in the classes or in dontcare; the whole set holds cat (2), dog (2)",
    "size": "Annotations/a.xml: expected an image of 95x64, got 96x64 in {root}/JPEGImages/a.png; the boxes were "
    "drawn on another image",
    "number": "Annotations/a.xml: object 2: expected a number for xmin, got 'left'; correct it",
    "no box": "Annotations/a.xml: object 1: expected a name and a bndbox, got no bndbox; correct it",
    "xml": "Annotations/b.xml: expected annotations in XML, got: unclosed token: line 1, column 0; replace it",
    "unlisted": "ImageSets/Main/val.txt:1: expected its annotations {root}/Annotations/c.xml, got no such file; "
    "bring it, or unlist it",
    "list": "ImageSets/Main/val.txt: expected a list of images, one a line, got: Is a directory; write one",
    "two lists": "ImageSets/Main/valid.txt: expected one for val, got a second one beside it; take one away",
    "both": "ImageSets/Main/val.txt: expected images that are not in train.txt, got a in both; take it out of one",
    "negative": "Annotations/a.xml: object 2: expected a box of positive size, got 0x20; correct it or take it out",
}


def _spoil(root: Path, how: str) -> None:
    a, b = root / "Annotations" / "a.xml", root / "Annotations" / "b.xml"
    if how == "size":
        a.write_text(a.read_text().replace("<width>96", "<width>95"))
    elif how == "number":
        a.write_text(a.read_text().replace("<xmin>11", "<xmin>left"))
    elif how == "negative":
        a.write_text(a.read_text().replace("<xmax>30", "<xmax>10"))
    elif how == "no box":
        a.write_text(a.read_text().replace("bndbox", "box"))
    elif how == "xml":
        b.write_text("<annotation")
    elif how == "unlisted":
        (root / "Annotations" / "c.xml").unlink()
    elif how == "list":
        (root / "ImageSets" / "Main" / "val.txt").unlink()
        (root / "ImageSets" / "Main" / "val.txt").mkdir()
    elif how == "two lists":
        (root / "ImageSets" / "Main" / "valid.txt").write_text("c\n")
    elif how == "both":
        (root / "ImageSets" / "Main" / "val.txt").write_text("a\nc\n")


@pytest.mark.parametrize("how", MESSAGES)
def test_what_is_wrong_is_named(tmp_path: Path, how: str) -> None:
    root = voc(tmp_path / "raw" / "pets", LISTS, OBJECTS)
    _spoil(root, how)
    classes = ("cat", "dgo") if how == "unknown" else ("cat", "dog")
    with pytest.raises(UserError) as error:
        prepare_detection("voc", Detection(96, 64, classes=classes, folder="pets"), data=tmp_path)
    assert str(error.value) == f"{root}/{MESSAGES[how].format(root=root)}"
    assert not [path.name for path in tmp_path.iterdir() if path.name != "raw" and path.suffix != ".lock"]


def test_a_folder_and_classes_are_needed(tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        prepare_detection("voc", Detection(96, 64, folder="pets"), data=tmp_path)
    assert str(error.value) == "data set 'voc': expected a list of classes, got none; name them as the files spell them"
    with pytest.raises(UserError) as error:
        prepare_detection("voc", Detection(96, 64, classes=("cat",)), data=tmp_path)
    assert str(error.value) == (
        "data set 'voc': expected a folder, got none; name one that holds Annotations and JPEGImages"
    )


@pytest.mark.skipif(not (BCCD / "Annotations").is_dir(), reason="no BCCD in CAVEFISH_DATA")
def test_real_blood_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: list[str]) -> None:
    monkeypatch.setenv("CAVEFISH_DATA", str(BCCD.parent))
    wanted = Detection(320, 240, classes=("RBC", "WBC", "Platelets"), folder="bccd")
    made = prepare_detection("voc", wanted, data=tmp_path, report=lines.append)
    assert made.counts == {"train": 205, "val": 87, "test": 72}
    counted = census.read(made)
    every = {name: sum(split.boxes[name] for split in counted.values()) for name in made.class_names}
    assert every == {"RBC": 4155, "WBC": 372, "Platelets": 361}  # grep -c over the XML files
    assert max(split.fullest for split in counted.values()) == 30
    assert all(split.clipped.boxes == 0 and split.empty == 0 for split in counted.values())
    rows = labels(made, "val", 87)
    boxes = np.concatenate([label[1 : 1 + int(label[0, 0])] for label in rows])
    assert (boxes[:, :2] >= 0).all() and (boxes[:, 0] + boxes[:, 2] <= 320).all()
    assert (boxes[:, 1] + boxes[:, 3] <= 240).all()
