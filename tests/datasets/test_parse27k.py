"""Parse-27k's layout: the published split, boxes by row, and a message for each way in which it can be damaged."""

from pathlib import Path

import numpy as np
import pytest
from miniatures import change, noise, parse27k

from evolve.base.errors import UserError
from evolve.datasets import Detection, images, labels, prepare_detection
from evolve.datasets.parse27k_layout import read

WANTED = Detection(96, 64)


def test_the_published_split_in_full(tmp_path: Path, lines: list[str]) -> None:
    root = parse27k(tmp_path / "raw" / "parse27k", {n: [(n, 8, n + 20, 56)] for n in range(1, 9)})
    made = prepare_detection("parse27k", WANTED, data=tmp_path, report=lines.append)
    assert made.counts == {"train": 3, "val": 3, "test": 2} and made.shape == (3, 64, 96)
    assert made.class_names == ("pedestrian",) and made.classes == 1 and made.notice == ""
    for split, sequences in {"train": {1, 4, 5}, "val": {2, 7, 8}, "test": {3, 6}}.items():
        stored, rows = images(made, split, len(sequences)), labels(made, split, len(sequences))
        assert set(rows[:, 1, 0].astype(int)) == sequences
        for image, label in zip(stored, rows, strict=True):
            original = noise(tmp_path / "again.png", seed=int(label[1, 0]))
            assert np.array_equal(image, original.transpose(2, 0, 1))
            assert label[0, :2].tolist() == [1, 16] and label[1, 1:6].tolist() == [8, 20, 48, 0, 1]
    assert root.exists()


def test_an_image_without_people_stays(tmp_path: Path) -> None:
    photos = read(parse27k(tmp_path, {1: [], 2: [(1, 2, 3, 4), (5, 6, 7, 9)]}))
    assert [len(photo.boxes) for photo in photos["train"]] == [0, 1, 1]
    boxes = photos["val"][0].boxes
    assert [(box.x, box.y, box.w, box.h) for box in boxes] == [(1, 2, 2, 2), (5, 6, 2, 3)]
    assert boxes[1].where == f"{tmp_path}/annotations.sqlite3: Pedestrian 2"


DAMAGE = {
    "DROP TABLE Pedestrian": (
        "expected a table Pedestrian, got AttributeSet, Image, Sequence; replace it with the original file"
    ),
    "ALTER TABLE Image DROP COLUMN filename": (
        "table Image: expected a column filename, got imageID, sequenceID; replace the file with the original one"
    ),
    "UPDATE Pedestrian SET imageID = 99 WHERE pedestrianID = 2": (
        "Pedestrian 2: expected an imageID of Image, got 99; the database is damaged"
    ),
    "UPDATE Image SET sequenceID = 9 WHERE imageID = 30": (
        "Image 30: expected a sequenceID of Sequence, got 9; the database is damaged"
    ),
    "UPDATE Pedestrian SET box_max_x = NULL WHERE pedestrianID = 3": (
        "Pedestrian 3: expected a box of four numbers, got [10.0, 8.0, None, 56.0]; correct it or take it out"
    ),
    "UPDATE Pedestrian SET box_max_x = 4 WHERE pedestrianID = 3": (
        "Pedestrian 3: expected a box of positive size, got -6x48; correct it or take it out"
    ),
    "UPDATE Pedestrian SET box_min_x = 96, box_max_x = 99 WHERE pedestrianID = 3": (
        "Pedestrian 3: expected a box within its image of 96x64, got x 96 to 99, y 8 to 56; correct it or take it out"
    ),
    "DELETE FROM Image WHERE sequenceID IN (3, 6)": (
        "Pedestrian 3: expected an imageID of Image, got 30; the database is damaged"
    ),
}


@pytest.mark.parametrize("statement", DAMAGE)
def test_a_damaged_database_is_named_and_nothing_is_written(tmp_path: Path, statement: str) -> None:
    root = parse27k(tmp_path / "raw" / "parse27k")
    change(root, statement)
    with pytest.raises(UserError) as error:
        prepare_detection("parse27k", WANTED, data=tmp_path)
    assert str(error.value) == f"{root}/annotations.sqlite3: {DAMAGE[statement]}"
    assert not [path.name for path in tmp_path.iterdir() if path.name != "raw" and path.suffix != ".lock"]


def test_a_split_without_images_and_a_ninth_sequence(tmp_path: Path) -> None:
    root = parse27k(tmp_path)
    change(root, "INSERT INTO Sequence VALUES (9, 'ninth')", "INSERT INTO Image VALUES (90, 9, 'a.png')")
    with pytest.raises(UserError, match="expected sequences 1 to 8, got 9, which belongs to no split$"):
        read(root)
    change(root, "DELETE FROM Pedestrian", "DELETE FROM Image WHERE sequenceID IN (3, 6, 9)")
    with pytest.raises(UserError, match=r"expected images of sequences \(3, 6\) to be test, got none$"):
        read(root)


def test_no_database_at_all(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "annotations.sqlite3").write_bytes(b"<html>404</html>" * 400)
    with pytest.raises(UserError) as error:
        prepare_detection("parse27k", WANTED, data=tmp_path)
    assert str(error.value) == (
        f"{tmp_path}/raw/annotations.sqlite3: expected an SQLite database, got: file is not a database; "
        "replace it with the original file"
    )


def test_none_to_be_had(tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        prepare_detection("parse27k", WANTED, data=tmp_path)
    raw = tmp_path / "raw"
    assert str(error.value) == (
        f"data set 'parse27k': expected annotations.sqlite3 in one of {raw}, {raw}/parse27k, got none; ask its "
        f"authors for it, and set CAVEFISH_DATA to the folder that holds it, or put it into {raw}/parse27k"
    )
