"""A box lies in its image: one that stands out a little is cut and counted, one that cannot be is an error."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from math import isfinite

import numpy as np

from datasets.boxes import Box
from evolve.errors import UserError

SHOWN = 5  # of the same complaint
STORED = tuple(field.name for field in fields(Box) if field.name not in ("name", "where"))
LARGEST = float(np.finfo(np.float32).max)


@dataclass
class Clipped:
    """How many boxes were cut at their image's edge, and by how many pixels of the file at most."""

    boxes: int = 0
    most: float = 0.0


def shape_problem(box: Box) -> str:
    """Why this can be nobody's box, "" if it can."""
    if not all(map(isfinite, (box.x, box.y, box.w, box.h))):
        return f"{box.where}: expected a box of numbers, got x {box.x:g}, y {box.y:g}, {box.w:g}x{box.h:g}; correct it"
    for name in STORED:
        if not abs(getattr(box, name)) <= LARGEST:
            got = getattr(box, name)
            return f"{box.where}: expected a number that 32 bits hold for {name}, got {got:g}; correct it"
    if box.w <= 0 or box.h <= 0:
        return f"{box.where}: expected a box of positive size, got {box.w:g}x{box.h:g}; correct it or take it out"
    return ""


def clipped(box: Box, width: int, height: int, count: Clipped) -> Box:
    """The part of ``box`` inside a ``width`` x ``height`` image; UserError if there is none."""
    x1, y1 = max(box.x, 0.0), max(box.y, 0.0)
    x2, y2 = min(box.x + box.w, float(width)), min(box.y + box.h, float(height))
    if x2 <= x1 or y2 <= y1:
        raise UserError(
            f"{box.where}: expected a box within its image of {width}x{height}, got x {box.x:g} to "
            f"{box.x + box.w:g}, y {box.y:g} to {box.y + box.h:g}; correct it or take it out"
        )
    out = max(x1 - box.x, y1 - box.y, box.x + box.w - x2, box.y + box.h - y2)
    if out <= 0:
        return box
    count.boxes += 1
    count.most = max(count.most, out)
    return replace(box, x=x1, y=y1, w=x2 - x1, h=y2 - y1)


def raise_all(problems: Sequence[str]) -> None:
    """One UserError of all ``problems``, the first few in full; nothing if there are none."""
    if problems:
        rest = len(problems) - SHOWN
        more = [f"and {rest} more like these"] if rest > 0 else []
        raise UserError("\n".join([*problems[:SHOWN], *more]))
