"""An opened image, whatever its form, becomes an upright one of 8 bits, by rules that stand here and nowhere else.

* It is turned and mirrored as its EXIF orientation says.
* What is transparent has white behind it, as in DIGITS. Of several pages the first one counts.
* CMYK and palettes become red, green and blue as Pillow has it; colour profiles are not applied.
* Grey of 16 bits, of 32, or of floats is stretched: the image's own darkest value becomes 0 and its brightest 255, in a
  line between them, or the two values that are given; what lies beyond them is cut off. What is no number is 0.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Levels = tuple[float, float]

_ORIENTATION = 0x0112  # EXIF's tag
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip
_BACK = {
    Image.Transpose.ROTATE_270: Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_90: Image.Transpose.ROTATE_270
}  # fmt: skip
SIDEWAYS = (5, 6, 7, 8)
_DEEP = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")  # Pillow's modes of grey with more than 8 bits
_GREY = ("1", "L", "LA", "La", *_DEEP)
_PIECE = 1 << 20  # pixels that are stretched at a time


@dataclass(frozen=True)
class Form:
    """What is wanted of an image.

    ``levels`` are the values that become 0 and 255, of grey images with more than 8 bits; None: each image's own.
    ``least`` is (width, height): a JPEG that is far larger may be decoded smaller, down to that, which is quicker.
    """

    grey: bool = False
    turned: bool = True
    levels: Levels | None = None
    least: tuple[int, int] | None = None


USUAL = Form()


@dataclass(frozen=True)
class Facts:
    """What an image was before it became what is wanted: pixels as it is seen, and how many bits grey had."""

    width: int
    height: int
    grey: bool
    deep: bool  # grey with more than 8 bits, which was stretched


def facts(image: Image.Image) -> Facts:
    """The facts of an opened image, before it is read."""
    width, height = image.size
    # Pillow has turned what it says of a TIFF's size already.
    if orientation(image) in SIDEWAYS and image.format != "TIFF":
        width, height = height, width
    return Facts(width, height, image.mode in _GREY, image.mode in _DEEP)


def pixels(image: Image.Image, wanted: Form = USUAL) -> NDArray[np.uint8]:
    """(H, W, 3) uint8, red first, or (H, W) for grey. Raises what Pillow raises at a broken file."""
    if wanted.least:
        _decode_smaller(image, wanted.least)
    if wanted.turned:
        image.load()  # TIFF turns by itself as it is read, and then says so
        image = _upright(image)
    elif image.format == "TIFF" and (turn := _TURNS.get(orientation(image))):
        image.load()
        image = image.transpose(_BACK.get(turn, turn))
    if image.mode in _DEEP:
        grey = stretched(np.asarray(image), wanted.levels)
        return grey if wanted.grey else np.repeat(grey[:, :, None], 3, axis=2)
    image, mode = _opaque(image), "L" if wanted.grey else "RGB"
    return np.asarray(image if image.mode == mode else image.convert(mode))  # converted, it would be a copy


def orientation(image: Image.Image) -> int:
    """EXIF's, 1 to 8; 1 where there is none, or what there is cannot be read."""
    try:
        found: object = image.getexif().get(_ORIENTATION, 1)
    except Exception:
        # A broken block of EXIF makes Pillow stumble in many ways, and says nothing about the image.
        return 1
    return found if isinstance(found, int) and found in _TURNS else 1


def stretched(values: NDArray[np.generic], levels: Levels | None = None) -> NDArray[np.uint8]:
    """(H, W) of any numbers to 0..255, in a line from the lower of ``levels`` to the upper one, rounded."""
    low, high = levels or _own_levels(values)
    grey = np.empty(values.shape, np.uint8)
    rows = max(1, _PIECE // max(1, values.shape[1]))
    for start in range(0, len(values), rows):
        part = values[start : start + rows].astype(np.float64)
        part = np.nan_to_num(part, nan=low, posinf=high, neginf=low).clip(low, high)
        # Halves: the difference of two floats may be larger than any float.
        grey[start : start + rows] = np.rint((part / 2 - low / 2) / ((high / 2 - low / 2) or 1) * 255)
    return grey


def _own_levels(values: NDArray[np.generic]) -> Levels:
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)


def _decode_smaller(image: Image.Image, least: tuple[int, int]) -> None:
    side = max(least)  # it may lie on its side
    image.draft(None, (side, side))


def _upright(image: Image.Image) -> Image.Image:
    turn = _TURNS.get(orientation(image))
    return image if turn is None else image.transpose(turn)


def _opaque(image: Image.Image) -> Image.Image:
    if "a" not in image.mode.lower() or image.mode == "LAB":
        if "transparency" not in image.info:
            return image
    coloured = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), coloured)
