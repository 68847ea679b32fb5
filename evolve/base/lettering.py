"""Lettering on pictures is Matplotlib's own font, so that it is the same pixels everywhere."""

from functools import cache
from pathlib import Path

from PIL import ImageFont


@cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """The font, `size` pixels high, laid out without the system's libraries."""
    # Imported here: it takes half a second to load, and few who can draw do.
    import matplotlib

    file = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    return ImageFont.truetype(str(file), size, layout_engine=ImageFont.Layout.BASIC)
