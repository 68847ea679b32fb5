"""Raw data becomes LMDB data sets that Caffe reads: found or downloaded, checked, written whole or not at all.

``prepare("mnist", image_size=32)`` is the whole of it for images with a class each, and
``prepare_detection("parse27k", Detection(width=1024, height=512))`` for images with boxes; ``make data`` and the
lineage call nothing else. ``survey`` says of one's own images what is known before they are read. A new data set is one
file beside a network, or in datasets/, that defines ``SOURCE`` with the records from here: datasets/README.md.
"""

from evolve.datasets.dataset import Dataset
from evolve.datasets.detection import Box, Detection, DetectionSource, Photo, Photos
from evolve.datasets.handful import Handful, made_up
from evolve.datasets.lmdb_read import images, labels, read
from evolve.datasets.lookup import find, names
from evolve.datasets.own.pictures import Listing
from evolve.datasets.own.source import OwnSource
from evolve.datasets.own.wish import Wish
from evolve.datasets.own_set import Survey
from evolve.datasets.preparation import (
    NotToBeHad,
    few,
    few_with_boxes,
    prepare,
    prepare_detection,
    state,
    state_with_boxes,
    survey,
)
from evolve.datasets.source import SHARED, Samples, Source, Split, Unavailable

__all__ = [
    "SHARED",
    "Box",
    "Dataset",
    "Detection",
    "DetectionSource",
    "Handful",
    "Listing",
    "NotToBeHad",
    "OwnSource",
    "Photo",
    "Photos",
    "Samples",
    "Source",
    "Split",
    "Survey",
    "Unavailable",
    "Wish",
    "few",
    "few_with_boxes",
    "find",
    "images",
    "labels",
    "made_up",
    "names",
    "prepare",
    "prepare_detection",
    "read",
    "state",
    "state_with_boxes",
    "survey",
]
