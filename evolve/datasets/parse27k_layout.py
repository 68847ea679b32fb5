"""Street scenes as Parse-27k lays them out: annotations.sqlite3, and full frames below sequences/.

A frame is sequences/<Sequence.directory>/<Image.filename>. The split is by sequence, as its authors made it.
"""

import sqlite3
from collections import defaultdict
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

from evolve.base.errors import UserError
from evolve.datasets.annotation_files import state_of
from evolve.datasets.detection import Box, Photo, Photos
from evolve.datasets.raw_file import REPLACE

DATABASE = "annotations.sqlite3"
SEQUENCES = {"train": (1, 4, 5), "val": (2, 7, 8), "test": (3, 6)}
CLASS = "pedestrian"
LONGEST = 1 << 16  # bytes of a value, or of a table's description
# Steps of SQLite's machine that reading may take; a row takes ten and is tens of bytes long.
STEPS, STEPS_A_BYTE, EVERY = 1_000_000, 20, 1000
TABLES = {
    "Sequence": ("sequenceID", "directory"),
    "Image": ("imageID", "sequenceID", "filename"),
    "Pedestrian": ("pedestrianID", "imageID", "box_min_x", "box_min_y", "box_max_x", "box_max_y"),
}
Row = tuple[Any, ...]


def state(root: Path) -> str:
    """A short text that differs as soon as the database in that folder does."""
    return state_of(root, [root / DATABASE])


def read(root: Path) -> Photos:
    """The photographs of a folder in Parse-27k's layout, by split, in the order of their imageID."""
    database = root / DATABASE
    tables = _tables(database)
    directories: dict[int, str] = dict(row[:2] for row in tables["Sequence"])
    boxes = _boxes(database, tables["Pedestrian"], {row[0] for row in tables["Image"]})
    photos: dict[int, list[Photo]] = defaultdict(list)
    for image, sequence, filename in tables["Image"]:
        where = f"{database}: Image {image}"
        if sequence not in directories:
            raise UserError(f"{where}: expected a sequenceID of Sequence, got {sequence!r}; the database is damaged")
        file = _path(where, directories[sequence], filename)
        photos[sequence].append(Photo(root / "sequences" / file, boxes.get(image, []), where))
    known = {sequence for those in SEQUENCES.values() for sequence in those}
    if unknown := sorted(set(photos) - known, key=str):
        raise UserError(f"{database}: expected sequences 1 to 8, got {unknown[0]!r}, which belongs to no split")
    splits = {split: [p for s in those for p in photos.get(s, ())] for split, those in SEQUENCES.items()}
    for split, those in splits.items():
        if not those:
            raise UserError(f"{database}: expected images of sequences {SEQUENCES[split]} to be {split}, got none")
    return splits


def _path(where: str, *parts: object) -> Path:
    """An image's place below sequences/."""
    path = Path(*(part for part in parts if isinstance(part, str)))
    if not all(isinstance(part, str) for part in parts) or path.is_absolute() or ".." in path.parts:
        got = ", ".join(map(repr, parts))
        raise UserError(f"{where}: expected a directory below sequences/ and a filename, got {got}; correct it")
    return path


def _tables(database: Path) -> dict[str, list[Row]]:
    """The rows of each table that is needed, in the order of their ids."""
    try:
        # Read-only: a journal beside a file on somebody else's disk would be an unpleasant surprise.
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            _limit(connection, database.stat().st_size)
            return {table: _rows(database, connection, table, columns) for table, columns in TABLES.items()}
    except (sqlite3.Error, UnicodeDecodeError) as error:  # a damaged name of a column is the latter
        raise UserError(f"{database}: expected an SQLite database, got: {error}; {REPLACE}") from None


def _limit(connection: sqlite3.Connection, size: int) -> None:
    """A damaged tree can lead to the same pages again and again: no more is done than ``size`` bytes can need."""
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST)
    allowed = iter(range(STEPS // EVERY + size * STEPS_A_BYTE // EVERY))
    connection.set_progress_handler(lambda: next(allowed, None) is None, EVERY)


def _rows(database: Path, connection: sqlite3.Connection, table: str, columns: tuple[str, ...]) -> list[Row]:
    found = [str(row[1]) for row in connection.execute(f"PRAGMA table_info({table})")]
    names = [str(row[0]) for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    # A view is no table: it is a program, which may never end.
    if not found or table.lower() not in map(str.lower, names):
        held = ", ".join(sorted(names)) or "none at all"
        raise UserError(f"{database}: expected a table {table}, got {held}; {REPLACE}")
    for column in columns:
        if column not in found:
            raise UserError(
                f"{database}: table {table}: expected a column {column}, got {', '.join(found)}; replace the file with "
                "the original one"
            )
    rows = connection.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY {columns[0]}").fetchall()
    for row, following in pairwise(rows):
        if row[0] == following[0]:
            raise UserError(f"{database}: table {table}: expected every {columns[0]} once, got {row[0]!r} again; the "
                "database is damaged")
    return rows


def _boxes(database: Path, rows: list[Row], images: set[int]) -> dict[int, list[Box]]:
    """By imageID. A box's maximum is its edge, as Parse-27k's own tools cut it out."""
    boxes: dict[int, list[Box]] = defaultdict(list)
    for pedestrian, image, *corners in rows:
        where = f"{database}: Pedestrian {pedestrian}"
        if image not in images:
            raise UserError(f"{where}: expected an imageID of Image, got {image!r}; the database is damaged")
        if not all(isinstance(corner, int | float) for corner in corners):
            raise UserError(f"{where}: expected a box of four numbers, got {corners}; correct it or take it out")
        x1, y1, x2, y2 = map(float, corners)
        boxes[image].append(Box(x1, y1, x2 - x1, y2 - y1, CLASS, where))
    return boxes
