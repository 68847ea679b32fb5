"""STL-10: 5,000 and 8,000 colour photographs of ten kinds of things, 96x96 made 32x32 (Coates, Ng, Lee, 2011).

From stl10_binary.tar.gz or the folder in it. Made smaller by the plain mean of 3x3 pixels, which is exact area
averaging; the papers used 32x32 and do not say how they got there. Channels are red, green, blue, as stored. The
100,000 unlabelled images are not used.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evolve.base.progress import Report
from evolve.datasets import Samples, Source, Split
from evolve.datasets.fitting import margin
from evolve.datasets.published import Contents, Published, contents
from evolve.datasets.raw_file import RawFile, wrong

CHANNELS, ORIGINAL_SIDE, SHRINK = 3, 96, 3
SIDE = ORIGINAL_SIDE // SHRINK
CLASSES = 10
ORIGINALS = "stl10_binary.tar.gz or the files in it"
BINARY = Published(
    RawFile("stl10_binary.tar.gz", "91f7769df0f17e558f3565bffb0c7dfb", 2640397119),
    "stl10_binary",
    (
        RawFile("train_X.bin", "918c2871b30a85fa023e0c44e0bee87f", 138240000),
        RawFile("train_y.bin", "5a34089d4802c674881badbb80307741", 5000),
        RawFile("test_X.bin", "7f263ba9f9e0b06b93213547f721ac82", 221184000),
        RawFile("test_y.bin", "36f9794fa4beb8a2c72628de14fa638e", 8000),
    ),
    ("http://ai.stanford.edu/~acoates/stl10/",),
)


def load(*, image_size: int, seed: int, raw: Path, report: Report) -> Samples:
    """Both splits in the files' order, 32x32 within a margin of zeros if ``image_size`` is larger.

    Raises UserError for a file that is there but wrong, Unavailable if the files can be had nowhere.
    """
    zeros = margin("stl10", SIDE, image_size, least=SIDE, usual=40)
    _, files = contents((BINARY,), "stl10", ORIGINALS, raw, report)
    return Samples(split("train", files, zeros), split("test", files, zeros), CLASSES)


def split(name: str, files: Contents, zeros: int) -> Split:
    """"train" or "test" from its two files, in their order. UserError if they are wrong."""
    images = decoded(*files[f"{name}_X.bin"])
    path, content = files[f"{name}_y.bin"]
    labels = np.frombuffer(content, np.uint8).astype(np.int64) - 1  # the file counts classes from 1
    if len(labels) != len(images):
        raise wrong(path, f"{len(images)} labels, one for each image of {name}_X.bin", f"{len(labels)}")
    if not len(labels) or not 0 <= labels.min() <= labels.max() < CLASSES:
        got = f"{labels.min() + 1} to {labels.max() + 1}" if len(labels) else "none"
        raise wrong(path, f"labels from 1 to {CLASSES}", got)
    return Split(averaged(images), labels, zeros)


def decoded(path: Path, content: bytes) -> NDArray[np.uint8]:
    """(N, 3, 96, 96): the file holds an image's channels one after the other, each column by column."""
    record = CHANNELS * ORIGINAL_SIDE**2
    if len(content) % record:
        raise wrong(path, f"images of {record} bytes", f"{len(content)} bytes")
    columns = np.frombuffer(content, np.uint8).reshape(-1, CHANNELS, ORIGINAL_SIDE, ORIGINAL_SIDE)
    return columns.transpose(0, 1, 3, 2)


def averaged(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(N, C, 3H, 3W) to (N, C, H, W): the mean of each 3x3 pixels, rounded to the nearest."""
    count, channels, height, width = images.shape
    squares = images.reshape(count, channels, height // SHRINK, SHRINK, width // SHRINK, SHRINK)
    sums = squares.sum((3, 5), dtype=np.uint16)
    # Of nine no mean lies halfway between two whole numbers, so half of nine, rounded down, rounds to the nearest.
    return ((sums + SHRINK**2 // 2) // SHRINK**2).astype(np.uint8)


SOURCE = Source("STL-10", CHANNELS, load, classes=CLASSES, shared=True)
