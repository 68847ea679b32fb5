"""Pictures are part of the page itself, as data in their own address; what a detector saw is among them."""

import base64
import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from evolve.figures.report.markup import Markup, element, section
from evolve.figures.run import Run
from evolve.runs import paths

# A picture as written by the run, or smaller: a page of two has to go into a mail.
_WIDTH = 1280
_LARGEST = 400_000


def detections(folder: Path, run: Run) -> Markup | None:
    """The section with one picture or two; None where the run wrote none."""
    numbers = [metrics.generation for metrics in run.generations]
    there = [number for number in numbers if _path(folder, number).is_file()]
    shown = [_picture(_path(folder, number), number) for number in dict.fromkeys([*there[:1], *there[-1:]])]
    pictures = [each for each in shown if each]
    about = "Validation images with what is labelled and what was found; confidence is the logarithm of a box's votes."
    return section("Detections", *pictures, about=about) if pictures else None


def _path(folder: Path, number: int) -> Path:
    return paths.generation(folder, number) / paths.DETECTIONS


def _picture(path: Path, number: int) -> Markup | None:
    try:
        address, width, height = photograph(path.read_bytes(), _WIDTH, _LARGEST)
    except OSError:
        return None
    words = f"Validation images with labelled and detected boxes at generation {number}"
    image = element("img", src=address, width=width, height=height, alt=words)
    return element("figure", image, element("figcaption", f"generation {number}"), class_="wide")


def png(pixels: NDArray[np.uint8]) -> str:
    """The address of a picture of `pixels`: (height, width, 4), red, green, blue and opacity."""
    return _address(Image.fromarray(pixels, "RGBA"), "PNG")


def of_image(image: Image.Image) -> str:
    """The address of a picture as it is."""
    return _address(image, "PNG")


def photograph(content: bytes, width: int, largest: int) -> tuple[str, int, int]:
    """The address, width and height of an image file's `content`, which stays as it is up to `largest` bytes.

    Beyond, it is made `width` pixels wide, if it is wider, and a JPEG. OSError if it is no image.
    """
    with Image.open(io.BytesIO(content)) as image:
        if len(content) <= largest and image.format == "PNG":
            return _data("png", content), image.width, image.height
        size = (width, round(image.height * width / image.width)) if image.width > width else image.size
        smaller = image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
        return _address(smaller, "JPEG", quality=82, optimize=True), *size


def _address(image: Image.Image, kind: str, **how: int | bool) -> str:
    file = io.BytesIO()
    image.save(file, kind, **how)
    return _data(kind.lower(), file.getvalue())


def _data(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
