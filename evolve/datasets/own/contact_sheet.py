"""A contact sheet: the first few images of each class, as they are stored, on one picture."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from evolve.base.files import write_whole
from evolve.base.lettering import font
from evolve.datasets.fitting import resized

FILE = "contact_sheet.png"
_EACH, _MOST_CLASSES = 10, 40
_SIDE, _GAP, _NAMES, _TEXT = 72, 6, 190, 12  # pixels
_PAPER, _INK, _GREY = "#ffffff", "#1c2126", "#6b7580"


class ContactSheet:
    """Takes images of classes 0, 1 ... of which there are ``counts``; of many classes the smallest are shown."""

    def __init__(self, counts: Sequence[int], red_first: bool = False) -> None:
        self._counts, self._red_first = counts, red_first
        present = [label for label in np.argsort(counts, kind="stable") if counts[label]]
        self._rows: dict[int, list[Image.Image]] = {int(label): [] for label in sorted(present[:_MOST_CLASSES])}

    def add(self, label: int, pixels: NDArray[Any]) -> None:
        """An image (H, W, channels) as it is stored; nothing where its class has enough."""
        shown = self._rows.get(label)
        if shown is not None and len(shown) < _EACH:
            shown.append(_thumbnail(pixels, self._red_first))

    def write(self, folder: Path, class_names: Sequence[str]) -> None:
        """Draws what it has into ``folder``."""
        width = _NAMES + _EACH * (_SIDE + _GAP) + _GAP
        page = Image.new("RGB", (width, _GAP + len(self._rows) * (_SIDE + _GAP)), _PAPER)
        draw = ImageDraw.Draw(page)
        for row, (label, shown) in enumerate(self._rows.items()):
            top = _GAP + row * (_SIDE + _GAP)
            name = class_names[label] if len(class_names[label]) <= 24 else f"{class_names[label][:23]}…"
            draw.text((_GAP, top + _SIDE // 2 - 14), name, _INK, font(_TEXT))
            draw.text((_GAP, top + _SIDE // 2 + 2), f"{self._counts[label]} to train on", _GREY, font(_TEXT))
            for column, image in enumerate(shown):
                left = _NAMES + column * (_SIDE + _GAP)
                page.paste(image, (left + (_SIDE - image.width) // 2, top + (_SIDE - image.height) // 2))
        drawn = io.BytesIO()
        page.save(drawn, "PNG")
        write_whole(folder / FILE, drawn.getvalue())


def _thumbnail(pixels: NDArray[Any], red_first: bool) -> Image.Image:
    height, width, channels = pixels.shape
    colours = np.clip(pixels if channels == 3 else pixels[:, :, :1], 0, 255).astype(np.uint8)
    scale = _SIDE / max(height, width)
    small = resized(colours, (max(1, round(width * scale)), max(1, round(height * scale))))
    if channels != 3:
        return Image.fromarray(small.reshape(small.shape[:2]))
    return Image.fromarray(np.ascontiguousarray(small if red_first else small[:, :, ::-1]))
