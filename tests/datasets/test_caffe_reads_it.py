"""Caffe's own Data layer, in a process of its own, reads what was written, pixel by pixel."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from small_files import expecting, stl10_files, unpack

from evolve.datasets import Dataset, lookup, prepare, read
from tests.forks import FORKS

stl10 = lookup.module("stl10")

NET = """
layer {{
  name: "data" type: "Data" top: "data" top: "label"
  data_param {{ source: "{}" backend: LMDB batch_size: 30 }}
}}
"""
READ = """
import sys, caffe, numpy
net = caffe.Net(sys.argv[1], caffe.TEST)
net.forward()
numpy.savez(sys.argv[2], data=net.blobs["data"].data, label=net.blobs["label"].data)
"""


def _seen(tmp_path: Path, done: Dataset) -> tuple[np.ndarray, np.ndarray]:
    (tmp_path / "net.prototxt").write_text(NET.format(done.folder / "train"))
    caffe = FORKS.script(READ, "net.prototxt", "seen.npz", folder=tmp_path)
    assert caffe.returncode == 0, caffe.stderr
    with np.load(tmp_path / "seen.npz") as seen:
        return seen["data"], seen["label"]


def test_caffe_reads_it(tmp_path: Path, place: Callable[..., object], lines: list[str]) -> None:
    place(tmp_path / "raw")
    done = prepare("mnist", image_size=32, data=tmp_path, report=lines.append)
    images, labels = read(done.folder / "train", 30)
    seen, seen_labels = _seen(tmp_path, done)
    assert np.array_equal(seen, images) and np.array_equal(seen_labels, labels)
    # Caffe leaves its lock file in the folder; the data set is finished all the same.
    said = len(lines)
    assert prepare("mnist", image_size=32, data=tmp_path, report=lines.append) == done and len(lines) == said


def test_caffe_reads_three_channels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: list[str]) -> None:
    files = stl10_files(train=30)
    unpack(tmp_path / "raw" / "stl10_binary", files)
    monkeypatch.setattr(stl10, "BINARY", expecting(stl10.BINARY, files))
    done = prepare("stl10", image_size=40, data=tmp_path, report=lines.append)
    images, labels = read(done.folder / "train", 30)
    seen, seen_labels = _seen(tmp_path, done)
    assert seen.shape == (30, 3, 40, 40) and np.array_equal(seen, images)
    assert np.array_equal(seen_labels, labels)
