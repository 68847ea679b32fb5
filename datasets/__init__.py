"""Raw data becomes LMDB data sets that Caffe reads: found or downloaded, checked, written whole or not at all.

``prepare("mnist", image_size=32)`` is the whole of it; ``make data`` and the lineage call nothing else. A new
data set is one file with a ``SOURCE`` and one line in ``registry.py``.
"""

from datasets.dataset import Dataset
from datasets.lmdb_reader import images, read
from datasets.preparation import prepare
from datasets.registry import channels, names

__all__ = ["Dataset", "channels", "images", "names", "prepare", "read"]
