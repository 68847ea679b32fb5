"""Pictures that tests draw: discs, bars and crosses, in folders of classes as people have them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

CLASSES = ("bar", "cross", "disc")


def picture(name: str, seed: int, size: tuple[int, int] = (60, 44), grey: bool = False) -> Image.Image:
    """One thing of that class, somewhere on noise, in some colour."""
    random = np.random.default_rng(seed)
    noise = random.integers(0, 90, (size[1], size[0], 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    draw = ImageDraw.Draw(image)
    colour = tuple(int(each) for each in random.integers(150, 256, 3))
    x, y = (int(random.integers(side // 3, side - side // 3)) for side in size)
    r = min(size) // 4
    if name == "disc":
        draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)
    if name in ("bar", "cross"):
        draw.rectangle((x - r, y - 3, x + r, y + 3), fill=colour)
    if name == "cross":
        draw.rectangle((x - 3, y - r, x + 3, y + r), fill=colour)
    return image.convert("L") if grey else image


def folders(
    root: Path, each: int = 6, classes: Sequence[str] = CLASSES, suffix: str = "png", first: int = 0, grey: bool = False
) -> Path:
    """``each`` pictures of every class in ``root``/<class>/0.png and so on."""
    for label, name in enumerate(classes):
        (root / name).mkdir(parents=True, exist_ok=True)
        for number in range(each):
            size = (60, 44) if number % 2 else (40, 52)
            drawn = picture(name, 1000 * label + first + number, size, grey)
            drawn.save(root / name / f"{number}.{suffix}")
    return root


def stored(folder: Path) -> list[tuple[NDArray[np.uint8], int]]:
    """Every record of an LMDB of Datums: pixels (channels, height, width) and label."""
    import lmdb

    from evolve.base.caffe_messages import caffe_pb2

    found = []
    with lmdb.open(str(folder), readonly=True, lock=False) as environment, environment.begin() as transaction:
        for _, value in transaction.cursor():
            datum = caffe_pb2.Datum.FromString(value)
            pixels = np.frombuffer(datum.data, np.uint8).reshape(datum.channels, datum.height, datum.width)
            found.append((pixels, datum.label))
    return found
