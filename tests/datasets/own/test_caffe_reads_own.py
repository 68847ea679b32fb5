"""Caffe's own Data layer, in a process of its own, reads one's own images: stored anew, or where a database lies."""

from pathlib import Path

import numpy as np

from evolve.datasets import Dataset, Wish, prepare
from tests.datasets.drawn import folders, stored
from tests.datasets.own.test_own_database import database, raw
from tests.forks import FORKS

NET = """
layer {{
  name: "data" type: "Data" top: "data" top: "label" transform_param {{ {transform} }}
  data_param {{ source: "{source}" backend: LMDB batch_size: 12 }}
}}
"""
READ = """
import sys, caffe, numpy
net = caffe.Net(sys.argv[1], caffe.TEST)
net.forward()
numpy.savez(sys.argv[2], data=net.blobs["data"].data, label=net.blobs["label"].data)
"""


def seen(here: Path, done: Dataset, transform: str = "") -> tuple[np.ndarray, np.ndarray]:
    """The first 12 images to train on and their labels, as Caffe has them."""
    (here / "net.prototxt").write_text(NET.format(source=done.folder / "train", transform=transform))
    caffe = FORKS.script(READ, "net.prototxt", "seen.npz", folder=here)
    assert caffe.returncode == 0, caffe.stderr
    with np.load(here / "seen.npz") as found:
        return found["data"], found["label"]


def test_pictures_less_their_mean_image(tmp_path: Path) -> None:
    """mean.binaryproto is what transform_param wants for a mean_file."""
    pictures = Wish(folder=str(folders(tmp_path / "pictures", 5)), width=20, height=16)
    done = prepare("images", image_size=32, wish=pictures, data=tmp_path / "data", report=lambda line: None)
    assert done.counts == {"train": 12, "test": 3}
    data, labels = seen(tmp_path, done, f'mean_file: "{done.folder}/mean.binaryproto"')
    records = stored(done.folder / "train")
    assert data.shape == (12, 3, 16, 20) and labels.tolist() == [label for _, label in records]
    assert np.abs(data.mean(axis=0)).max() < 1e-3
    pixels = np.stack([pixels for pixels, _ in records]).astype(np.float32)
    assert np.allclose(data, pixels - pixels.mean(axis=0), atol=1e-3)


def test_a_database_where_it_lies(tmp_path: Path) -> None:
    """Whatever Caffe writes beside it, its lock, does not go into a folder of the user's."""
    datums = raw(12)
    both = {split: database(tmp_path / split, datums) for split in ("train", "test")}
    before = {split: sorted(path.name for path in folder.iterdir()) for split, folder in both.items()}
    wish = Wish(train=str(both["train"]), test=str(both["test"]))
    done = prepare("lmdb", image_size=32, wish=wish, data=tmp_path / "data", report=lambda line: None)
    data, labels = seen(tmp_path, done)
    assert data.astype(np.uint8).tobytes() == b"".join(datum.data for datum in datums)
    assert labels.tolist() == [datum.label for datum in datums]
    assert {split: sorted(path.name for path in folder.iterdir()) for split, folder in both.items()} == before
    assert prepare("lmdb", image_size=32, wish=wish, data=tmp_path / "data", report=lambda line: None) == done
