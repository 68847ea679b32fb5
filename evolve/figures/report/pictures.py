"""Pictures that are part of the page itself: as data in their own address."""

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def png(pixels: NDArray[np.uint8]) -> str:
    """The address of a picture of `pixels`: (height, width, 4), red, green, blue and opacity."""
    return _address(Image.fromarray(pixels, "RGBA"), "PNG", optimize=True)


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
