"""Any folder in Pascal VOC's form: an XML file an image, with or without lists of names in ImageSets/Main."""

from evolve.datasets.layouts import folder
from evolve.datasets.layouts.pascal_voc import LAYOUT

SOURCE = folder.source("voc", LAYOUT)
