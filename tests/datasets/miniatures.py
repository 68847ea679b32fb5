"""Parse-27k, KITTI and Pascal VOC in miniature: their real layouts, with a few images of noise."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np

Corners = tuple[float, float, float, float]  # left, top, right, bottom
SCHEMA = """
CREATE TABLE Sequence (sequenceID INTEGER PRIMARY KEY, directory TEXT);
CREATE TABLE Image (imageID INTEGER PRIMARY KEY, sequenceID INTEGER, filename TEXT);
CREATE TABLE AttributeSet (attributeSetID INTEGER PRIMARY KEY, postureID INTEGER, genderID INTEGER);
CREATE TABLE Pedestrian (pedestrianID INTEGER PRIMARY KEY, imageID INTEGER, attributeSetID INTEGER,
    box_min_x, box_min_y, box_max_x, box_max_y);
"""
PERSON = (10.0, 8.0, 30.0, 56.0)


def noise(file: Path, width: int = 96, height: int = 64, seed: int = 0) -> np.ndarray:
    """Writes an image of noise without loss and gives its pixels (height, width, 3), blue first."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    file.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(file), pixels)
    return pixels


def parse27k(root: Path, boxes: Mapping[int, Sequence[Sequence[object]]] | None = None) -> Path:
    """One image a sequence, imageID 10 times the sequence's; ``boxes`` by sequence, by default a person in each."""
    root.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(root / "annotations.sqlite3")) as database:
        database.executescript(SCHEMA)
        for sequence in range(1, 9):
            database.execute("INSERT INTO Sequence VALUES (?, ?)", (sequence, f"drive{sequence}"))
            database.execute("INSERT INTO Image VALUES (?, ?, 'a.png')", (10 * sequence, sequence))
            noise(root / "sequences" / f"drive{sequence}" / "a.png", seed=sequence)
            for corners in ({} if boxes is None else boxes).get(sequence, [PERSON]):
                database.execute(
                    "INSERT INTO Pedestrian VALUES (NULL, ?, 1, ?, ?, ?, ?)", (10 * sequence, *corners)
                )
        database.commit()
    return root


def change(root: Path, *statements: str) -> None:
    """Spoils a Parse-27k database."""
    with closing(sqlite3.connect(root / "annotations.sqlite3")) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()


CAR = "Car 0.25 1 -1.5 10.5 20 50.5 60 1.5 1.6 3.9 -2 1.7 20.5 0.1"
FAR = "Car 0 0 0.5 60 20 80 40 1.5 1.7 4 3 1.6 45.25 0.2"
NOTHING = "DontCare -1 -1 -10 70 5 90 15 -1 -1 -1 -1000 -1000 -1000 -10"
VAN = "Van 0 0 0 5 5 25 25 2 2 5 1 1 30 0"


def kitti(root: Path, labels: Sequence[str] = (CAR, FAR, f"{CAR}\n{NOTHING}\n{FAR}\n{VAN}")) -> Path:
    """An image for each of ``labels``; 0 and 2 are of a drive that trains, 1 and 3 of one that validates."""
    drives = ("2011_09_26_drive_0019_sync", "2011_09_26_drive_0018_sync", "2011_09_28_drive_0001_sync")
    lines = [f"{drive[:10]} {drive} {frame:010d}" for frame, drive in enumerate((drives[1], drives[2], drives[0]))]
    (root / "mapping").mkdir(parents=True)
    (root / "mapping" / "train_mapping.txt").write_text("\n".join(lines) + "\n")
    (root / "mapping" / "train_rand.txt").write_text("2,1,3,1")
    (root / "training" / "label_2").mkdir(parents=True)
    for number, text in enumerate(labels):
        (root / "training" / "label_2" / f"{number:06d}.txt").write_text(text + "\n")
        noise(root / "training" / "image_2" / f"{number:06d}.png", seed=number)
    return root


def voc(root: Path, lists: Mapping[str, Sequence[str]], objects: Mapping[str, Sequence[tuple[str, Corners]]]) -> Path:
    """``lists`` by split, ``objects`` (class, corners as VOC counts them) by image."""
    for folder in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for split, names in lists.items():
        (root / "ImageSets" / "Main" / f"{split}.txt").write_text("".join(f"{name}\n" for name in names))
    for number, (name, boxes) in enumerate(objects.items()):
        noise(root / "JPEGImages" / f"{name}.png", seed=number)
        (root / "Annotations" / f"{name}.xml").write_text(
            f"<annotation><filename>{name}.png</filename><size><width>96</width><height>64</height></size>"
            + "".join(_object(each, corners) for each, corners in boxes)
            + "</annotation>"
        )
    return root


def _object(name: str, corners: Corners) -> str:
    tags = zip(("xmin", "ymin", "xmax", "ymax"), corners, strict=True)
    box = "".join(f"<{tag}>{value:g}</{tag}>" for tag, value in tags)
    return f"<object><name>{name}</name><truncated>1</truncated><bndbox>{box}</bndbox></object>"
