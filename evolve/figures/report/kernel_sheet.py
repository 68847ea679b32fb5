"""A layer's kernels side by side in one picture, a pixel a weight; what is gone is transparent."""

import math

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

# Okabe and Ito's blue and vermilion, told apart by every kind of colour vision, and what lies between them.
_COLOURS = ((0, 114, 178), (236, 236, 236), (213, 94, 0))
_NEGATIVE, _NONE, _POSITIVE = (np.array(colour, np.float32) for colour in _COLOURS)
_GAP = (128, 128, 128, 110)  # between kernels


def sheet(weights: NDArray[np.float32], blue_first: bool) -> Pixels:
    """(height, width, 4) pixels of a Convolution's `weights`: outputs x inputs x height x width.

    Three inputs are colours, blue first or last; other kernels are blue where negative and vermilion where positive:
    those of one input side by side, those of several in rows, a row an output, a column an input.
    """
    outputs, inputs = weights.shape[:2]
    if inputs == 3:
        return _side_by_side(_coloured(weights[:, ::-1] if blue_first else weights))
    tiles = _signed(weights)
    return _side_by_side(tiles[:, 0]) if inputs == 1 else _grid(tiles)


def _coloured(weights: NDArray[np.float32]) -> Pixels:
    """(kernels, height, width, 4): grey where a weight is zero, transparent where all three are."""
    strength = weights / _strongest(weights)
    colours = np.clip(np.rint(127.5 + 127.5 * strength), 0, 255).transpose(0, 2, 3, 1)
    return _with_opacity(colours, (weights != 0).any(axis=1))


def _signed(weights: NDArray[np.float32]) -> Pixels:
    """(outputs, inputs, height, width, 4)."""
    strength = np.clip(weights / _strongest(weights), -1, 1)[..., None]
    ends = np.where(strength < 0, _NEGATIVE, _POSITIVE)
    # The square root, so that the many weak ones can be told from none.
    return _with_opacity(np.rint(_NONE + (ends - _NONE) * np.sqrt(np.abs(strength))), weights != 0)


def _with_opacity(colours: NDArray[np.float32], there: NDArray[np.bool_]) -> Pixels:
    return np.concatenate([colours, 255 * there[..., None]], axis=-1).astype(np.uint8)


def _strongest(weights: NDArray[np.float32]) -> float:
    return float(np.abs(weights).max(initial=0)) or 1.0


def _side_by_side(tiles: Pixels) -> Pixels:
    """Kernels (count, height, width, 4) in rows of eight, or twice as wide as high."""
    count = len(tiles)
    columns = min(count, max(8, math.ceil(math.sqrt(2 * count))))
    rows = math.ceil(count / columns)
    empty = np.zeros((rows * columns - count, *tiles.shape[1:]), np.uint8)
    pixels = _grid(np.concatenate([tiles, empty]).reshape(rows, columns, *tiles.shape[1:]))
    if len(empty):
        # No frame where there never was a kernel.
        height, width = tiles.shape[1:3]
        pixels[-height - 1 :, -len(empty) * (width + 1) :] = 0
    return pixels


def _grid(tiles: Pixels) -> Pixels:
    """Tiles (rows, columns, height, width, 4) with a line around each."""
    rows, columns, height, width = tiles.shape[:4]
    pixels = np.empty((rows * (height + 1) + 1, columns * (width + 1) + 1, 4), np.uint8)
    pixels[:] = _GAP
    for row in range(rows):
        for column in range(columns):
            top, left = row * (height + 1) + 1, column * (width + 1) + 1
            pixels[top : top + height, left : left + width] = tiles[row, column]
    return pixels
