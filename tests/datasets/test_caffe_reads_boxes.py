"""Caffe's own Data layers, in a process of their own, give images and labels back number by number, key by key."""

from pathlib import Path

import lmdb
import numpy as np
from miniatures import parse27k

from evolve.datasets import Detection, images, labels, prepare_detection
from tests.forks import FORKS

NET = """
layer {{ name: "data" type: "Data" top: "data"
  data_param {{ source: "{0}/images" backend: LMDB batch_size: 3 }} }}
layer {{ name: "label" type: "Data" top: "label"
  data_param {{ source: "{0}/labels" backend: LMDB batch_size: 3 }} }}
"""
READ = """
import sys, caffe, numpy
net = caffe.Net(sys.argv[1], caffe.TEST)
net.forward()
numpy.savez(sys.argv[2], data=net.blobs["data"].data, label=net.blobs["label"].data)
"""


def test_caffe_reads_both(tmp_path: Path, lines: list[str]) -> None:
    people = {1: [(3, 4, 20.5, 60), (30, 5, 90, 63)], 4: [], 5: [(-2, 0, 50, 50)]}
    parse27k(tmp_path / "raw", people)
    made = prepare_detection("parse27k", Detection(80, 48, max_boxes=4), data=tmp_path, report=lines.append)
    (tmp_path / "net.prototxt").write_text(NET.format(made.folder / "train"))
    caffe = FORKS.script(READ, "net.prototxt", "seen.npz", folder=tmp_path)
    assert caffe.returncode == 0, caffe.stderr
    with np.load(tmp_path / "seen.npz") as seen:
        assert seen["data"].shape == (3, 3, 48, 80) and seen["label"].shape == (3, 1, 5, 16)
        assert np.array_equal(seen["data"], images(made, "train", 3))
        assert np.array_equal(seen["label"][:, 0], labels(made, "train", 3))
        assert sorted(seen["label"][:, 0, 0, 0]) == [0, 1, 2]
    # Caffe leaves its lock files in the folders; the data set is finished all the same.
    said = len(lines)
    again = prepare_detection("parse27k", Detection(80, 48, max_boxes=4), data=tmp_path, report=lines.append)
    assert again == made and len(lines) == said


def test_the_keys_are_the_same(tmp_path: Path, lines: list[str]) -> None:
    parse27k(tmp_path / "raw")
    made = prepare_detection("parse27k", Detection(96, 64), data=tmp_path, report=lines.append)
    for split, count in made.counts.items():
        for kind in ("images", "labels"):
            folder = made.folder / split / kind
            assert [path.name for path in folder.iterdir()] == ["data.mdb"]
            with lmdb.open(str(folder), readonly=True, lock=False) as environment, environment.begin() as transaction:
                assert [key for key, _ in transaction.cursor()] == [b"0000000%d" % n for n in range(count)]
