"""The kernels of the first layers that survived, as pictures, from the caffemodels themselves."""

from pathlib import Path
from typing import Any

import numpy as np

from evolve import paths
from evolve.errors import UserError
from evolve.figures.measured import Measured
from evolve.figures.report import kernel_sheet, pictures
from evolve.figures.report.markup import Markup, element, section
from evolve.network import text, weights
from evolve.network.caffe_proto import caffe_pb2

# How many generations are shown, the first and the last among them.
_SHOWN = 5
# Of layers behind the first one, those with at most so many kernels: a picture of more shows nothing any more.
_MOST_KERNELS = 4096
# Pixels of the screen that the ancestor's kernels are wide at least; a weight is a whole number of them.
_WIDE = 260


def kernels(folder: Path, run: Measured) -> Markup | None:
    """The section with a row of pictures a layer; None where no caffemodel can be read, or nothing in it convolves."""
    numbers = spread([made["generation"] for made in run.generations])
    try:
        names = _chosen(_convolutions(paths.generation(folder, numbers[0])))
        # Of a large network one caffemodel at a time, and of that what is drawn.
        every = {number: _convolutions(paths.generation(folder, number), names) for number in numbers}
    except UserError:
        return None
    if not names:
        return None
    layers = [_layer(name, {n: found[name] for n, found in every.items() if name in found}, run) for name in names]
    about = (
        "A square a weight, all of one layer at one scale: blue is negative, vermilion positive; a layer that sees "
        "colours is shown in them. Where there is only background, the synapse is gone."
    )
    return section("Kernels", *layers, about=about)


def spread(numbers: list[int]) -> list[int]:
    """The first, the last and up to three between them."""
    places = np.linspace(0, len(numbers) - 1, min(_SHOWN, len(numbers)))
    return [numbers[round(place)] for place in places]


def _convolutions(folder: Path, names: list[str] | None = None) -> dict[str, Any]:
    """The weights of the layers that convolve, in their order; those of 1x1, which are no pictures, left out.

    Those of these `names` alone, where names are given.
    """
    net = text.read(folder / paths.DEPLOY, caffe_pb2.NetParameter())
    learned = weights.read(folder / paths.WEIGHTS)
    found = {layer.name: learned[layer.name][0] for layer in net.layer if layer.name in learned}
    of_type = {layer.name for layer in net.layer if layer.type == "Convolution" and (not names or layer.name in names)}
    return {name: w for name, w in found.items() if name in of_type and w.ndim == 4 and w.shape[2] * w.shape[3] > 1}


def _chosen(convolutions: dict[str, Any]) -> list[str]:
    """The first layer, and the second one if it can be seen."""
    first, second = list(convolutions)[:1], list(convolutions)[1:2]
    return [*first, *(name for name in second if _count(convolutions[name]) <= _MOST_KERNELS)]


def _layer(name: str, by_generation: dict[int, Any], run: Measured) -> Markup:
    sheets = {n: kernel_sheet.sheet(each, run.is_detection) for n, each in by_generation.items()}
    widest = max(pixels.shape[1] for pixels in sheets.values())
    zoom = max(1, -(-_WIDE // widest))
    shown = [_picture(name, n, by_generation[n], sheets[n], zoom) for n in sheets]
    return element("div", element("h3", name), element("div", *shown, class_="kernels"))


def _picture(name: str, number: int, each: Any, pixels: Any, zoom: int) -> Markup:
    left = int(each.any(axis=(2, 3)).sum())
    words = f"generation {number}: {left:,} kernels, {np.count_nonzero(each):,} weights, {each.shape[0]} neurons"
    height, width = pixels.shape[:2]
    image = element(
        "img", src=pictures.png(pixels), width=width * zoom, height=height * zoom, alt=f"Kernels of {name}, {words}"
    )
    return element("figure", image, element("figcaption", words))


def _count(each: Any) -> int:
    return int(each.shape[0] * each.shape[1])
