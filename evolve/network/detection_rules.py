"""Shapes that DetectNet's Python layers give their tops; detectnet/geometry.py asks whether their bottoms fit."""

from typing import Any

from evolve.detectnet import clustering
from evolve.network.axes import Shape

Shapes = tuple[Shape, ...]

_COORDINATES = 5  # x1, y1, x2, y2, confidence


def detections(layer: Any, bottoms: Shapes) -> Shapes:
    """A list of boxes an image, one top a class, from a coverage and a boxes blob."""
    return _lists(layer, bottoms, clustering.parse)


def objects(layer: Any, bottoms: Shapes) -> Shapes:
    """The same from ground truth on the grid."""
    return _lists(layer, bottoms, clustering.parse_ground_truth)


def counts(layer: Any, bottoms: Shapes) -> Shapes:
    """Three counts an image."""
    return ((bottoms[0][0], 3),)


def three_numbers(layer: Any, bottoms: Shapes) -> Shapes:
    """One number a top."""
    return ((1,),) * 3


def _lists(layer: Any, bottoms: Shapes, parse: Any) -> Shapes:
    given = parse(layer.python_param.param_str, f"layer '{layer.name}': param_str")
    return ((bottoms[0][0], given.max_boxes, _COORDINATES),) * given.classes
