"""An image becomes as large as the net wants it, and its boxes go along.

``resize`` stretches both sides to fit; ``letterbox`` keeps the shape and fills right and bottom with zeros; ``pad``
keeps every pixel and fills in the same way, as DIGITS does for KITTI. Small images with a class each get a margin of
zeros on all four sides instead, so that nets of several input sizes can read them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evolve.base.errors import UserError
from evolve.datasets.detection import Detection, Photo

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
        pixels = resized(pixels, self.scaled)
        right, bottom = self.stored[0] - self.scaled[0], self.stored[1] - self.scaled[1]
        return np.pad(pixels, ((0, bottom), (0, right), (0, 0)))


def resized(pixels: NDArray[np.uint8], size: Size) -> NDArray[np.uint8]:
    """(H, W) or (H, W, channels) of ``size``: averaged where it shrinks, bilinear where it grows."""
    own = pixels.shape[1], pixels.shape[0]
    if own == size:
        return pixels
    # Imported where it is used, here and beside: a tenth of a second of every start.
    import cv2

    how = cv2.INTER_AREA if size[0] < own[0] or size[1] < own[1] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, size, interpolation=how), np.uint8)


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
