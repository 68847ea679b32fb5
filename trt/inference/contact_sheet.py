"""Classified images on one sheet, each with its class and probability: in red what is not of its folder's class."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from evolve.detectnet import drawing
from evolve.detectnet.drawing import SMALL, TEXT, Colour
from trt.inference.class_answers import Answer, Answers
from trt.inference.classify import SIDE
from trt.inference.output import Folder

FILE = "classes.png"
MOST, COLUMNS = 60, 10  # images on the sheet, and in a row
_GAP, _MARGIN, _LINE = 10, 14, 18  # pixels
_PAPER: Colour = (255, 255, 255)
_WRONG: Colour = (170, 0, 0)
_LONGEST = 20  # letters of a name under an image


def write(folder: Folder, answers: Answers) -> Path:
    """Writes images that answers kept as a PNG; the same answers give the same bytes. UserError where it is taken."""
    shown = _chosen([each for each in answers.every if each.small is not None])
    columns = max(1, min(COLUMNS, len(shown)))
    across, down = SIDE + _GAP, SIDE + 2 * _LINE + _GAP
    width = max(2 * _MARGIN + columns * across - _GAP, 620)
    head = _head(answers, width - 2 * _MARGIN)
    top = _MARGIN + _LINE * len(head) + _GAP
    sheet = Image.new("RGB", (width, top + -(-len(shown) // columns) * down + _MARGIN), _PAPER)
    draw = ImageDraw.Draw(sheet)
    for number, (words, size, colour) in enumerate(head):
        drawing.write(draw, (_MARGIN, _MARGIN - 4 + number * _LINE), words, size, colour)
    for number, answer in enumerate(shown):
        row, column = divmod(number, columns)
        _tile(sheet, draw, (_MARGIN + column * across, top + row * down), answer)
    return folder.save(sheet, FILE)


def _chosen(kept: list[Answer]) -> list[Answer]:
    """Of too many, those that are wrong up to a half, and as many as there is room for of the others, evenly."""
    wrong = [each for each in kept if each.wrong][: MOST // 2]
    others = [each for each in kept if not each.wrong]
    room = min(len(others), MOST - len(wrong))
    return wrong + [others[k * len(others) // room] for k in range(room)]


def _head(answers: Answers, room: int) -> list[tuple[str, int, Colour]]:
    """Lines above the images, with size and colour: what looked at them, and what is to be known of its data."""
    draw = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    size = TEXT if drawing.length(draw, answers.heading, TEXT) <= room else SMALL
    lines = [(words, size, drawing.INK) for words in drawing.lines(answers.heading, size, room)]
    notice = f"NOTE: {answers.notice}" if answers.notice else ""
    return lines + [(words, SMALL, _WRONG) for words in drawing.lines(notice, SMALL, room)]


def _tile(sheet: Image.Image, draw: drawing.Draw, place: tuple[int, int], answer: Answer) -> None:
    small = answer.small
    assert small is not None
    image = Image.fromarray(np.ascontiguousarray(small if small.ndim == 2 else small[:, :, ::-1])).convert("RGB")
    scale = SIDE / max(image.size)
    image = image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))
    left, top = place[0] + (SIDE - image.width) // 2, place[1] + (SIDE - image.height) // 2
    sheet.paste(image, (left, top))
    name, share = answer.likely[0]
    colour = _WRONG if answer.wrong else drawing.INK
    for line, words in enumerate([f"{_short([name])} {share:.3f}", _short(Path(answer.name).parts)]):
        drawing.write(draw, (place[0], place[1] + SIDE + 2 + line * _LINE), words, SMALL, colour)


def _short(parts: Sequence[str]) -> str:
    words = "/".join(parts)
    return words if len(words) <= _LONGEST else f"…{words[1 - _LONGEST :]}"
