"""Eight drives through streets that were never there, in Parse-27k's own layout."""

import sqlite3
from contextlib import closing
from pathlib import Path
from time import monotonic

import cv2
import numpy as np
from numpy.random import Generator

from evolve.base.files import sync
from evolve.base.progress import Report
from evolve.datasets.parse27k_layout import DATABASE
from evolve.datasets.streets.camera import Camera
from evolve.datasets.streets.scene import Person, frame

# Sequence: its part of all frames. 1, 4 and 5 train, 2, 7 and 8 validate, 3 and 6 test.
PARTS = {1: 0.24, 2: 0.06, 3: 0.06, 4: 0.22, 5: 0.24, 6: 0.06, 7: 0.06, 8: 0.06}
LEAST = 40  # frames, so that each sequence has some
QUALITY = 92  # of the JPEG
EVERY = 10.0  # seconds between two lines of progress
ATTRIBUTES = (
    *("OrientationID", "Orientation8ID", "GenderID", "PostureID", "HasBagOnShoulderLeftID", "HasBagOnShoulderRightID"),
    *(
        "HasBagInHandLeftID",
        "HasBagInHandRightID",
        "HasTrolleyID",
        "HasBackpackID",
        "isPushingID",
        "isTalkingOnPhoneID",
    ),
)
SCHEMA = f"""
CREATE TABLE Sequence (sequenceID INTEGER PRIMARY KEY, directory TEXT NOT NULL);
CREATE TABLE Image (imageID INTEGER PRIMARY KEY, sequenceID INTEGER NOT NULL, filename TEXT NOT NULL);
CREATE TABLE AttributeSet (attributeSetID INTEGER PRIMARY KEY, {", ".join(f"{name} INTEGER" for name in ATTRIBUTES)});
CREATE TABLE Pedestrian (
    pedestrianID INTEGER PRIMARY KEY, imageID INTEGER NOT NULL, attributeSetID INTEGER NOT NULL,
    box_min_x INTEGER, box_min_y INTEGER, box_max_x INTEGER, box_max_y INTEGER
);
"""


def record(folder: Path, frames: int, width: int, height: int, seed: int, report: Report) -> None:
    """Draws ``frames`` frames of ``width`` x ``height`` pixels into ``folder``: sequences/ and annotations.sqlite3.

    The same arguments give the same pixels and boxes. Raises OSError if the disk refuses.
    """
    counts = lengths(frames)
    began = said = monotonic()
    done = 0
    with closing(sqlite3.connect(folder / DATABASE)) as database:
        database.executescript(SCHEMA)
        for sequence, count in counts.items():
            directory = f"{sequence:02d}"
            (folder / "sequences" / directory).mkdir(parents=True)
            database.execute("INSERT INTO Sequence VALUES (?, ?)", (sequence, directory))
            place = np.random.default_rng([seed, sequence])
            drive = (float(place.uniform(0.9, 1.15)), float(place.uniform(0.36, 0.47)), float(place.uniform(1.5, 2.2)))
            for number in range(count):
                rng = np.random.default_rng([seed, sequence, number])
                picture, people = frame(_camera(width, height, drive, rng), rng)
                name = f"{number:06d}.jpg"
                cv2.imwrite(str(folder / "sequences" / directory / name), picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
                _store(database, sequence, name, people)
                done += 1
                if monotonic() - said >= EVERY:
                    said = monotonic()
                    left = (said - began) / done * (frames - done)
                    report(f"streets: {done} of {frames} frames drawn, {left:.0f} s left")
        database.commit()
    sync(folder / DATABASE)


def lengths(frames: int) -> dict[int, int]:
    """Frames of each sequence; the first takes what rounding leaves."""
    counts = {sequence: max(1, int(frames * part)) for sequence, part in PARTS.items()}
    counts[1] += frames - sum(counts.values())
    return counts


def _camera(width: int, height: int, drive: tuple[float, float, float], rng: Generator) -> Camera:
    """The drive's camera, as it looks at one moment: focal length and horizon in parts of the frame, eye in metres."""
    focal, horizon, eye = drive
    return Camera(
        width,
        height,
        focal * width,
        (horizon + float(rng.normal(0, 0.015))) * height,
        eye + float(rng.normal(0, 0.1)),
        float(rng.uniform(-0.3, 0.3)),
    )


def _store(database: sqlite3.Connection, sequence: int, name: str, people: list[Person]) -> None:
    image = database.execute("INSERT INTO Image (sequenceID, filename) VALUES (?, ?)", (sequence, name)).lastrowid
    for person in people:
        marks = ", ".join("?" * (len(ATTRIBUTES) + 1))
        attributes = database.execute(
            f"INSERT INTO AttributeSet VALUES ({marks})", (None, *_attributes(person))
        ).lastrowid
        row = (None, image, attributes, *person.box)
        database.execute("INSERT INTO Pedestrian VALUES (?, ?, ?, ?, ?, ?, ?)", row)


def _attributes(person: Person) -> list[int]:
    """In the order of ATTRIBUTES; as in Parse-27k 1 is not known, 2 yes (or male, walking, front), 3 no ..."""
    turned = np.degrees(person.heading) % 360  # 0 to the camera, 90 to the right
    front, right, back, left = 2, 5, 3, 4
    quarter = (front, right, back, left)[round(turned / 90) % 4]
    look = person.look
    yes_no = (look.shoulder_bag, False, False, look.hand_bag, False, look.backpack, False, False)
    posture = 2 if person.walking else 3
    return [
        quarter,
        2 + round(turned / 45) % 8,
        3 if look.female else 2,
        posture,
        *(2 if each else 3 for each in yes_no),
    ]
