"""Damaged detection data, one case a line: a sentence that says where, and a data folder as it was before."""

import hashlib
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
from miniatures import change, kitti, noise, parse27k, voc

from evolve.base.errors import UserError
from evolve.datasets import Detection, prepare_detection

Spoil = Callable[[Path], object]
LABEL, MAPPING = "training/label_2/000002.txt", "mapping/train_mapping.txt"
A, VAL = "Annotations/a.xml", "ImageSets/Main/val.txt"
PARSE27K_IMAGE, KITTI_IMAGE, VOC_IMAGE = "sequences/drive6/a.png", "training/image_2/000002.png", "JPEGImages/c.png"


class Case(NamedTuple):
    """What is done to a folder of that source, and the message; {root} is the folder, *** what a library counts."""

    source: str
    spoil: Spoil
    message: str
    annotations: bool = True  # whether it is these that are damaged: then the set made before counts no more


def sql(*statements: str) -> Spoil:
    return lambda root: change(root, *statements)


def put(name: str, content: bytes) -> Spoil:
    return lambda root: (root / name).write_bytes(content)


def swap(name: str, old: str, new: str) -> Spoil:
    def _swap(root: Path) -> None:
        text = (root / name).read_text()
        assert old in text
        (root / name).write_text(text.replace(old, new, 1))

    return _swap


def cut(name: str, of: float = 0.5) -> Spoil:
    def _cut(root: Path) -> None:
        content = (root / name).read_bytes()
        (root / name).write_bytes(content[: int(len(content) * of)])

    return _cut


def gone(name: str) -> Spoil:
    return lambda root: (root / name).unlink()


def link_to_nothing(root: Path) -> None:
    (root / "annotations.sqlite3").unlink()
    (root / "annotations.sqlite3").symlink_to("nowhere")


def cut_off_jpeg(root: Path) -> None:
    noise(root / "sequences/drive6/a.jpg", 200, 200)
    cut("sequences/drive6/a.jpg")(root)
    (root / "sequences/drive6/a.jpg").rename(root / PARSE27K_IMAGE)


def claims(width: int, height: int) -> bytes:
    """A PNG whose header claims that size, and that has hardly a row."""

    def _chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(bytes(99))), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)


BOMB = "".join(f'<!ENTITY b{n} "{f"&b{n - 1};" * 10 if n else "b"}">' for n in range(10))
EXTERNAL = '<!ENTITY b9 SYSTEM "file:///etc/hostname">'
DATABASE = "{root}/annotations.sqlite3: "
ORIGINAL = "; replace it with the original file"
DOCTYPE = "{root}/" + A + ": expected annotations in XML, got: a DOCTYPE, whose entities are not read; replace it"

