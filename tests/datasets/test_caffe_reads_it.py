"""Caffe's own Data layer, in a process of its own, reads what was written, pixel by pixel."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from datasets import prepare, read

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


def test_caffe_reads_it(tmp_path: Path, place: Callable[..., object], lines: list[str]) -> None:
    place(tmp_path / "raw")
    done = prepare("mnist", image_size=32, data=tmp_path, report=lines.append)
    (tmp_path / "net.prototxt").write_text(NET.format(done.folder / "train"))
    command = [sys.executable, "-c", READ, "net.prototxt", "seen.npz"]
    caffe = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert caffe.returncode == 0, caffe.stderr
    images, labels = read(done.folder / "train", 30)
    with np.load(tmp_path / "seen.npz") as seen:
        assert np.array_equal(seen["data"], images) and np.array_equal(seen["label"], labels)
    # Caffe leaves its lock file in the folder; the data set is finished all the same.
    said = len(lines)
    assert prepare("mnist", image_size=32, data=tmp_path, report=lines.append) == done and len(lines) == said
