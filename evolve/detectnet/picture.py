"""What a network sees, for a person: images of a split with their labels and its detections, side by side in one PNG.

Labels are thin and white, detections coloured by class with their confidence; those that hit no object are dashed.
Regions that count neither way (dontcare) are grey. The same input gives the same bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from evolve.detectnet import drawing, labels
from evolve.detectnet.clustering import Detections
from evolve.detectnet.drawing import SMALL, TEXT, Box, Colour, Draw
from evolve.detectnet.overlap import best_matches, inside

WIDTH, COLUMNS = 1600, 4  # pixels, and images in a row
PANORAMA = 2.5  # from this width a height on, half as many in a row
GAP, MARGIN, LINE = 8, 14, 30  # pixels

# Dark, as most photographs are: it suits a page that is read light or dark.
PAPER: Colour = (24, 28, 34)
WORDS: Colour = (230, 237, 243)
LABELLED: Colour = (255, 255, 255)
IGNORED: Colour = (150, 150, 150)
GROUND: Colour = (110, 110, 110)  # of the legend's samples
WARNING: Colour = (255, 158, 122)
# Okabe and Ito's, told apart by nearly everyone, the bright ones first: they lie on photographs.
COLOURS: tuple[Colour, ...] = (
    (255, 176, 0), (86, 200, 255), (0, 190, 130), (240, 228, 66), (204, 121, 167), (213, 94, 0), (0, 114, 178)
)  # fmt: skip


@dataclass(frozen=True)
class Legend:
    """What stands above the images; precision and recall are the split's, 0 to 1, at overlap `iou`."""

    network: str
    generation: int
    precision: float
    recall: float
    class_names: Sequence[str]
    iou: float = 0.5
    notice: str = ""  # the data set's, if it is not what its name promises

    def title(self) -> str:
        """The first line."""
        scores = f"precision {self.precision:.3f}   recall {self.recall:.3f}   at IoU {self.iou:g}"
        return f"{self.network}   generation {self.generation}   {scores}"


@dataclass(frozen=True)
class Seen:
    """One image: `pixels` (3, H, W), blue first, the mean subtracted; `rows` (objects, 16), its label's.

    `found` are the detections of each class, as `Validation.add` returns them. `caption` stands in a corner.
    """

    pixels: NDArray[np.float32]
    rows: labels.Rows
    found: Sequence[Detections]
    caption: str = ""


def write(
    path: Path, seen: Sequence[Seen], object_class: dict[int, int], mean: Sequence[float], legend: Legend
) -> None:
    """Writes the sheet of all images `seen`, one at least, as a PNG.

    `object_class` maps the labels' classes to those of `found`; `mean` is what was subtracted from pixels of 0 to
    255: three numbers (blue first), one, or none.
    """
    tiles = [_tile(each, object_class, mean, legend) for each in seen]
    columns = _columns(tiles[0].width, tiles[0].height)
    width, height = tiles[0].width + GAP, tiles[0].height + GAP
    notice = drawing.lines(legend.notice, SMALL, WIDTH - 2 * MARGIN)
    top = MARGIN + LINE * (2 + len(notice))
    sheet = Image.new("RGB", (WIDTH, top + -(-len(tiles) // columns) * height - GAP + MARGIN), PAPER)
    ignored = any((labels.maps(each.rows, object_class) < 0).any() for each in seen)
    _write_legend(ImageDraw.Draw(sheet), legend, notice, ignored)
    for number, tile in enumerate(tiles):
        row, column = divmod(number, columns)
        sheet.paste(tile, (MARGIN + column * width, top + row * height))
    sheet.save(path, "PNG")


def _columns(width: int, height: int) -> int:
    return COLUMNS if width < PANORAMA * height else COLUMNS // 2


def _tile(seen: Seen, object_class: dict[int, int], mean: Sequence[float], legend: Legend) -> Image.Image:
    image, scale = _scaled(seen.pixels, mean)
    draw, corners, maps = ImageDraw.Draw(image), labels.corners(seen.rows), labels.maps(seen.rows, object_class)
    for box in corners[maps < 0]:
        drawing.outline(draw, box * scale, IGNORED, 1)
    tags: list[tuple[Box, str, Colour]] = []
    for number, detections in enumerate(seen.found):
        colour = COLOURS[number % len(COLOURS)]
        name = f"{legend.class_names[number]} " if len(legend.class_names) > len(COLOURS) else ""
        ordered = detections[np.argsort(-detections[:, 4], kind="stable")]
        hits = best_matches(corners[maps == number], ordered, legend.iou) >= 0
        counted = hits | inside(ordered, corners[maps < 0], legend.iou)
        for box, right in zip(ordered, counted, strict=True):
            drawing.outline(draw, box * scale, colour, 3, dashed=not right)
            tags.append((box * scale, f"{name}{box[4]:.1f}", colour))
    for box in corners[maps >= 0]:
        drawing.outline(draw, box * scale, LABELLED, 1)
    for place, words, colour in tags:
        drawing.tag(draw, place, words, colour, image.size)
    if seen.caption:
        corner = np.array([0, image.height, image.width, image.height], float)
        drawing.tag(draw, corner, seen.caption, LABELLED, image.size)
    return image


def _scaled(pixels: NDArray[np.float32], mean: Sequence[float]) -> tuple[Image.Image, float]:
    """The image as it was before the mean went, as wide as its column, and how many times larger that is."""
    back = pixels.transpose(1, 2, 0) + np.array(mean or 0, np.float32)
    colours = np.ascontiguousarray(np.clip(np.rint(back), 0, 255).astype(np.uint8)[:, :, ::-1])
    height, width = colours.shape[:2]
    wide = (WIDTH - 2 * MARGIN + GAP) // _columns(width, height) - GAP
    how = cv2.INTER_CUBIC if wide > width else cv2.INTER_AREA
    return Image.fromarray(cv2.resize(colours, (wide, round(height * wide / width)), interpolation=how)), wide / width


def _write_legend(draw: Draw, legend: Legend, notice: Sequence[str], ignored: bool) -> None:
    drawing.write(draw, (MARGIN, MARGIN - 4), legend.title(), TEXT, WORDS)
    keys = [("labelled", LABELLED, 1, False)]
    keys += [("dontcare", IGNORED, 1, False)] if ignored else []
    keys += [(f"found: {name}", COLOURS[i % len(COLOURS)], 3, False) for i, name in enumerate(legend.class_names)]
    keys += [("found, but no such object there", COLOURS[0], 3, True)]
    x, y = float(MARGIN), MARGIN + LINE
    for words, colour, width, dashed in keys:
        draw.rectangle((x, y, x + 27, y + 18), fill=GROUND)
        drawing.outline(draw, np.array([x + 3, y + 3, x + 24, y + 15]), colour, width, dashed)
        drawing.write(draw, (x + 34, y + 1), words, SMALL, WORDS)
        x += 34 + drawing.length(draw, words, SMALL) + 28
    drawing.write(draw, (x, y + 1), "numbers: confidence, ln of the cells that agree", SMALL, WORDS)
    for number, line in enumerate(notice):
        drawing.write(draw, (MARGIN, y + LINE * (number + 1) - 2), line, SMALL, WARNING)
