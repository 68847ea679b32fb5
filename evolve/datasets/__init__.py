"""Raw data becomes LMDB data sets that Caffe reads: found or downloaded, checked, written whole or not at all.

``prepare("mnist", image_size=32)`` is the whole of it for images with a class each, and
``prepare_detection("parse27k", Detection(width=1024, height=512))`` for images with boxes; ``make data`` and the
lineage call nothing else. A new data set is one file with a ``SOURCE`` and one line in ``registry.py``.
"""

from evolve.datasets.dataset import Dataset
from evolve.datasets.lmdb_read import images, labels, read
from evolve.datasets.prepare import prepare, prepare_detection
from evolve.datasets.registry import channels, class_names, has_boxes, names
from evolve.datasets.source import Detection

__all__ = [
    "Dataset",
    "Detection",
    "channels",
    "class_names",
    "has_boxes",
    "images",
    "labels",
    "names",
    "prepare",
    "prepare_detection",
    "read",
]