CASES = {
    "an empty database": Case(
        "parse27k", put("annotations.sqlite3", b""), DATABASE + "expected a table Sequence, got none at all" + ORIGINAL
    ),
    "a database that is none": Case(
        "parse27k",
        put("annotations.sqlite3", b"<html>404</html>" * 400),
        DATABASE + "expected an SQLite database, got: file is not a database" + ORIGINAL,
    ),
    "a database cut off": Case(
        "parse27k",
        cut("annotations.sqlite3"),
        DATABASE + "expected an SQLite database, got: database disk image is malformed" + ORIGINAL,
    ),
    "a link to no database": Case(
        "parse27k",
        link_to_nothing,
        DATABASE + "expected an SQLite database, got: unable to open database file" + ORIGINAL,
    ),
    "no table of pedestrians": Case(
        "parse27k",
        sql("DROP TABLE Pedestrian"),
        DATABASE + "expected a table Pedestrian, got AttributeSet, Image, Sequence" + ORIGINAL,
    ),
    "a view that never ends": Case(
        "parse27k",
        sql(
            "DROP TABLE Image",
            "CREATE VIEW Image AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
            "SELECT i AS imageID, 1 AS sequenceID, 'a.png' AS filename FROM n",
        ),
        DATABASE + "expected a table Image, got AttributeSet, Pedestrian, Sequence" + ORIGINAL,
    ),
    "no column of corners": Case(
        "parse27k",
        sql("ALTER TABLE Pedestrian DROP COLUMN box_max_y"),
        DATABASE + "table Pedestrian: expected a column box_max_y, got pedestrianID, imageID, attributeSetID, "
        "box_min_x, box_min_y, box_max_x; replace the file with the original one",
    ),
    "an image twice": Case(
        "parse27k",
        sql(
            "CREATE TABLE Free AS SELECT * FROM Image",
            "DROP TABLE Image",
            "ALTER TABLE Free RENAME TO Image",
            "INSERT INTO Image VALUES (30, 3, 'a.png')",
        ),
        DATABASE + "table Image: expected every imageID once, got 30 again; the database is damaged",
    ),
    "an image without a name": Case(
        "parse27k",
        sql("UPDATE Image SET filename = NULL WHERE imageID = 30"),
        DATABASE + "Image 30: expected a directory below sequences/ and a filename, got 'drive3', None; correct it",
    ),
    "an image from elsewhere": Case(
        "parse27k",
        sql("UPDATE Sequence SET directory = '../..' WHERE sequenceID = 3"),
        DATABASE + "Image 30: expected a directory below sequences/ and a filename, got '../..', 'a.png'; correct it",
    ),
    "a name that no file can have": Case(
        "parse27k",
        sql(f"UPDATE Image SET filename = '{'a' * 300}' WHERE imageID = 30"),
        DATABASE + f"Image 30: expected its image {{root}}/sequences/drive3/{'a' * 300}, got no such file; bring it or "
        "take its row out",
    ),
    "a person of negative width": Case(
        "parse27k",
        sql("UPDATE Pedestrian SET box_max_x = 4 WHERE pedestrianID = 3"),
        DATABASE + "Pedestrian 3: expected a box of positive size, got -6x48; correct it or take it out",
    ),
    "a corner in words": Case(
        "parse27k",
        sql("UPDATE Pedestrian SET box_max_x = 'wide' WHERE pedestrianID = 3"),
        DATABASE + "Pedestrian 3: expected a box of four numbers, got [10.0, 8.0, 'wide', 56.0]; correct it or take it "
        "out",
    ),
    "a corner at infinity": Case(
        "parse27k",
        sql("UPDATE Pedestrian SET box_max_x = 9e999 WHERE pedestrianID = 3"),
        DATABASE + "Pedestrian 3: expected a box of numbers, got x 10, y 8, infx48; correct it",
    ),
    "a person outside": Case(
        "parse27k",
        sql("UPDATE Pedestrian SET box_min_y = 64, box_max_y = 99 WHERE pedestrianID = 3"),
        DATABASE + "Pedestrian 3: expected a box within its image of 96x64, got x 10 to 30, y 64 to 99; correct it or "
        "take it out",
    ),
    "a JPEG cut off": Case(
        "parse27k",
        cut_off_jpeg,
        "{root}/" + PARSE27K_IMAGE + ": expected a whole image, got: image file is truncated (*** bytes not processed)"
        + ORIGINAL,
        annotations=False,
    ),
    "a PNG cut off": Case(
        "parse27k",
        cut(PARSE27K_IMAGE),
        "{root}/" + PARSE27K_IMAGE + ": expected a whole image, got: image file is truncated" + ORIGINAL,
        annotations=False,
    ),
    "an empty image": Case(
        "parse27k",
        put(PARSE27K_IMAGE, b""),
        "{root}/" + PARSE27K_IMAGE + ": expected an image, got an empty file" + ORIGINAL,
        annotations=False,
    ),
    "an image that is a program": Case(
        "parse27k",
        put(PARSE27K_IMAGE, b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n"),
        "{root}/" + PARSE27K_IMAGE + ": expected an image, got 56 bytes that begin with b'%!PS-Ado'" + ORIGINAL,
        annotations=False,
    ),
    "an image that would fill the memory": Case(
        "parse27k",
        put(PARSE27K_IMAGE, claims(100000, 100000)),
        "{root}/" + PARSE27K_IMAGE + ": expected an image of a size that memory holds, got: Image size (10000000000 "
        "pixels) exceeds limit of 178956970 pixels, could be decompression bomb DOS attack" + ORIGINAL,
        annotations=False,
    ),
    "an image that is missing": Case(
        "kitti",
        gone(KITTI_IMAGE),
        "{root}/" + LABEL + ": expected its image {root}/" + KITTI_IMAGE + ", got no such file; bring it or take its "
        "row out",
        annotations=False,
    ),
    "an image larger than was asked for": Case(
        "kitti",
        lambda root: noise(root / KITTI_IMAGE, 200, 100),
        "{root}/" + KITTI_IMAGE + ": expected an image of at most 112x80 to pad, got 200x100; choose a larger size, or "
        "fit resize or letterbox",
        annotations=False,
    ),
    "a field less": Case(
        "kitti",
        swap(LABEL, " 0.1\n", "\n"),
        "{root}/" + LABEL + ":1: expected a type and 14 numbers, got 'Car 0.25 1 -1.5 10.5 20 50.5 60 1.5 1.6 3.9 -2 "
        "1.7 20.5' (14 fields)" + ORIGINAL,
    ),
    "a car of negative width": Case(
        "kitti",
        swap(LABEL, "50.5 60", "5.5 60"),
        "{root}/" + LABEL + ":1: expected a box of positive size, got -5x40; correct it or take it out",
    ),
    "an angle that is no number": Case(
        "kitti",
        swap(LABEL, "-1.5", "nan"),
        "{root}/" + LABEL + ":1: expected a number that 32 bits hold for alpha, got nan; correct it",
    ),
    "a distance beyond 32 bits": Case(
        "kitti",
        swap(LABEL, "20.5", "1e300"),
        "{root}/" + LABEL + ":1: expected a number that 32 bits hold for locz, got 1e+300; correct it",
    ),
    "labels that are no text": Case(
        "kitti",
        put(LABEL, b"\xff\xfe\x00"),
        "{root}/" + LABEL + ": expected a text file, got: 'utf-8' codec can't decode byte 0xff in position 0: invalid "
        "start byte" + ORIGINAL,
    ),
    "a class that nobody named": Case(
        "kitti",
        swap(LABEL, "Van", "Vann"),
        "{root}/" + LABEL + ":4: expected a class of Car, Van, Truck, Pedestrian, Person_sitting, Cyclist, Tram, Misc, "
        "DontCare, got 'Vann' (1 box); write 'Vann' for 'Van' in the classes or in dontcare; the whole set holds Car "
        "(4), DontCare (1), Vann (1)",
    ),
    "a mapping cut off": Case(
        "kitti",
        cut(MAPPING, 0.4),
        "{root}/" + MAPPING + ":2: expected date, drive and frame, got '2011_09_2'" + ORIGINAL,
    ),
    "a line number of 5000 digits": Case(
        "kitti",
        put("mapping/train_rand.txt", b"9" * 5000),
        "{root}/mapping/train_rand.txt: expected lines 1 to 3 of train_mapping.txt, got '" + "9" * 200 + "'; replace "
        "both with the original files",
    ),
    "XML cut off": Case(
        "voc",
        put(A, b"<annotation>"),
        "{root}/" + A + ": expected annotations in XML, got: no element found: line 1, column 12; replace it",
    ),
    "entities that grow": Case("voc", put(A, f"<!DOCTYPE a [{BOMB}]><a>&b9;</a>".encode()), DOCTYPE),
    "an entity from another file": Case("voc", put(A, f"<!DOCTYPE a [{EXTERNAL}]><a>&b9;</a>".encode()), DOCTYPE),
    "a DOCTYPE in UTF-16": Case("voc", put(A, "<!DOCTYPE a SYSTEM 'a.dtd'><a></a>".encode("utf-16")), DOCTYPE),
    "an encoding that nobody knows": Case(
        "voc",
        put(A, b'<?xml version="1.0" encoding="klingon"?><annotation/>'),
        "{root}/" + A + ": expected annotations in XML, got: unknown encoding: klingon; replace it",
    ),
    "a box without a corner": Case(
        "voc",
        swap(A, "<ymax>40</ymax>", ""),
        "{root}/" + A + ": object 2: expected a number for ymax, got ''; correct it",
    ),
    "a dog of negative width": Case(
        "voc",
        swap(A, "<xmax>30", "<xmax>5"),
        "{root}/" + A + ": object 2: expected a box of positive size, got -5x20; correct it or take it out",
    ),
    "a width that is no number": Case(
        "voc",
        swap(A, "<width>96", "<width>nan"),
        "{root}/" + A + ": expected a whole number of pixels for width, got nan; correct it",
    ),
    "another image than was annotated": Case(
        "voc",
        lambda root: noise(root / VOC_IMAGE, 95, 64),
        "{root}/Annotations/c.xml: expected an image of 96x64, got 95x64 in {root}/" + VOC_IMAGE + "; the boxes were "
        "drawn on another image",
        annotations=False,
    ),
    "a list that names nothing": Case(
        "voc",
        put(VAL, b"\n"),
        "data set 'voc': expected boxes of cat, dog in its val split, got none; the whole set holds dog (2), cat (1)",
    ),
    "a list with a zero byte": Case(
        "voc",
        put(VAL, b"c\0\n"),
        "{root}/Annotations/c\0.xml: expected annotations in XML, got: embedded null byte; replace it",
    ),
    "an image to learn and to score": Case(
        "voc",
        put(VAL, b"c\na\n"),
        "{root}/" + VAL + ": expected images that are not in train.txt, got a in both; take it out of one",
    ),
}
WANTED = {
    "parse27k": Detection(96, 64),
    "kitti": Detection(112, 80, fit="pad"),
    "voc": Detection(96, 64, classes=("cat", "dog"), folder="pets"),
}


def _good(source: str, raw: Path) -> Path:
    if source == "voc":
        dogs = {"a": [("cat", (1, 1, 96, 64)), ("dog", (11, 21, 30, 40))], "b": [("dog", (5, 5, 5, 5))]}
        cat = {"c": [("cat", (20, 20, 60, 60))]}
        return voc(raw / "pets", {"train": ["a", "b"], "val": ["c"]}, dogs | cat)  # type: ignore[arg-type]
    return {"parse27k": parse27k, "kitti": kitti}[source](raw / source)


def _held(data: Path) -> dict[str, str]:
    """Every file and folder of the data folder, raw data and locks aside, and what the files hold."""
    return {
        str(path.relative_to(data)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in data.rglob("*")
        if path.relative_to(data).parts[0] != "raw" and path.suffix != ".lock"
    }


@pytest.mark.parametrize("name", CASES)
def test_said_clearly_and_nothing_is_half_written(tmp_path: Path, lines: list[str], name: str) -> None:
    case = CASES[name]
    wanted = WANTED[case.source]
    root = _good(case.source, tmp_path / "raw")
    made = prepare_detection(case.source, wanted, data=tmp_path, report=lines.append)
    before = _held(tmp_path)
    case.spoil(root)
    # Other labels are another folder; the first one's is found again as long as the annotations are the same.
    other = replace(wanted, max_boxes=50)
    for asked in (other, wanted) if case.annotations else (other,):
        with pytest.raises(UserError) as error:
            prepare_detection(case.source, asked, data=tmp_path, report=lines.append)
        begin, _, end = case.message.format(root=root).partition("***")
        assert str(error.value).startswith(begin) and str(error.value).endswith(end)
        assert end or str(error.value) == begin
        assert _held(tmp_path) == before
    if not case.annotations:
        assert prepare_detection(case.source, wanted, data=tmp_path, report=lines.append) == made
    assert len(lines) == 1


def test_what_is_damaged_is_not_replaced_by_drawings(tmp_path: Path) -> None:
    root = parse27k(tmp_path / "raw")
    change(root, "DROP TABLE Image")
    with pytest.raises(UserError, match="expected a table Image, got AttributeSet, Pedestrian, Sequence"):
        prepare_detection("parse27k", WANTED["parse27k"], or_else="streets", data=tmp_path)
    assert _held(tmp_path) == {}
