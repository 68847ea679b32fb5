"""Any folder in COCO's form: one JSON file a split, and its images."""

from evolve.datasets.layouts import folder
from evolve.datasets.layouts.coco_json import LAYOUT

SOURCE = folder.source("coco", LAYOUT)
