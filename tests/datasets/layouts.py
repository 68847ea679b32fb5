"""Folders as people bring them, in miniature: images of noise, 96x64, each with its annotations in some layout."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from miniatures import noise

from evolve.datasets import Box, Dataset, Detection, prepare_detection
from evolve.datasets.detection import Photo

CAT = "cat 0 0 0 10 20 40 50 0 0 0 0 0 0 0"
WANTED = Detection(96, 64, classes=("cat",), folder="mine")


def image(root: Path, *names: str) -> None:
    """An image of noise each."""
    for number, name in enumerate(names):
        noise(root / name, seed=number)


def xml(objects: str = "", name: str = "", size: tuple[int, int] | None = (96, 64), root: str = "annotation") -> str:
    """Annotations of Pascal VOC; a cat by default, whose first pixel is 11, 21 and whose last 40, 50."""
    sides = f"<size><width>{size[0]}</width><height>{size[1]}</height></size>" if size else ""
    told = f"<filename>{name}</filename>" if name else ""
    return f"<{root}>{told}{sides}{objects or cat()}</{root}>"


def cat(extra: str = "", name: str = "cat") -> str:
    """An object of Pascal VOC."""
    corners = "<xmin>11</xmin><ymin>21</ymin><xmax>40</xmax><ymax>50</ymax>"
    return f"<object><name>{name}</name>{extra}<bndbox>{corners}</bndbox></object>"


def write(root: Path, files: Mapping[str, str | bytes]) -> None:
    """Texts, in UTF-8, or bytes by their place."""
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content.encode() if isinstance(content, str) else content)


def coco(images: Sequence[Any], annotations: Sequence[Any] = (), **more: Any) -> str:
    """COCO's JSON with one category, cat, whose id is 7."""
    return json.dumps({"images": images, "annotations": annotations, "categories": [{"id": 7, "name": "cat"}]} | more)


def coco_pair(name: str, identity: int = 1) -> tuple[dict[str, Any], dict[str, Any]]:
    """An image, and the cat in it."""
    return (
        {"id": identity, "file_name": name, "width": 96, "height": 64},
        {"id": identity, "image_id": identity, "category_id": 7, "bbox": [10, 20, 30, 30], "iscrowd": 0},
    )


def prepared(layout: str, data: Path, wanted: Detection = WANTED, seed: int = 1) -> Dataset:
    """The data set of data/raw/mine."""
    return prepare_detection(layout, wanted, data=data, seed=seed, report=lambda line: None)


def place(box: Box) -> tuple[float, float, float, float]:
    """x, y, w, h."""
    return box.x, box.y, box.w, box.h


def told(photos: Mapping[str, Sequence[Photo]], root: Path) -> dict[str, list[tuple[Any, ...]]]:
    """By split, each image's place below root and its boxes: class, x, y, w, h, and whether they are difficult."""
    return {
        split: [
            (str(photo.file.relative_to(root)), *((box.name, *place(box), box.difficult) for box in photo.boxes))
            for photo in those
        ]
        for split, those in photos.items()
    }
