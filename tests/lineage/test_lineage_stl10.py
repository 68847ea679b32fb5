"""The whole way of a published network: archive, md5, LMDB, evolution; STL-10's files are made here in their layout."""

import contextlib
import hashlib
import io
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evolve.datasets import lookup
from evolve.datasets.raw_file import RawFile
from evolve.figures import table
from evolve.lineage import lineage
from evolve.settings import networks

stl10 = lookup.module("stl10")

PHOTOGRAPHS = {"train": 300, "test": 100}


def test_lenet_on_stl10(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _archive(tmp_path / "data" / "raw" / "stl10" / "stl10_binary.tar.gz", monkeypatch)
    network = tmp_path / "lenet_stl10"
    shutil.copytree(networks.find("lenet_stl10"), network)
    settings = (network / "evolution.prototxt").read_text()
    short = settings[: settings.index("ancestor_training")] + 'ancestor_training: "60it"\noffspring_training: "20it"\n'
    (network / "evolution.prototxt").write_text(short)
    # An eighth of its batch learns as much of brightness.
    train_val = network / "train_val.prototxt"
    train_val.write_text(train_val.read_text().replace("batch_size: 64", "batch_size: 8"))
    with contextlib.chdir(tmp_path):
        run = lineage.evolve("lenet_stl10", 3)
    assert (run / "gen003" / "DONE.json").exists()
    printed = table.markdown(run)
    assert "145,578" in printed and "beside [Cluster16] Table 2 (STL-10, generation 10)" in printed
    rows = (run / "lineage.csv").read_text().splitlines()
    last = dict(zip(rows[0].split(","), rows[-1].split(","), strict=True))
    # The paper's pace, on which the draw is free to scatter; and classes that brightness alone tells apart are learnt.
    assert 2.25 < float(last["architectural_efficiency"]) < 2.5
    assert float(last["accuracy"]) > 0.3


def _archive(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Grey photographs, a brightness for each class, with noise; and their md5 as the expected ones."""
    random = np.random.default_rng(0)
    files = {}
    for split, count in PHOTOGRAPHS.items():
        labels = random.integers(1, 11, count)
        pixels = labels[:, None] * 22 + random.integers(0, 30, (count, 3 * 96 * 96))
        files[f"{split}_X.bin"] = pixels.astype(np.uint8).tobytes()
        files[f"{split}_y.bin"] = labels.astype(np.uint8).tobytes()
    made = (RawFile(name, hashlib.md5(content).hexdigest(), len(content)) for name, content in files.items())
    monkeypatch.setattr(stl10, "BINARY", replace(stl10.BINARY, files=tuple(made)))
    path.parent.mkdir(parents=True)
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"stl10_binary/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
