"""Any folder in YOLO's form: a .txt an image, boxes in fractions of it, and a file with the classes' names."""

from evolve.datasets.layouts import folder
from evolve.datasets.layouts.yolo_text import LAYOUT

SOURCE = folder.source("yolo", LAYOUT)
