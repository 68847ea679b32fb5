"""A cut-out of a thing that stands upright, drawn in metres: colours and how much of a pixel they cover.

The pixels are blue, green, red and coverage, the colours already multiplied by the coverage.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import cv2
import numpy as np
from numpy.typing import NDArray

Colour = tuple[float, float, float]  # blue, green, red: 0..255
Point = tuple[float, float]  # metres: to the right of the middle, above the ground
_SHIFT = 4  # bits below the pixel
_AROUND = np.linspace(-np.pi / 2, np.pi / 2, 7)
HALF = np.stack([np.cos(_AROUND), np.sin(_AROUND)], axis=1)  # of a circle, open to the left


class Patch:
    """``pixels`` (H, W, 4) uint8 at ``scale`` pixels a metre; the foot stands at column ``middle``, row ``base``."""

    def __init__(self, left: float, right: float, top: float, scale: float, below: float = 0.1) -> None:
        self.scale = scale
        self.middle = ceil(left * scale) + 1
        self.base = ceil(top * scale) + 1
        shape = (self.base + ceil(below * scale) + 1, self.middle + ceil(right * scale) + 1, 4)
        self.pixels = np.zeros(shape, np.uint8)

    def polygon(self, points: Sequence[Point] | NDArray[np.float64], colour: Colour) -> None:
        """Fills a polygon."""
        cv2.fillPoly(self.pixels, [self._fixed(points)], (*colour, 255), cv2.LINE_AA, _SHIFT)

    def limb(self, a: Point, radius_a: float, b: Point, radius_b: float, colour: Colour) -> None:
        """Fills what two discs and the straight lines along them enclose."""
        along = np.subtract(b, a)
        length = float(np.hypot(*along))
        forward = along / length if length > 1e-6 else np.array([0.0, 1.0])
        turn = np.array([forward, [-forward[1], forward[0]]])
        outline = np.vstack([np.asarray(b) + radius_b * HALF @ turn, np.asarray(a) - radius_a * HALF @ turn])
        cv2.fillConvexPoly(self.pixels, self._fixed(outline), (*colour, 255), cv2.LINE_AA, _SHIFT)

    def disc(self, centre: Point, across: float, up: float, colour: Colour) -> None:
        """Fills an ellipse with these half axes."""
        at = self._fixed([centre])[0]
        axes = (max(1, round(across * self.scale * 16)), max(1, round(up * self.scale * 16)))
        cv2.ellipse(self.pixels, at.tolist(), axes, 0, 0, 360, (*colour, 255), -1, cv2.LINE_AA, _SHIFT)

    def box(self, left: float, bottom: float, right: float, top: float, colour: Colour) -> None:
        """Fills a rectangle."""
        self.polygon([(left, bottom), (right, bottom), (right, top), (left, top)], colour)

    def line(self, points: Sequence[Point], thick: float, colour: Colour) -> None:
        """Draws a line of ``thick`` metres, a pixel at least."""
        pixels = max(1, round(thick * self.scale))
        cv2.polylines(self.pixels, [self._fixed(points)], False, (*colour, 255), pixels, cv2.LINE_AA, _SHIFT)

    def tint(self, factor: NDArray[np.float64]) -> None:
        """Multiplies all colours by ``factor``, which must fit (H, W, 3)."""
        colours = self.pixels[:, :, :3]
        # A colour must stay below its coverage, or edges would shine.
        np.minimum(colours * factor.astype(np.float32), self.pixels[:, :, 3:], out=colours, casting="unsafe")

    def fade(self, colour: Colour, amount: float) -> None:
        """Mixes all colours with that of the haze."""
        haze = self.pixels[:, :, 3:] * np.asarray(colour, np.float32) * np.float32(amount / 255)
        self.pixels[:, :, :3] = self.pixels[:, :, :3] * np.float32(1 - amount) + haze

    def _fixed(self, points: Sequence[Point] | NDArray[np.float64]) -> NDArray[np.int32]:
        metres = np.asarray(points, np.float64)
        pixels = metres * (self.scale, -self.scale) + (self.middle, self.base)
        return np.rint(pixels * (1 << _SHIFT)).astype(np.int32)


@dataclass(frozen=True)
class Placed:
    """A patch in the picture: its top left corner, and how far away it stands."""

    patch: Patch
    left: int
    top: int
    depth: float

    def window(self, width: int, height: int) -> tuple[slice, slice, slice, slice]:
        """Rows and columns of the picture that it covers, then those of the patch."""
        high, wide = self.patch.pixels.shape[:2]
        rows = slice(max(0, self.top), min(height, self.top + high))
        columns = slice(max(0, self.left), min(width, self.left + wide))
        if rows.stop <= rows.start or columns.stop <= columns.start:
            return slice(0, 0), slice(0, 0), slice(0, 0), slice(0, 0)
        own_rows = slice(rows.start - self.top, rows.stop - self.top)
        return rows, columns, own_rows, slice(columns.start - self.left, columns.stop - self.left)

    def paint(self, picture: NDArray[np.uint8]) -> None:
        """Lays the patch over the picture (H, W, 3)."""
        rows, columns, own_rows, own_columns = self.window(picture.shape[1], picture.shape[0])
        over = self.patch.pixels[own_rows, own_columns].astype(np.uint16)
        under = picture[rows, columns].astype(np.uint16)
        picture[rows, columns] = np.minimum(255, over[:, :, :3] + under * (255 - over[:, :, 3:]) // 255)

    def own(self, owners: NDArray[np.int16], number: int) -> None:
        """Marks in ``owners`` (H, W) the pixels that it covers by half or more."""
        rows, columns, own_rows, own_columns = self.window(owners.shape[1], owners.shape[0])
        owners[rows, columns][self.patch.pixels[own_rows, own_columns, 3] > 127] = number

    def extent(self, width: int, height: int) -> tuple[int, int, int, int]:
        """(left, top, right, bottom) of the pixels in the picture that it covers by half or more, hidden or not."""
        rows, columns, own_rows, own_columns = self.window(width, height)
        x, y, w, h = cv2.boundingRect((self.patch.pixels[own_rows, own_columns, 3] > 127).astype(np.uint8))
        return columns.start + x, rows.start + y, columns.start + x + w, rows.start + y + h
