"""Examples for detection, their LMDBs, and scripts for real Caffe in a process of its own."""

import subprocess
from pathlib import Path

import lmdb
import numpy as np

from evolve.base.caffe_messages import caffe_pb2
from evolve.base.child import _environment as inner
from evolve.base.machine import USUAL
from tests.forks import FORKS

Objects = list[tuple[float, float, float, float, int]]  # x, y, w, h, class


def rows_of(objects: Objects) -> np.ndarray:
    rows = np.zeros((len(objects), 16), np.float32)
    for row, (x, y, w, h, kind) in zip(rows, objects, strict=True):
        row[:4], row[5] = (x, y, w, h), kind
    return rows


def label_of(objects: Objects, max_boxes: int = 8) -> np.ndarray:
    label = np.zeros((1, max_boxes + 1, 16), np.float32)
    label[0, 0, :2] = len(objects), 16
    label[0, 1 : 1 + len(objects)] = rows_of(objects)
    return label


def store(folder: Path, datums: dict[str, bytes]) -> None:
    environment = lmdb.open(str(folder), map_size=1 << 30)
    with environment.begin(write=True) as transaction:
        for key, value in datums.items():
            transaction.put(key.encode(), value)
    environment.close()


def image_datum(image: np.ndarray) -> bytes:
    channels, height, width = image.shape
    return caffe_pb2.Datum(
        channels=channels, height=height, width=width, data=image.tobytes(), label=0
    ).SerializeToString()


def label_datum(label: np.ndarray) -> bytes:
    channels, height, width = label.shape
    return caffe_pb2.Datum(
        channels=channels, height=height, width=width, float_data=label.ravel().tolist()
    ).SerializeToString()


def street(number: int, width: int = 160, height: int = 96) -> tuple[np.ndarray, Objects]:
    """An image of noise with bright boxes, and its objects of classes 1 and 2."""
    rng = np.random.default_rng(number)
    image = rng.integers(0, 128, (3, height, width), dtype=np.uint8)
    objects: Objects = []
    for kind in (1, 2, 1)[: 1 + number % 3]:
        w, h = rng.integers(24, 60, 2).tolist()
        x, y = int(rng.integers(-8, width - 16)), int(rng.integers(-8, height - 16))
        image[:, max(0, y) : y + h, max(0, x) : x + w] += 100
        objects.append((x, y, w, h, kind))
    return image, objects


def python(
    folder: Path, script: str, arguments: tuple[str, ...] = (), status: int | None = 0
) -> "subprocess.CompletedProcess[str]":
    """Runs a script in a child with the environment that Caffe's processes have."""
    child = FORKS.script(script, *arguments, folder=folder, **inner(USUAL, {"GLOG_minloglevel": "1"}, ()))
    assert status is None or child.returncode == status, child.stderr
    return child
