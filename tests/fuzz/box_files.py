"""Fuzzed: annotations of images with boxes, Pascal VOC's, KITTI's and Parse-27k's, and image files.

Boxes that the checks let through are made a label of: what is stored must be numbers.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from evolve.datasets import image_file, label_datum, lookup, parse27k_layout
from evolve.datasets.annotations import shape_problem
from evolve.datasets.detection import Box, Detection, Photos
from tests.datasets.miniatures import CAR, NOTHING, VAN, kitti, noise, parse27k, voc

voc_files, kitti_files = lookup.module("voc"), lookup.module("kitti")
WANTED = Detection(width=96, height=64, classes=("cat",), folder="pets")


def stored(boxes: Iterable[Box]) -> np.ndarray:
    """The label of those boxes that can be somebody's."""
    sound = [(1, box) for box in boxes if not shape_problem(box)]
    with np.errstate(all="raise"):
        table = label_datum.table(sound, len(sound))
    assert np.isfinite(table).all(), "a label that is no number"
    return table


def _every(photos: Photos) -> np.ndarray:
    return stored(box for those in photos.values() for photo in those for box in photo.boxes)


def voc_xml(folder: Path) -> Any:
    root = voc(folder, {}, {"a": [("cat", (1, 1, 96, 64)), ("dog", (11, 21, 30, 40))]})
    file = root / voc_files.ANNOTATIONS / "a.xml"

    def _read(content: bytes) -> object:
        file.write_bytes(content)
        photo = voc_files.photo(root, "a", "list:1")
        assert photo.size is None or min(photo.size) > 0
        return stored(photo.boxes)

    return (file.read_bytes(),), _read, None


def voc_list(folder: Path) -> Any:
    root = voc(folder / "pets", {"train": ["a", "b"], "val": ["c"]}, {name: [("cat", (1, 1, 9, 9))] for name in "abc"})
    file = root / voc_files.LISTS / "train.txt"
    return (b"a\nb\n", b"a  1\nb -1\n"), _loading(file, voc_files, folder), None


def kitti_labels(folder: Path) -> Any:
    file = folder / "000000.txt"

    def _read(content: bytes) -> object:
        file.write_bytes(content)
        return stored(kitti_files.boxes(file))

    return ("\n".join([CAR, NOTHING, VAN]).encode(),), _read, None


def kitti_mapping(folder: Path) -> Any:
    root = kitti(folder)
    files = {name: root / "mapping" / f"train_{name}.txt" for name in ("mapping", "rand")}
    good = {name: file.read_bytes() for name, file in files.items()}

    def _read(content: bytes) -> object:
        damaged = "mapping" if b"drive" in content else "rand"
        for name, file in files.items():
            file.write_bytes(content if name == damaged else good[name])
        return _every(kitti_files.load(wanted=WANTED, seed=1, raw=folder, report=print))

    return tuple(good.values()), _read, None


def sqlite(folder: Path) -> Any:
    root = parse27k(folder)
    file = root / parse27k_layout.DATABASE
    good = file.read_bytes()
    before = sorted(root.iterdir())

    def _read(content: bytes) -> object:
        file.write_bytes(content)
        try:
            return _every(parse27k_layout.read(root))
        finally:
            assert sorted(root.iterdir()) == before, "a file beside the database"

    return (good,), _read, None


def image(folder: Path) -> Any:
    good = []
    for suffix in ("png", "jpg", "bmp", "tiff"):
        noise(folder / f"a.{suffix}", 24, 16)
        good.append((folder / f"a.{suffix}").read_bytes())

    def _read(content: bytes) -> object:
        pixels = image_file.decoded(content, "here")
        assert pixels.ndim == 3 and pixels.shape[2] == 3 and pixels.dtype == np.uint8
        return pixels

    return tuple(good), _read, None


def _loading(file: Path, source: Any, raw: Path) -> Callable[[bytes], object]:
    def _read(content: bytes) -> object:
        file.write_bytes(content)
        return _every(source.load(wanted=WANTED, seed=1, raw=raw, report=print))

    return _read


FORMATS = {
    "VOC XML": voc_xml,
    "VOC list": voc_list,
    "KITTI labels": kitti_labels,
    "KITTI mapping": kitti_mapping,
    "sqlite (Parse-27k)": sqlite,
    "image file": image,
}
