"""Annotations are checked before an image is read: what can be nobody's box, and classes that nobody listed.

Every class name is wanted, or said to be dontcare, or an error: none is lost in silence. A box lies in its image: one
that stands out a little is cut and counted, one that cannot be is an error.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from math import isfinite

import numpy as np

from evolve.base.counted import counted
from evolve.base.errors import UserError
from evolve.base.spelling import nearest
from evolve.datasets.detection import Box, Detection, Photos

SHOWN = 5  # of the same complaint
STORED = tuple(field.name for field in fields(Box) if field.name not in ("name", "where", "difficult"))
ROUNDING = 0.01  # pixels by which a box may stand out because a fraction was rounded
LARGEST_NUMBER = float(np.finfo(np.float32).max)


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
        if not abs(getattr(box, name)) <= LARGEST_NUMBER:
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
    if out > ROUNDING:
        count.boxes += 1
        count.most = max(count.most, out)
    return replace(box, x=x1, y=y1, w=x2 - x1, h=y2 - y1)


def raise_all(problems: Sequence[str]) -> None:
    """One UserError of all ``problems``, the first few in full; nothing if there are none."""
    if problems:
        rest = len(problems) - SHOWN
        more = [f"and {rest} more like these"] if rest > 0 else []
        raise UserError("\n".join([*problems[:SHOWN], *more]))


DONTCARE = 0
_ALIKE = 0.6  # names that may be meant for each other: a box's class is nobody's to guess further off


def ids(wanted: Detection) -> dict[str, int]:
    """Class id by name: 1, 2 ... in the order of the list, 0 for what is dontcare."""
    return {name: DONTCARE for name in wanted.dontcare} | {name: i for i, name in enumerate(wanted.classes, 1)}


def check(name: str, photos: Photos, wanted: Detection) -> None:
    """UserError for a name in neither list (with file and line), and for a class that the train split has not.

    A split with no box of any class to learn or to score is an error too. Difficult ones are neither.
    """
    known = ids(wanted)
    found = {
        split: Counter(box.name for photo in those for box in photo.boxes if not box.difficult)
        for split, those in photos.items()
    }
    every = Counter(box.name for those in photos.values() for photo in those for box in photo.boxes)
    ranked = sorted(every.items(), key=lambda each: (-each[1], each[0]))
    held = ", ".join(f"{spelt} ({count})" for spelt, count in ranked) or "no boxes at all"
    for those in photos.values():
        for photo in those:
            for box in photo.boxes:
                if box.name not in known:
                    raise UserError(_unknown(box.where, box.name, wanted, held, every))
    for split, counts in found.items():
        if not any(counts[wanted_class] for wanted_class in wanted.classes):
            raise UserError(
                f"data set '{name}': expected boxes of {', '.join(wanted.classes)} in its {split} split, got none; "
                f"the whole set holds {held}"
            )
    for wanted_class in wanted.classes:
        if not found["train"][wanted_class]:
            raise UserError(
                f"data set '{name}': expected boxes of class '{wanted_class}' in its train split, got none; "
                f"the whole set holds {held}"
            )


def _unknown(where: str, spelt: str, wanted: Detection, held: str, every: Counter[str]) -> str:
    listed = [*wanted.classes, *wanted.dontcare]
    near = nearest(spelt, listed, _ALIKE)
    advice = f"write '{spelt}' for '{near}'" if near else f"list '{spelt}'"
    if every[near]:
        # The list is right for others: it is the box that is written otherwise.
        advice = f"write '{near}' there, as {counted(every[near], 'box has', 'boxes have')} it, or list '{spelt}'"
    return (
        f"{where}: expected a class of {', '.join(listed)}, got '{spelt}' "
        f"({counted(every[spelt], 'box', 'boxes')}); {advice} in the classes or in dontcare; the whole set holds {held}"
    )
