"""MNIST and CIFAR-10 in a pack: few bytes, and LMDBs of them on the machine that computes.

MNIST stays what it is. CIFAR-10 is more than all the rest, unless it goes through JPEG: a thousand images a file, tiles
of a mosaic, whose borders are borders of JPEG's blocks too. What is trained on that is said to be.
"""

from pathlib import Path

import lmdb
import numpy as np

SPLITS = ("train", "test")
MARGINS = {"mnist": 3, "cifar10": 4}  # zeros on each side: 34 x 34 and 40 x 40, as evolution.prototxt has them
TILES = (25, 40)  # rows and columns of a mosaic
MOSAIC = TILES[0] * TILES[1]
AT_ONCE = 5000  # images in one transaction


def pack(name: str, samples: dict[str, tuple[np.ndarray, np.ndarray]], folder: Path, quality: int | None) -> None:
    """Writes (images (N, C, H, W) uint8, labels) of each split into `folder`, through JPEG of `quality` or as it is."""
    folder.mkdir(parents=True)
    for split, (images, labels) in samples.items():
        kept = {"labels": labels.astype(np.uint8)}
        if quality is None:
            kept["images"] = images
        else:
            for first in range(0, len(images), MOSAIC):
                _jpeg(images[first : first + MOSAIC], folder / f"{split}{first // MOSAIC:03}.jpg", quality)
        np.savez_compressed(folder / f"{split}.npz", **kept)  # type: ignore[arg-type]


def _jpeg(images: np.ndarray, file: Path, quality: int) -> None:
    from PIL import Image

    rows, columns = TILES
    count, channels, height, width = images.shape
    tiles = np.zeros((MOSAIC, channels, height, width), np.uint8)
    tiles[:count] = images
    mosaic = tiles.reshape(rows, columns, channels, height, width).transpose(0, 3, 1, 4, 2)
    picture = Image.fromarray(mosaic.reshape(rows * height, columns * width, channels))
    picture.save(file, quality=quality, subsampling=0)


def _tiles(file: Path, side: int) -> np.ndarray:
    from PIL import Image

    rows, columns = TILES
    mosaic = np.asarray(Image.open(file)).reshape(rows, side, columns, side, 3)
    return mosaic.transpose(0, 2, 4, 1, 3).reshape(MOSAIC, 3, side, side)


def unpacked(folder: Path, split: str, side: int = 32) -> tuple[np.ndarray, np.ndarray]:
    """(images, labels) of a split in a pack."""
    with np.load(folder / f"{split}.npz") as kept:
        labels = kept["labels"]
        if "images" in kept:
            return kept["images"], labels
    images = np.concatenate([_tiles(file, side) for file in sorted(folder.glob(f"{split}*.jpg"))])
    return images[: len(labels)], labels


def lmdbs(name: str, pack: Path, scratch: Path, most: int | None = None) -> tuple[Path, dict[str, int]]:
    """The folder of LMDBs of a packed data set, the first `most` images, made at the first call; and their counts."""
    folder, counts = scratch / name, {}
    for split in SPLITS:
        images, labels = unpacked(pack / name, split)
        counts[split] = len(labels[:most])
        if not (folder / split).exists():
            _write(folder / split, images[:most], labels[:most], MARGINS[name])
    return folder, counts


def _write(folder: Path, images: np.ndarray, labels: np.ndarray, margin: int) -> None:
    from evolve.base.caffe_messages import caffe_pb2

    folder.mkdir(parents=True)
    sides = ((0, 0), (0, 0), (margin, margin), (margin, margin))
    with lmdb.open(str(folder), map_size=len(images) * 20000 + (1 << 24), sync=False) as store:
        for first in range(0, len(images), AT_ONCE):
            padded = np.pad(images[first : first + AT_ONCE], sides)
            with store.begin(write=True) as transaction:
                for number, (image, label) in enumerate(zip(padded, labels[first:], strict=False), first):
                    channels, height, width = image.shape
                    datum = caffe_pb2.Datum(channels=channels, height=height, width=width, label=int(label))
                    datum.data = image.tobytes()
                    transaction.put(f"{number:08}".encode(), datum.SerializeToString())
