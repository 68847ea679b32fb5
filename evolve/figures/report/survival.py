"""What is left of each layer, generation by generation, is a shaded table: it can be read and copied too.

A cell's shade is the logarithm of the part that survives, and its number that part in per cent.
"""

import math

from evolve.base import sheet
from evolve.base.counted import counted
from evolve.figures.report import tables
from evolve.figures.report.markup import Markup, details, element, number, section
from evolve.figures.run import Run
from evolve.runs.metrics import Layer

# Shades from all that the ancestor had to a hundredth of it.
_SHADES = 10
_MEASURES = ("synapses", "kernels", "neurons")


def survival(run: Run) -> Markup:
    """The section, with a table of synapses, one of kernels and one of neurons."""
    folds = [details(each, _table(run, each), opened=each == _MEASURES[0]) for each in _MEASURES]
    about = "Per cent of what generation 1 had, layer by layer; the stronger the colour, the more of it is left."
    return section("Survival", *folds, about=about)


def shade(part: float) -> int:
    """0 for nothing left, 1 for a hundredth or less, up to 10 for all of it."""
    if part <= 0:
        return 0
    return max(1, min(_SHADES, 1 + math.floor((_SHADES - 1) * (1 + math.log10(part) / 2) + 0.5)))


def _table(run: Run, measure: str) -> Markup:
    known = {metrics.generation: {layer.name: layer for layer in metrics.layers} for metrics in run.generations}
    head = element("tr", element("th", "layer", scope="col"), *(element("th", str(n), scope="col") for n in known))
    rows = [_row(layer, measure, known) for layer in run.ancestor.layers if getattr(layer, measure)]
    body = [element("thead", head), element("tbody", *rows)]
    return tables.scrolled(f"{measure} left, per cent, by layer and generation", *body, look="survival")


def _row(layer: Layer, measure: str, known: dict[int, dict[str, Layer]]) -> Markup:
    whole = getattr(layer, measure)
    left = {number: getattr(layers.get(layer.name), measure, 0) for number, layers in known.items()}
    cells = [_cell(layer.name, measure, number, each, whole) for number, each in left.items()]
    return element("tr", element("th", layer.name, scope="row"), *cells)


def _cell(layer: str, measure: str, generation: int, left: int, whole: int) -> Markup:
    part = left / whole
    words = f"{layer}\ngeneration {generation}: {left:,} of {counted(whole, measure.removesuffix('s'))}"
    return element("td", number(left, sheet.percent(part)), class_=f"s{shade(part)}", title=words)
