"""A picture becomes as large as the net wants it; what is added or cut is so on both sides alike.

``resize`` stretches, ``crop`` keeps the shape and cuts what is too long, ``letterbox`` keeps it within zeros, ``pad``
keeps every pixel within zeros.
"""

import numpy as np
from numpy.typing import NDArray

from evolve.base.errors import UserError
from evolve.datasets.fitting import Size, resized


def fitted(pixels: NDArray[np.uint8], size: Size, fit: str, name: str) -> NDArray[np.uint8]:
    """(H, W) or (H, W, channels) to (height, width) of ``size``; UserError, beginning with ``name``, if too large."""
    height, width = pixels.shape[:2]
    if fit == "crop":
        # The longest part of the wanted shape, before it is scaled: nothing grows larger than it will be stored.
        wide, high = round(height * size[0] / size[1]), round(width * size[1] / size[0])
        return resized(_middle(pixels, (min(width, max(1, wide)), min(height, max(1, high)))), size)
    if fit == "letterbox":
        scale = min(size[0] / width, size[1] / height)
        return _within_zeros(resized(pixels, (_scaled(width, scale, size[0]), _scaled(height, scale, size[1]))), size)
    if fit == "pad":
        if width > size[0] or height > size[1]:
            raise UserError(
                f"{name}: expected an image of at most {size[0]}x{size[1]} to pad, got {width}x{height}; "
                "choose a larger width and height, or fit LETTERBOX"
            )
        return _within_zeros(pixels, size)
    return resized(pixels, size)


def least(size: Size, fit: str) -> Size | None:
    """How small a JPEG may be decoded before it is fitted: twice ``size`` is as good as all of it. None: not at all."""
    return None if fit == "pad" else (2 * size[0], 2 * size[1])


def _scaled(length: int, scale: float, most: int) -> int:
    return min(most, max(1, round(length * scale)))


def _middle(pixels: NDArray[np.uint8], size: Size) -> NDArray[np.uint8]:
    left, top = (pixels.shape[1] - size[0]) // 2, (pixels.shape[0] - size[1]) // 2
    return np.ascontiguousarray(pixels[top : top + size[1], left : left + size[0]])


def _within_zeros(pixels: NDArray[np.uint8], size: Size) -> NDArray[np.uint8]:
    whole = np.zeros((size[1], size[0], *pixels.shape[2:]), np.uint8)
    left, top = (size[0] - pixels.shape[1]) // 2, (size[1] - pixels.shape[0]) // 2
    whole[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
    return whole
