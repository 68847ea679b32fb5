"""Fuzzed: annotations of images with boxes in every layout, and image files.

Boxes that the checks let through are made a label of: what is stored must be numbers.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from evolve.datasets import image_file, label_datum, lookup, parse27k_layout
from evolve.datasets.annotations import shape_problem
from evolve.datasets.detection import Box, Detection, Photos
from evolve.datasets.layouts import class_names, coco_json, kitti_text, pascal_voc, yolo_text
from evolve.datasets.layouts.images import Images
from evolve.datasets.layouts.places import Place
from tests.datasets.miniatures import CAR, NOTHING, VAN, kitti, noise, parse27k, voc

kitti_files = lookup.module("kitti")
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
    file = root / "Annotations" / "a.xml"
    images = Images(root / "JPEGImages")
    xmls = pascal_voc.annotations(Place(file.parent, images.folder))

    def _read(content: bytes) -> object:
        file.write_bytes(content)
        photo = pascal_voc.photo(xmls, images, "a", "list:1")
        assert photo.size is None or min(photo.size) > 0
        return stored(photo.boxes)

    return (file.read_bytes(),), _read, None


def voc_list(folder: Path) -> Any:
    root = voc(folder / "pets", {"train": ["a", "b"], "val": ["c"]}, {name: [("cat", (1, 1, 9, 9))] for name in "abc"})
    file = root / pascal_voc.LISTS / "train.txt"
    return (b"a\nb\n", b"a  1\nb -1\n"), _loading(file, "voc", folder), None


def kitti_labels(folder: Path) -> Any:
    file = folder / "000000.txt"

    def _read(content: bytes) -> object:
        file.write_bytes(content)
        return stored(kitti_text.boxes(file))

    return ("\n".join([CAR, NOTHING, VAN]).encode(),), _read, None


def kitti_mapping(folder: Path) -> Any:
    root = kitti(folder)
    files = {name: root / "mapping" / f"train_{name}.txt" for name in ("mapping", "rand")}
    good = {name: file.read_bytes() for name, file in files.items()}

    def _read(content: bytes) -> object:
        damaged = "mapping" if b"drive" in content else "rand"
        for name, file in files.items():
            file.write_bytes(content if name == damaged else good[name])
        return _every(kitti_files.SOURCE.load(wanted=WANTED, seed=1, raw=folder, report=print))

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


COCO = """{"images": [{"id": 1, "file_name": "a.jpg", "width": 96, "height": 64}, {"id": 2, "file_name": "b/c.jpg"}],
"annotations": [{"image_id": 1, "category_id": 7, "bbox": [10, 20.5, 30, 30], "iscrowd": 0}],
"categories": [{"id": 7, "name": "cat"}]}"""
COCO_LARGE = """{"info": {}, "images": [{"id": "x", "file_name": "a.jpg"}], "categories": [{"id": 1, "name": "c"}],
"annotations": [{"id": 9, "image_id": "x", "category_id": 1, "bbox": [0, 0, 96, 64], "iscrowd": 1, "area": 6144}]}"""


def coco(folder: Path) -> Any:
    (folder / "pets").mkdir()
    file = folder / "pets" / "train.json"

    def _read(content: bytes) -> object:
        file.write_bytes(content)
        return _every(coco_json.photos(folder / "pets", print))

    return (COCO.encode(), COCO_LARGE.encode()), _read, None


def yolo_labels(folder: Path) -> Any:
    file = folder / "a.txt"

    def _read(content: bytes) -> object:
        file.write_bytes(content)
        return stored(yolo_text.boxes(file, ["cat", "dog"]))

    return (b"0 0.5 0.5 0.25 0.5\n1 0.1 0.2 0.1 0.1\n",), _read, None


def yolo_names(folder: Path) -> Any:
    good = b"path: ../pets  # here\nnames:\n  0: cat\n  1: 'no'\n", b"nc: 2\nnames: [cat, dog]\n", b"cat\ndog\n"

    def _read(content: bytes) -> object:
        file = folder / ("data.yaml" if b":" in content else "classes.txt")
        file.write_bytes(content)
        try:
            assert class_names.file_of(folder) in (file, None)
            return class_names.read(file)
        finally:
            file.unlink()

    return good, _read, None


def yolo_list(folder: Path) -> Any:
    root = folder / "pets"
    for name in ("obj/a", "obj/b", "more/images/a", "more/images/caf\u00e9"):
        noise(root / f"{name}.png")
        label = root / f"{name.replace('images', 'labels')}.txt"
        label.parent.mkdir(exist_ok=True)
        label.write_text("0 0.5 0.5 0.25 0.5\n")
    (root / "obj.names").write_text("cat\ndog\n")
    good = b"data/obj/a.png\ndata/obj/b.png\n", "more/images/a.png\r\nmore\\images\\cafe\u0301.png\r\n".encode()
    return good, _loading(root / "train.txt", "yolo", folder), None


def _loading(file: Path, name: str, raw: Path) -> Callable[[bytes], object]:
    source = lookup.with_boxes(name).source

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
    "COCO JSON": coco,
    "YOLO labels": yolo_labels,
    "YOLO names": yolo_names,
    "YOLO list": yolo_list,
    "image file": image,
}
