"""Any folder in KITTI's text form, as DIGITS keeps its sets: a .txt an image with 15 fields a line."""

from evolve.datasets.layouts import folder
from evolve.datasets.layouts.kitti_text import LAYOUT

SOURCE = folder.source("kitti_text", LAYOUT)
