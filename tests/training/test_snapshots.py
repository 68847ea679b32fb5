"""A training that was killed goes on from its newest snapshot, and ends with the same bytes."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from evolve.base.caffe_messages import caffe_pb2
from evolve.network import weights
from evolve.training import snapshots
from evolve.training.caffe_process import CaffeKilled, CaffeProcess

# Random in all ways that Caffe knows: fillers, crops and mirrors of the data, dropout.
NET = """
layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TRAIN }
  transform_param { crop_size: 6 mirror: true scale: 0.01 }
  data_param { source: "images" backend: LMDB batch_size: 5 } }
layer { name: "ip1" type: "InnerProduct" bottom: "data" top: "ip1"
  inner_product_param { num_output: 16 weight_filler { type: "xavier" } } }
layer { name: "relu1" type: "ReLU" bottom: "ip1" top: "ip1" }
layer { name: "drop1" type: "Dropout" bottom: "ip1" top: "ip1" }
layer { name: "ip2" type: "InnerProduct" bottom: "ip1" top: "ip2"
  inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip2" bottom: "label" top: "loss" }
layer { name: "deadly" type: "Python" bottom: "label" python_param { module: "deadly" layer: "Deadly" } }
"""
# Kills its process when the net has gone forward so often: no signal from outside comes in time for certain.
DEADLY = """
import os, signal
from pathlib import Path

import caffe

class Deadly(caffe.Layer):
    left = int(Path("forwards").read_text())
    def setup(self, bottom, top):
        pass
    def reshape(self, bottom, top):
        pass
    def forward(self, bottom, top):
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self.left -= 1
    def backward(self, top, propagate_down, bottom):
        pass
"""
SOLVERS = {
    "SGD": 'type: "SGD" base_lr: 0.02 momentum: 0.9',
    "Adam": 'type: "Adam" base_lr: 0.01 momentum: 0.9 momentum2: 0.999 weight_decay: 0.001',
    "accumulating": 'type: "SGD" base_lr: 0.02 momentum: 0.9 iter_size: 3',
}
LENGTH, EVERY = 20, 7

Store = Callable[[Path, np.ndarray, np.ndarray], None]


@pytest.fixture
def folder(tmp_path: Path, store: Store) -> Path:
    random = np.random.default_rng(5)
    store(tmp_path / "images", random.integers(0, 256, (13, 3, 8, 8), np.uint8), random.integers(0, 4, 13))
    (tmp_path / "net.prototxt").write_text(NET)
    (tmp_path / "deadly.py").write_text(DEADLY)
    return tmp_path


def train(
    folder: Path, solver: str, kept: str, stop: int = LENGTH + 1, every: int = EVERY, seed: int = 4
) -> dict[str, Any]:
    """Trains into weights.caffemodel; killed once iteration `stop` is done, if it ever is. With what was `said`."""
    (folder / "solver.prototxt").write_text(
        f'net: "net.prototxt" {solver} lr_policy: "poly" power: 1 max_iter: {LENGTH} random_seed: {seed} '
        f"snapshot: {every}"
    )
    (folder / "forwards").write_text(str(stop * (3 if "iter_size: 3" in solver else 1)))
    with CaffeProcess(folder, folder / "log", folder / "net.prototxt") as caffe:
        said: list[str] = []
        answer = caffe.call(
            "train", lambda progress: said.extend([progress["words"]] if "words" in progress else []),
            solver="solver.prototxt", output="weights.caffemodel", snapshots=kept,
        )  # fmt: skip
        return answer | {"said": said}


@pytest.mark.parametrize("kind", SOLVERS)
@pytest.mark.parametrize(("stop", "from_iteration"), [(3, 0), (8, 7), (16, 14)])
def test_a_killed_training_ends_with_the_same_bytes(folder: Path, kind: str, stop: int, from_iteration: int) -> None:
    assert train(folder, SOLVERS[kind], "undisturbed")["resumed"] == 0
    wanted = (folder / "weights.caffemodel").read_bytes()
    (folder / "weights.caffemodel").unlink()
    with pytest.raises(CaffeKilled):
        train(folder, SOLVERS[kind], "killed", stop)
    again = train(folder, SOLVERS[kind], "killed")
    assert again["iterations"] == LENGTH and (folder / "weights.caffemodel").read_bytes() == wanted
    assert again["resumed"] == from_iteration


def test_the_largest_seed_that_caffe_knows(folder: Path) -> None:
    """An iteration more is the smallest."""
    train(folder, SOLVERS["SGD"], "undisturbed", seed=2**32 - 1)
    wanted = (folder / "weights.caffemodel").read_bytes()
    with pytest.raises(CaffeKilled):
        train(folder, SOLVERS["SGD"], "killed", 8, seed=2**32 - 1)
    assert train(folder, SOLVERS["SGD"], "killed", seed=2**32 - 1)["resumed"] == EVERY
    assert (folder / "weights.caffemodel").read_bytes() == wanted


def test_random_numbers_matter_here(folder: Path) -> None:
    """So the test above can fail: other cuts, other dropout."""
    made = []
    for every in (EVERY, 5):
        train(folder, SOLVERS["SGD"], f"every{every}", every=every)
        made.append((folder / "weights.caffemodel").read_bytes())
    assert made[0] != made[1]


APART = """
layer { name: "images" type: "Data" top: "data" include { phase: TRAIN }
  data_param { source: "images" backend: LMDB batch_size: 5 } }
layer { name: "targets" type: "Data" top: "wanted" include { phase: TRAIN }
  data_param { source: "targets" backend: LMDB batch_size: 5 } }
layer { name: "scale" type: "Power" bottom: "data" top: "data" power_param { scale: 0.001 } }
layer { name: "scale-too" type: "Power" bottom: "wanted" top: "wanted" power_param { scale: 0.001 } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
  inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
layer { name: "flat" type: "Flatten" bottom: "wanted" top: "flat" }
layer { name: "loss" type: "EuclideanLoss" bottom: "ip" bottom: "flat" top: "loss" }
layer { name: "deadly" type: "Python" bottom: "flat" python_param { module: "deadly" layer: "Deadly" } }
"""


def _same(blobs: list[np.ndarray], others: list[np.ndarray]) -> bool:
    return all(np.array_equal(one, other) for one, other in zip(blobs, others, strict=True))


def test_images_and_labels_apart_go_on_together(folder: Path, store: Store) -> None:
    """Each of the two LMDBs is read on from where it was, wherever it lies now."""
    random = np.random.default_rng(6)
    for name, shape in (("images", (3, 8, 8)), ("targets", (4, 1, 1))):
        made = random.integers(0, 256, (13, *shape), np.uint8)
        shutil.rmtree(folder / name, ignore_errors=True)
        store(folder / name, made, np.zeros(13, np.int64))
    (folder / "net.prototxt").write_text(APART)
    train(folder, SOLVERS["SGD"], "undisturbed")
    wanted = weights.read(folder / "weights.caffemodel")["ip"]
    with pytest.raises(CaffeKilled):
        train(folder, SOLVERS["SGD"], "killed", stop=8)
    for name in ("images", "targets"):
        (folder / name).rename(folder / f"moved-{name}")
    (folder / "net.prototxt").write_text(APART.replace('source: "', 'source: "moved-'))
    assert train(folder, SOLVERS["SGD"], "killed")["resumed"] == EVERY
    assert _same(weights.read(folder / "weights.caffemodel")["ip"], wanted)


def test_only_the_newest_is_kept(folder: Path) -> None:
    undisturbed = train(folder, SOLVERS["Adam"], "kept")
    again = train(folder, SOLVERS["Adam"], "kept")
    # At its end already: the loss and the seconds are those that it had.
    assert again["resumed"] == LENGTH and again["loss"] == undisturbed["loss"] is not None
    assert again["seconds"] >= json.loads((folder / "kept" / "newest.json").read_text())["seconds"] > 0
    names = sorted(path.name for path in (folder / "kept").iterdir())
    assert names == ["newest.json", "state_iter_20.caffemodel", "state_iter_20.solverstate"]


def test_the_seconds_are_those_of_every_session(folder: Path) -> None:
    with pytest.raises(CaffeKilled):
        train(folder, SOLVERS["SGD"], "kept", stop=8)
    record = json.loads((folder / "kept" / "newest.json").read_text())
    assert record["seconds"] > 0
    (folder / "kept" / "newest.json").write_text(json.dumps(record | {"seconds": 3600.0}))
    assert 3600 < train(folder, SOLVERS["SGD"], "kept")["seconds"] < 3700
    # Of a version that kept none, those of this session.
    for name in ("loss", "seconds"):
        record.pop(name)
    shutil.rmtree(folder / "kept")
    with pytest.raises(CaffeKilled):
        train(folder, SOLVERS["SGD"], "kept", stop=8)
    (folder / "kept" / "newest.json").write_text(json.dumps(record))
    again = train(folder, SOLVERS["SGD"], "kept")
    assert again["resumed"] == EVERY and again["seconds"] < 100


def test_one_that_was_killed_while_it_was_written_is_written_over(folder: Path) -> None:
    """Its files were there before the new one of the same iteration, which stays."""
    (folder / "kept").mkdir()
    for kind in ("caffemodel", "solverstate"):
        (folder / "kept" / f"state_iter_{EVERY}.{kind}").write_bytes(b"cut off")
    with pytest.raises(CaffeKilled):
        train(folder, SOLVERS["SGD"], "kept", stop=8)
    assert train(folder, SOLVERS["SGD"], "kept")["resumed"] == EVERY


@pytest.mark.parametrize("with_mean", [False, True])
def test_a_moved_data_set_is_the_same_one(folder: Path, with_mean: bool) -> None:
    if with_mean:
        _subtract_mean(folder, 100)
    with pytest.raises(CaffeKilled):
        train(folder, SOLVERS["SGD"], "kept", stop=8)
    (folder / "images").rename(folder / "elsewhere")
    net = (folder / "net.prototxt").read_text()
    (folder / "net.prototxt").write_text(net.replace('"images', '"elsewhere'))
    again = train(folder, SOLVERS["SGD"], "kept")
    assert again["resumed"] == EVERY and not again["said"]


def _subtract_mean(folder: Path, mean: float) -> None:
    """Has the network subtract a mean image that lies with the data."""
    blob = caffe_pb2.BlobProto(num=1, channels=3, height=8, width=8, data=[mean] * (3 * 8 * 8))
    (folder / "images" / "mean.binaryproto").write_bytes(blob.SerializeToString())
    words = 'mean_file: "images/mean.binaryproto" scale: 0.01'
    (folder / "net.prototxt").write_text(NET.replace("scale: 0.01", words))


@pytest.mark.parametrize("harm", ["cut", "other solver", "other net", "other mean", "no record"])
def test_one_that_is_not_whole_or_of_another_training_is_not_used(folder: Path, harm: str) -> None:
    _subtract_mean(folder, 100)
    with pytest.raises(CaffeKilled):
        train(folder, SOLVERS["SGD"], "kept", stop=8)
    solver, state = SOLVERS["SGD"], folder / "kept" / "state_iter_7.solverstate"
    if harm == "cut":
        state.write_bytes(state.read_bytes()[:-1])
    elif harm == "other solver":
        solver = solver.replace("0.02", "0.03")
    elif harm == "other net":
        net = (folder / "net.prototxt").read_text()
        (folder / "net.prototxt").write_text(net.replace("num_output: 16", "num_output: 15"))
    elif harm == "other mean":
        _subtract_mean(folder, 101)
    else:
        (folder / "kept" / "newest.json").write_text("{")
    anew = train(folder, solver, "kept")
    assert anew["resumed"] == 0
    assert anew["said"] == ["kept: the snapshot there is damaged, or another training's: this one begins anew"]


def test_the_matrix_of_a_loss_is_told_by_what_it_holds(tmp_path: Path) -> None:
    """Wherever it lies; one that is not there is none."""
    (tmp_path / "here").write_bytes(b"matrix")
    (tmp_path / "there").write_bytes(b"matrix")
    (tmp_path / "other").write_bytes(b"another")
    solver, identities = caffe_pb2.SolverParameter(), []
    for name in ("here", "there", "other", "none"):
        net = caffe_pb2.NetParameter()
        net.layer.add(name="loss", type="InfogainLoss").infogain_loss_param.source = str(tmp_path / name)
        identities.append(snapshots.identity(solver, net))
    assert identities[0] == identities[1] and len(set(identities)) == 3


def test_without_room_it_is_left_out_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots.shutil, "disk_usage", lambda folder: SimpleNamespace(free=1_000_000))
    blob = SimpleNamespace(count=100_000)
    training = SimpleNamespace(iter=7, param=SimpleNamespace(max_iter=20), net=SimpleNamespace(params={"ip": [blob]}))
    said: list[str] = []
    snapshots.Snapshots(tmp_path / "kept", 7, "", 1).save(training, 0.5, 2.0, said.append)
    assert said == [f"{tmp_path / 'kept'}: no room for a snapshot of 1 MB: a killed training would begin anew"]
    assert not list((tmp_path / "kept").iterdir())
