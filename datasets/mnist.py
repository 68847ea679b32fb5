"""MNIST from its four original files: 60,000 and 10,000 handwritten digits, 28x28 (LeCun et al., 1998).

The idx format of MNIST's files: a magic number, big-endian dimensions, then unsigned bytes.

The magic is two zero bytes, 0x08 for unsigned bytes, and the number of dimensions.
"""

import gzip
import io
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evolve.base.progress import Report
from evolve.datasets import Samples, Source, Split
from evolve.datasets.fitting import margin
from evolve.datasets.published import obtained
from evolve.datasets.raw_file import RawFile, checked_bytes, find, wrong

LARGEST = 1 << 26  # bytes unpacked: MNIST's largest file has 47,040,016


def decode(path: Path, packed: bytes, dimensions: int) -> NDArray[np.uint8]:
    """The array in a gzipped idx file's bytes, with so many dimensions; ``path`` is for messages alone.

    Raises UserError if it is no gzip file, or its magic, dimensions and length do not agree.
    """
    try:
        # A thousand bytes can be packed into one: never more of them than MNIST has.
        with gzip.open(io.BytesIO(packed)) as file:
            content = file.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise wrong(path, "a whole gzip file", str(error)) from None
    if len(content) > LARGEST:
        raise wrong(path, f"at most {LARGEST} bytes unpacked", "more")
    magic = 0x0800 + dimensions
    found = int.from_bytes(content[:4], "big")
    if found != magic:
        raise wrong(path, f"idx magic {magic} ({dimensions} dimensions of unsigned bytes)", str(found))
    start = 4 + 4 * dimensions
    shape = [int.from_bytes(content[at : at + 4], "big") for at in range(4, start, 4)]
    expected = start + int(np.prod(shape, dtype=object))
    if len(content) != expected:
        size = "x".join(map(str, shape))
        raise wrong(path, f"{expected} bytes unpacked for its {size} header", str(len(content)))
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


SIDE = 28
CLASSES = 10
FILES = {
    "train images": RawFile("train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873", 9912422),
    "train labels": RawFile("train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432", 28881),
    "test images": RawFile("t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3", 1648877),
    "test labels": RawFile("t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c", 4542),
}
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "http://yann.lecun.com/exdb/mnist/",
)


def load(*, image_size: int, seed: int, raw: Path, report: Report) -> Samples:
    """Both splits as they are in the files; missing files are downloaded into ``raw``/mnist.

    Raises UserError for a file that is there but wrong, Unavailable if one can be had nowhere.
    """
    zeros = margin("mnist", SIDE, image_size, least=SIDE)
    found = {part: find(file.name, "mnist", raw) for part, file in FILES.items()}
    # All that is there is checked before anything is downloaded: a wrong file is the user's to hear of first.
    packed = {part: (path, checked_bytes(path, FILES[part])) for part, path in found.items() if path}
    for part, file in FILES.items():
        if part not in packed:
            path = obtained(file, MIRRORS, "mnist", "MNIST's four original .gz files", raw, report)
            packed[part] = path, checked_bytes(path, file)
    return Samples(_split("train", packed, zeros), _split("test", packed, zeros), CLASSES)


def _split(name: str, packed: dict[str, tuple[Path, bytes]], zeros: int) -> Split:
    images_path, images_bytes = packed[f"{name} images"]
    labels_path, labels_bytes = packed[f"{name} labels"]
    images = decode(images_path, images_bytes, dimensions=3)
    labels = decode(labels_path, labels_bytes, dimensions=1)
    _check(images_path, images, labels_path, labels)
    return Split(images[:, None], labels.astype(np.int64), zeros)


def _check(
    images_path: Path, images: NDArray[np.uint8], labels_path: Path, labels: NDArray[np.uint8]
) -> None:
    """UserError unless there are 28x28 images, a label for each, and no label above 9."""
    if images.shape[1:] != (SIDE, SIDE):
        got = "x".join(map(str, images.shape[1:]))
        raise wrong(images_path, f"images of {SIDE}x{SIDE}", got)
    if len(labels) != len(images):
        raise wrong(labels_path, f"{len(images)} labels, one for each image of {images_path.name}", f"{len(labels)}")
    if len(labels) == 0 or labels.max() >= CLASSES:
        got = f"{labels.max()}" if len(labels) else "none"
        raise wrong(labels_path, f"labels from 0 to {CLASSES - 1}", got)


SOURCE = Source("MNIST", 1, load, classes=CLASSES, shared=True)
