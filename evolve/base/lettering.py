"""Lettering on pictures is Matplotlib's own font, so that it is the same pixels everywhere."""

import importlib.util
from functools import cache
from pathlib import Path

from PIL import ImageFont

_WITHIN = ("fonts", "ttf", "DejaVuSans.ttf")


@cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """The font, `size` pixels high, laid out without the system's libraries."""
    return ImageFont.truetype(str(_file()), size, layout_engine=ImageFont.Layout.BASIC)


def _file() -> Path:
    """Where the font lies; Matplotlib itself, which takes half a second to load, is asked last."""
    spec = importlib.util.find_spec("matplotlib")
    for place in (spec.submodule_search_locations if spec else None) or []:
        if (file := Path(place, "mpl-data", *_WITHIN)).is_file():
            return file
    import matplotlib

    return Path(matplotlib.get_data_path(), *_WITHIN)
