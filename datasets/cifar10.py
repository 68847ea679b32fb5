"""CIFAR-10: 50,000 and 10,000 colour photographs of ten kinds of things, 32x32 (Krizhevsky, 2009).

From its archive or the folder in it, of Python batches or of binary ones: both hold the same bytes. Channels are
red, green, blue, as stored and as Caffe's own CIFAR-10 example keeps them; a net that was trained on OpenCV's
order (blue, green, red) wants them reversed.
"""

import pickle
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evolve.base.progress import Report
from evolve.datasets import Samples, Source, Split
from evolve.datasets.fitting import margin
from evolve.datasets.published import Contents, Published, contents
from evolve.datasets.raw_file import RawFile, wrong

CHANNELS, SIDE = 3, 32
CLASSES = 10
PIXELS = CHANNELS * SIDE * SIDE
MIRRORS = ("https://www.cs.toronto.edu/~kriz/", "https://cave.cs.toronto.edu/kriz/")
ORIGINALS = "cifar-10-python.tar.gz, cifar-10-binary.tar.gz or the batches from one of them"

PYTHON = Published(
    RawFile("cifar-10-python.tar.gz", "c58f30108f718f92721af3b95e74349a", 170498071),
    "cifar-10-batches-py",
    (
        RawFile("data_batch_1", "c99cafc152244af753f735de768cd75f", 31035704),
        RawFile("data_batch_2", "d4bba439e000b95fd0a9bffe97cbabec", 31035320),
        RawFile("data_batch_3", "54ebc095f3ab1f0389bbae665268c751", 31035999),
        RawFile("data_batch_4", "634d18415352ddfa80567beed471001a", 31035696),
        RawFile("data_batch_5", "482c414d41f54cd18b22e5b47cb7c3cb", 31035623),
        RawFile("test_batch", "40351d587109b95175f43aff81a1287e", 31035526),
    ),
    MIRRORS,
)
BINARY = Published(
    RawFile("cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530", 170052171),
    "cifar-10-batches-bin",
    (
        RawFile("data_batch_1.bin", "5dd7e06a14cb22eb9f671a540d1b7c25", 30730000),
        RawFile("data_batch_2.bin", "5ea93a67294ea407fff1d09f752e9692", 30730000),
        RawFile("data_batch_3.bin", "942cd6a4bcdd0dd3c604fbe906cb4421", 30730000),
        RawFile("data_batch_4.bin", "ae636b3ba5c66a11e91e8cb52e771fcb", 30730000),
        RawFile("data_batch_5.bin", "53f37980c15c3d472c316c40844f3f0d", 30730000),
        RawFile("test_batch.bin", "803d5f7f4d78ea53de84dbe85f74fb6d", 30730000),
    ),
    MIRRORS,
)

Batch = tuple[NDArray[np.uint8], NDArray[np.int64]]  # images (N, 3, 32, 32), labels (N,)


def load(*, image_size: int, seed: int, raw: Path, report: Report) -> Samples:
    """Both splits in the batches' order; where neither form is found, the Python one is downloaded.

    Raises UserError for a file that is there but wrong, Unavailable if none can be had.
    """
    zeros = margin("cifar10", SIDE, image_size, least=SIDE, usual=40)
    form, files = contents((PYTHON, BINARY), "cifar10", ORIGINALS, raw, report)
    return Samples(_split(form, files, "data_", zeros), _split(form, files, "test_", zeros), CLASSES)


def _split(form: Published, files: Contents, prefix: str, zeros: int) -> Split:
    decode = pickled if form is PYTHON else binary
    batches = [decode(*files[file.name]) for file in form.files if file.name.startswith(prefix)]
    images, labels = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    return Split(images, labels, zeros)


def pickled(path: Path, content: bytes) -> Batch:
    """A Python batch: a pickled dictionary of Python 2 with ``data`` (N, 3072) and ``labels``, a list.

    Only for bytes whose md5 has been checked, as ``contents`` does: a pickle is a program, and this runs it.
    ``path`` is for messages alone.
    """
    batch = pickle.loads(content, encoding="bytes")
    return _checked(path, batch[b"data"], np.array(batch[b"labels"], np.int64))


def binary(path: Path, content: bytes) -> Batch:
    """A binary batch: for each image a byte of label, then 1024 bytes each of red, green and blue, by rows."""
    if len(content) % (1 + PIXELS):
        raise wrong(path, f"records of {1 + PIXELS} bytes", f"{len(content)} bytes")
    records = np.frombuffer(content, np.uint8).reshape(-1, 1 + PIXELS)
    return _checked(path, records[:, 1:], records[:, 0].astype(np.int64))


def _checked(path: Path, pixels: NDArray[np.uint8], labels: NDArray[np.int64]) -> Batch:
    if labels.shape != (len(pixels),):
        raise wrong(path, f"{len(pixels)} labels, one for each image", f"{labels.size}")
    if not len(labels) or not 0 <= labels.min() <= labels.max() < CLASSES:
        got = f"{labels.min()} to {labels.max()}" if len(labels) else "none"
        raise wrong(path, f"labels from 0 to {CLASSES - 1}", got)
    return pixels.reshape(-1, CHANNELS, SIDE, SIDE), labels


SOURCE = Source("CIFAR-10", CHANNELS, load, classes=CLASSES, shared=True)
