"""The kernels of the first layers that survived are drawn from the caffemodels themselves.

A layer's kernels are side by side in one picture, a pixel a weight; what is gone is transparent.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.counted import counted
from evolve.base.errors import UserError
from evolve.figures.report import pictures
from evolve.figures.report.markup import Markup, element, section
from evolve.figures.run import Run
from evolve.network import weights
from evolve.runs import paths

Pixels = NDArray[np.uint8]
T = TypeVar("T")
Kernels = NDArray[np.float32]  # outputs x inputs x height x width

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


# How many generations are shown, the first and the last among them.
_SHOWN = 5
# Of layers behind the first one, those with at most so many kernels: a picture of more shows nothing any more.
_MOST_KERNELS = 4096
# Pixels of the screen that the ancestor's kernels are wide at least; a weight is a whole number of them.
_WIDE = 260


def kernels(folder: Path, run: Run) -> Markup | None:
    """The section with a row of pictures a layer; None where no caffemodel can be read, or nothing in it convolves."""
    numbers = spread([metrics.generation for metrics in run.generations])
    try:
        names = _chosen(_convolutions(paths.generation(folder, numbers[0])))
        # Of a large network one caffemodel at a time, and of that what is drawn.
        every = {number: _convolutions(paths.generation(folder, number), names) for number in numbers}
    except UserError:
        return None
    if not names:
        return None
    layers = [_layer(name, {n: each[name] for n, each in every.items() if name in each}, run) for name in names]
    about = (
        "A square a weight, all of one layer at one scale: blue is negative, vermilion positive; a layer that sees "
        "colours is shown in them. Where there is only background, the synapse is gone."
    )
    return section("Kernels", *layers, about=about)


def spread(every: Sequence[T]) -> list[T]:
    """The first, the last and up to three between them."""
    places = np.linspace(0, len(every) - 1, min(_SHOWN, len(every)))
    return [every[round(place)] for place in places]


def _convolutions(folder: Path, names: list[str] | None = None) -> dict[str, Kernels]:
    """The weights of the layers that convolve, in their order; those of 1x1, which are no pictures, left out.

    Those of these `names` alone, where names are given.
    """
    net = prototxt_text.read(folder / paths.DEPLOY, caffe_pb2.NetParameter())
    learned = weights.read(folder / paths.WEIGHTS)
    wanted = [layer.name for layer in net.layer if layer.type == "Convolution" and (not names or layer.name in names)]
    kernels = {name: learned[name][0] for name in wanted if name in learned}
    return {name: each for name, each in kernels.items() if each.ndim == 4 and each.shape[2] * each.shape[3] > 1}


def _chosen(convolutions: dict[str, Kernels]) -> list[str]:
    """The first layer, and the second one if it can be seen."""
    first, second = list(convolutions)[:1], list(convolutions)[1:2]
    return [*first, *(name for name in second if _count(convolutions[name]) <= _MOST_KERNELS)]


def _layer(name: str, by_generation: dict[int, Kernels], run: Run) -> Markup:
    sheets = {n: sheet(each, run.blue_first) for n, each in by_generation.items()}
    widest = max(pixels.shape[1] for pixels in sheets.values())
    zoom = max(1, -(-_WIDE // widest))
    shown = [_picture(name, n, by_generation[n], sheets[n], zoom) for n in sheets]
    return element("div", element("h3", name), element("div", *shown, class_="kernels"))


def _picture(name: str, number: int, each: Kernels, pixels: Pixels, zoom: int) -> Markup:
    left = int(each.any(axis=(2, 3)).sum())
    counts = counted(left, "kernel"), counted(int(np.count_nonzero(each)), "weight"), counted(each.shape[0], "neuron")
    words = f"generation {number}: {', '.join(counts)}"
    height, width = pixels.shape[:2]
    image = element(
        "img", src=pictures.png(pixels), width=width * zoom, height=height * zoom, alt=f"Kernels of {name}, {words}"
    )
    return element("figure", image, element("figcaption", words))


def _count(each: Kernels) -> int:
    return int(each.shape[0] * each.shape[1])
