"""Words beside lines, in the lines' colours."""

from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

# Okabe and Ito's colours, told apart by every kind of colour vision.
OURS = "#0072B2"
PAPER = "#D55E00"

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


def at(axes: Axes, point: tuple[float, float], words: str, colour: str = OURS, place: str = "level") -> None:
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
