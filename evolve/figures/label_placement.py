"""Labels stand beside points: where they are told to, or where they hide no other label and no line."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

Label = tuple[tuple[float, float], str, str]  # the point, the words, their colour

# A line that must pass behind a word leaves it readable.
_HALO = [withStroke(linewidth=3, foreground="white")]
# Where words stand to their point: offset in points, vertical and horizontal alignment.
_PLACES = {
    "level": ((8, 0), "center", "left"),
    "above": ((8, 2), "bottom", "left"),
    "below": ((8, -2), "top", "left"),
    "under": ((4, -9), "top", "right"),
    "over": ((-2, 7), "bottom", "left"),
    "beneath": ((-2, -7), "top", "left"),
}

_NEAR, *_FAR = 7, 24, 44, 70  # how far from the point, in points
# Beside, above and below, then obliquely: (x, y) of the offset, horizontal and vertical alignment.
_SIDES = (
    (1, 0, "left", "center"), (0, 1, "center", "bottom"), (0, -1, "center", "top"), (-1, 0, "right", "center"),
    (0.7, 0.7, "left", "bottom"), (0.7, -0.7, "left", "top"), (-0.7, 0.7, "right", "bottom"),
    (-0.7, -0.7, "right", "top"),
)  # fmt: skip
# What lying on something costs: another label or the edge is unreadable, a line only unsightly.
_ON_LABEL, _OUTSIDE, _ON_POINT = 1000.0, 1000.0, 10.0


def at(axes: Axes, point: tuple[float, float], words: str, colour: str, place: str = "level") -> None:
    """Writes `words` at one of the places around the point that _PLACES names."""
    offset, va, ha = _PLACES[place]
    axes.annotate(
        words,
        point,
        offset,
        textcoords="offset points",
        color=colour,
        va=va,
        ha=ha,
        fontweight="bold",
        path_effects=_HALO,
    )


def label(axes: Axes, wanted: list[Label], points: list[tuple[float, float]]) -> None:
    """Writes each of `wanted` beside its point, with a thin line to it where it had to go further.

    `points` are what is drawn there. The figure must have been drawn: where things are has to be known.
    """
    drawn = [tuple(each) for each in axes.transData.transform(points)] if points else []
    placed: list[Bbox] = []
    # From the right, where lines end and room is scarce.
    for (point, words, colour) in sorted(wanted, key=lambda one: -one[0][0]):
        candidates = [(far, side) for far in (_NEAR, *_FAR) for side in _SIDES]
        boxes = [_box(axes, point, words, each) for each in candidates]
        ways = [_way(axes, point, box, far) for box, (far, _) in zip(boxes, candidates, strict=True)]
        costs = [_cost(axes, box, way, placed, drawn) for box, way in zip(boxes, ways, strict=True)]
        k = min(range(len(candidates)), key=lambda k: costs[k] + k)
        best = candidates[k]
        placed.append(boxes[k])
        drawn += ways[k]
        line = {"arrowstyle": "-", "color": colour, "linewidth": 0.7, "shrinkA": 0, "shrinkB": 4}
        _annotate(axes, point, words, best, color=colour, arrowprops=line if best[0] > _NEAR else None)


def _annotate(axes: Axes, point: tuple[float, float], words: str, where: Any, **look: Any) -> Annotation:
    far, (x, y, ha, va) = where
    return axes.annotate(
        words, point, (far * x, far * y), textcoords="offset points", ha=ha, va=va, fontsize=9, fontweight="bold",
        path_effects=_HALO, **look,
    )  # fmt: skip


def _box(axes: Axes, point: tuple[float, float], words: str, where: Any) -> Bbox:
    """The rectangle, in pixels, that the words would take; a line to the point may pass over others."""
    tried = _annotate(axes, point, words, where)
    box = tried.get_window_extent()
    tried.remove()
    return box


def _way(axes: Axes, point: tuple[float, float], box: Bbox, far: float) -> list[tuple[float, ...]]:
    """Where the line from the point to its words will run, in pixels; nowhere if they are near."""
    x, y = axes.transData.transform(point)
    nearest_x, nearest_y = min(max(x, box.x0), box.x1), min(max(y, box.y0), box.y1)
    parts = [k / 10 for k in range(2, 9)] if far > _NEAR else []
    return [(x + (nearest_x - x) * part, y + (nearest_y - y) * part) for part in parts]


def _cost(
    axes: Axes, box: Bbox, way: list[tuple[float, ...]], placed: list[Bbox], drawn: list[tuple[float, ...]]
) -> float:
    around = box.padded(2)
    inside = axes.bbox.contains(box.x0, box.y0) and axes.bbox.contains(box.x1, box.y1)
    on_labels = sum(around.overlaps(each) or any(each.contains(x, y) for x, y in way) for each in placed)
    on_points = sum(around.contains(x, y) for x, y in drawn)
    return _OUTSIDE * (not inside) + _ON_LABEL * on_labels + _ON_POINT * on_points
