"""A picture with the boxes that were found on it, as a PNG."""


import numpy as np
from PIL import Image, ImageDraw

from evolve.detectnet import drawing
from evolve.detectnet.picture import COLOURS
from trt.inference.box_answers import Answer
from trt.inference.output import Folder
from trt.inference.pictures import Picture

LARGEST, LEAST = 1600, 640  # pixels of the longer side of what is written
_FRAME = 3


def write(folder: Folder, picture: Picture, answer: Answer, class_names: list[str]) -> None:
    """Writes it into `folder`, under the picture's own name. UserError where that is taken."""
    assert picture.pixels is not None
    image = Image.fromarray(np.ascontiguousarray(picture.pixels[:, :, ::-1]))
    longer = max(image.size)
    scale = min(LARGEST, max(LEAST, longer)) / longer
    image = image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))
    draw, tags = ImageDraw.Draw(image), []
    for one in reversed(answer.found):
        colour = COLOURS[class_names.index(one.name) % len(COLOURS)]
        box = np.array([one.x, one.y, one.x + one.w, one.y + one.h]) * scale
        drawing.outline(draw, box, colour, _FRAME)
        tags.append((box, f"{one.name} {one.confidence:.1f}", colour))
    for box, words, colour in tags:
        drawing.tag(draw, box, words, colour, image.size)
    folder.save(image, answer.name)
