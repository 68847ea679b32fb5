"""What is left of each layer, generation by generation, as a heat map: a table, so that it can be read and copied too.

A cell's shade is the logarithm of the part that survives, and its number that part in per cent.
"""

import math
from typing import Any

from evolve.base import sheet
from evolve.figures.measured import Measured
from evolve.figures.report import tables
from evolve.figures.report.markup import Markup, details, element, number, section

# Shades from all that the ancestor had to a hundredth of it.
_SHADES = 10
_MEASURES = ("synapses", "kernels", "neurons")


def heat_map(run: Measured) -> Markup | None:
    """The section, with a map of synapses, one of kernels and one of neurons; None where layers are not counted."""
    measures = [each for each in _MEASURES if any(each in layer for layer in run.ancestor["layers"])]
    if not measures:
        return None
    maps = [details(each, _table(run, each), opened=each == measures[0]) for each in measures]
    about = "Per cent of what generation 1 had, layer by layer; the stronger the colour, the more of it is left."
    return section("Survival", *maps, about=about)


def shade(part: float) -> int:
    """0 for nothing left, 1 for a hundredth or less, up to 10 for all of it."""
    if part <= 0:
        return 0
    return max(1, min(_SHADES, 1 + math.floor((_SHADES - 1) * (1 + math.log10(part) / 2) + 0.5)))


def _table(run: Measured, measure: str) -> Markup:
    numbers = [made["generation"] for made in run.generations]
    head = element("tr", element("th", "layer", scope="col"), *(element("th", str(n), scope="col") for n in numbers))
    layers = [layer for layer in run.ancestor["layers"] if layer.get(measure)]
    counted = [{layer["name"]: layer for layer in made["layers"]} for made in run.generations]
    rows = [_row(layer, measure, numbers, counted) for layer in layers]
    body = [element("thead", head), element("tbody", *rows)]
    return tables.scrolled(f"{measure} left, per cent, by layer and generation", *body, look="heat")


def _row(layer: dict[str, Any], measure: str, numbers: list[int], counted: list[dict[str, Any]]) -> Markup:
    name, whole = layer["name"], layer[measure]
    cells = [
        _cell(name, measure, at, layers.get(name, {}).get(measure, 0), whole)
        for at, layers in zip(numbers, counted, strict=True)
    ]
    return element("tr", element("th", name, scope="row"), *cells)


def _cell(layer: str, measure: str, at: int, left: int, whole: int) -> Markup:
    part = left / whole
    words = f"{layer}\ngeneration {at}: {left:,} of {whole:,} {measure}"
    return element("td", number(left, sheet.percent(part)), class_=f"h{shade(part)}", title=words)
