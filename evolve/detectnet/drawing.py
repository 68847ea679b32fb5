"""Frames and words on an image, the same pixels everywhere."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from evolve.base.lettering import font

Colour = tuple[int, int, int]
Draw = ImageDraw.ImageDraw
Box = NDArray[np.floating]  # (4 or more,): x1, y1, x2, y2

INK: Colour = (35, 35, 35)
TEXT, SMALL = 20, 13  # pixels
_DASH = 6


def outline(draw: Draw, box: Box, colour: Colour, width: int, dashed: bool = False) -> None:
    """A frame inside the box's edges, with a dark line around it that shows it on a light ground."""
    x1, y1, x2, y2 = (round(float(value)) for value in box[:4])
    x2, y2 = max(x2, x1 + width), max(y2, y1 + width)
    draw.rectangle((x1 - 1, y1 - 1, x2 + 1, y2 + 1), outline=INK)
    if not dashed:
        draw.rectangle((x1, y1, x2, y2), outline=colour, width=width)
        return
    for start in range(x1, x2, 2 * _DASH):
        for y in (y1, y2 - width + 1):
            draw.rectangle((start, y, min(start + _DASH, x2), y + width - 1), fill=colour)
    for start in range(y1, y2, 2 * _DASH):
        for x in (x1, x2 - width + 1):
            draw.rectangle((x, start, x + width - 1, min(start + _DASH, y2)), fill=colour)


def tag(draw: Draw, box: Box, words: str, colour: Colour, size: tuple[int, int]) -> None:
    """The words above the box, or inside it where there is no room above, whole within an image of `size`."""
    width, height = round(length(draw, words, SMALL)) + 6, SMALL + 4
    x, y = round(float(box[0])), round(float(box[1]))
    x = min(max(0, x), max(0, size[0] - width))
    y = y - height if y >= height else max(0, y) + 3
    draw.rectangle((x, y, x + width - 1, y + height - 1), fill=colour)
    write(draw, (x + 3, y + 1), words, SMALL)


def write(draw: Draw, place: tuple[float, float], words: str, size: int, colour: Colour = INK) -> None:
    """Words whose top left corner is at `place`, `size` pixels high."""
    draw.text(place, words, fill=colour, font=font(size))


def length(draw: Draw, words: str, size: int) -> float:
    """Pixels that the words are long."""
    return draw.textlength(words, font=font(size))


def lines(text: str, size: int, room: float) -> list[str]:
    """The text in lines that are no longer than `room` pixels, as far as its words allow."""
    draw, found = ImageDraw.Draw(Image.new("RGB", (1, 1))), list[str]()
    for word in text.split():
        longer = f"{found[-1]} {word}" if found else word
        if found and length(draw, longer, size) <= room:
            found[-1] = longer
        else:
            found.append(word)
    return found
