"""An image file is read whole or not at all: a JPEG that was cut off is an error, not a grey half.

Pillow (which matplotlib brings along) decodes, because OpenCV fills up what is missing and says nothing.

An image becomes as large as the net wants it, and its boxes go along.

``resize`` stretches both sides to fit; ``letterbox`` keeps the shape and fills right and bottom with zeros;
``pad`` keeps every pixel and fills in the same way, as DIGITS does for KITTI.

Small images get a margin of zeros on all four sides, so that nets of several input sizes can read them.
"""

import io
import warnings
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from evolve.base.errors import UserError
from evolve.datasets.source import Detection, Photo

Size = tuple[int, int]  # width, height


@dataclass(frozen=True)
class Fitting:
    """An image of ``own`` pixels is scaled to ``scaled``, and stands in the top left of ``stored``."""

    own: Size
    scaled: Size
    stored: Size

    def box(self, x: float, y: float, w: float, h: float) -> tuple[float, float, float, float]:
        """The box in pixels of the stored image."""
        across, down = self.scaled[0] / self.own[0], self.scaled[1] / self.own[1]
        return x * across, y * down, w * across, h * down

    def image(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 to the stored size: averaged where it shrinks, bilinear where it grows."""
        if self.scaled != self.own:
            shrinks = self.scaled[0] < self.own[0] or self.scaled[1] < self.own[1]
            how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
            pixels = np.asarray(cv2.resize(pixels, self.scaled, interpolation=how), np.uint8)
        right, bottom = self.stored[0] - self.scaled[0], self.stored[1] - self.scaled[1]
        return np.pad(pixels, ((0, bottom), (0, right), (0, 0)))


def fitting(wanted: Detection, own: Size, photo: Photo) -> Fitting:
    """How an image of ``own`` pixels becomes what is wanted; UserError if it is too large to be padded."""
    stored = wanted.width, wanted.height
    if wanted.fit == "resize":
        return Fitting(own, stored, stored)
    if wanted.fit == "letterbox":
        scale = min(stored[0] / own[0], stored[1] / own[1])
        return Fitting(own, (max(1, round(own[0] * scale)), max(1, round(own[1] * scale))), stored)
    if own[0] > stored[0] or own[1] > stored[1]:
        raise UserError(
            f"{photo.file}: expected an image of at most {stored[0]}x{stored[1]} to pad, got {own[0]}x{own[1]}; "
            "choose a larger size, or fit resize or letterbox"
        )
    return Fitting(own, own, stored)


# What a folder of photographs holds. Pillow reads more, some of it by running other programs.
FORMATS = ("BMP", "JPEG", "PNG", "PPM", "TIFF")


def read(file: Path, where: str) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 in OpenCV's order, blue first; a grey image three times the same.

    Raises UserError, beginning with ``where``, if the file is missing, no image, too large, or not all there.
    """
    if not there(file):
        raise UserError(f"{where}: expected its image {file}, got no such file; bring it or take its row out")
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UserError(f"{file}: expected a file to read, got {error.strerror}; make it readable") from None
    return _decoded(content, str(file), "replace it with the original file")


def decoded(content: bytes, where: str) -> NDArray[np.uint8]:
    """The same for a file's ``content`` in a record of an LMDB, which ``where`` names."""
    return _decoded(content, where, "make the data again")


def there(file: Path) -> bool:
    """Whether that is a file; not if no file can have such a name."""
    try:
        return file.is_file()
    except OSError:
        return False


def _decoded(content: bytes, where: str, advice: str) -> NDArray[np.uint8]:
    try:
        with warnings.catch_warnings():
            # The size that a file claims is believed before there is one pixel: what is suspect is refused.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=FORMATS) as image:
                rgb = np.asarray(image.convert("RGB"))
    except UnidentifiedImageError:
        raise UserError(f"{where}: expected an image, got {_begins(content)}; {advice}") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        got = str(error).rstrip(".")
        raise UserError(f"{where}: expected an image of a size that memory holds, got: {got}; {advice}") from None
    except Exception as error:
        # Pillow's readers let through whatever a broken file makes them stumble over.
        raise UserError(f"{where}: expected a whole image, got: {error or type(error).__name__}; {advice}") from None
    return np.ascontiguousarray(rgb[:, :, ::-1])


def _begins(content: bytes) -> str:
    return f"{len(content)} bytes that begin with {content[:8]!r}" if content else "an empty file"


def margin(name: str, own_size: int, image_size: int, least: int, usual: int = 32) -> int:
    """The zeros to add on each side, in pixels, to make ``own_size`` into ``image_size``.

    Raises UserError if image_size is below ``least`` or the difference is odd: a margin that is wider on one
    side would shift every image by half a pixel. ``usual`` is a size to suggest.
    """
    difference = image_size - own_size
    if image_size < least or difference % 2:
        kind = "even" if own_size % 2 == 0 else "odd"
        raise UserError(
            f"data set '{name}': expected an {kind} image_size of at least {least}, got {image_size}; "
            f"{least} and {usual} are the usual ones"
        )
    return difference // 2
