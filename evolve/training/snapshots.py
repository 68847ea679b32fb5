"""Snapshots keep the newest state of a training, so that a long one that was killed goes on where it was.

A training with snapshots is cut at fixed iterations, and Caffe's random numbers begin anew at each: whether it was
killed in between or not, the same bytes come out, for its data goes on where it was too. What Caffe saves is looked at
before it is relied on: a full or failing disk can cut the end off a file without a word from Caffe's own writer. Runs
in the worker.
"""

import errno
import hashlib
import json
import math
import shutil
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import caffe
from google.protobuf.message import DecodeError

from evolve.base import files, prototxt_text
from evolve.base.caffe_messages import SEEDS, caffe_pb2
from evolve.network import phases
from evolve.network.layers import detectnet
from evolve.proto import caffemodel_pb2
from evolve.runs import generation

_RECORD, _FIGURES = "newest.json", {"loss", "seconds"}
# Weights and, of Adam, two numbers more for each; what else a disk needs is not ours to guess.
_SPACE = 3


class Snapshots:
    """Those of one training, in `folder`, every so many iterations (0: none). `identity` is what it is trained from."""

    def __init__(self, folder: Path, every: int, identity: str, seed: int) -> None:
        self._folder, self.every, self._identity, self._seed = folder, every, identity, seed

    @property
    def prefix(self) -> str:
        """Caffe's snapshot_prefix."""
        return str(self._folder / "state")

    def newest(self) -> int:
        """The iteration of the newest whole one of this very training; 0 if there is none."""
        return int(self._whole_record().get("iteration", 0))

    def _whole_record(self) -> dict[str, Any]:
        """What is on record of the newest one, {} where that is not whole or of another training."""
        try:
            record = json.loads((self._folder / _RECORD).read_text())
            whole = all(generation.sha256(self._folder / name) == digest for name, digest in record["sha256"].items())
            figures = {name: float(record[name]) for name in _FIGURES & set(record)}
            own = {"iteration": int(record["iteration"]), **figures}
            return own if whole and record["identity"] == self._identity else {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}

    def restore(self, training: Any, say: Callable[[str], None]) -> tuple[float, float]:
        """Takes `training` to the newest one; its loss there (nan: none) and the seconds of training until there.

        Says so where there is one that cannot be gone on from.
        """
        record = self._whole_record()
        if not record:
            if (self._folder / _RECORD).exists():
                say(f"{self._folder}: the snapshot there is damaged, or another training's: this one begins anew")
            return math.nan, 0.0
        training.restore(f"{self.prefix}_iter_{record['iteration']}.solverstate")
        self._reseed(training)
        # Those of earlier versions have neither.
        return record.get("loss", math.nan), record.get("seconds", 0.0)

    def limit(self, iteration: int) -> int:
        """The iteration at which the next one is due."""
        return (iteration // self.every + 1) * self.every

    def save(self, training: Any, loss: float, seconds: float, say: Callable[[str], None]) -> None:
        """Writes one if it is due, and at the end; the one before goes. Left out, and said so, on a full disk.

        `loss` is that of the last iteration, `seconds` what the training took until there.
        """
        if not self.every or training.iter % self.every and training.iter < training.param.max_iter:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        needed = _SPACE * sum(4 * blob.count for blobs in training.net.params.values() for blob in blobs)
        if shutil.disk_usage(self._folder).free < needed:
            say(f"{self._folder}: no room for a snapshot of {needed / 1e6:.0f} MB: a killed training would begin anew")
        else:
            before = set(self._folder.glob("state_*"))
            training.snapshot()
            # A killed one of this very iteration was written over.
            for path in before - set(self._record(training, loss, seconds)):
                path.unlink()
        self._reseed(training)

    def _record(self, training: Any, loss: float, seconds: float) -> list[Path]:
        """Puts the one that was just written on record; its files."""
        names = [f"state_iter_{training.iter}.{kind}" for kind in ("caffemodel", "solverstate")]
        check_caffemodel(self._folder / names[0], layers=len(training.net.layers))
        check_solverstate(self._folder / names[1])
        for name in names:
            files.sync(self._folder / name)
        record = {
            "iteration": training.iter,
            "loss": loss,
            "seconds": seconds,
            "identity": self._identity,
            "sha256": {name: generation.sha256(self._folder / name) for name in names},
        }
        files.write_whole(self._folder / _RECORD, json.dumps(record))
        return [self._folder / name for name in names]

    def _reseed(self, training: Any) -> None:
        # Dropout's numbers come from here; Caffe keeps no record of where they were.
        caffe.set_random_seed((self._seed + training.iter) % SEEDS)


def identity(solver: Any, net: phases.Net, *others: str) -> str:
    """Hexadecimal: different for every other solver, net and text; wherever their data and snapshots are."""
    plain = deepcopy(solver)
    for place in ("net", "snapshot_prefix"):
        plain.ClearField(place)
    parts = [str(plain), str(nowhere(net)), *others]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def read_solver(path: Path) -> Any:
    """caffe_pb2.SolverParameter."""
    return prototxt_text.read(path, caffe_pb2.SolverParameter())


def moved(net: phases.Net, batches: int) -> tuple[phases.Net, int]:
    """`net` as it goes on after so many batches of TRAIN, and how many it still has to read to be there."""
    started = phases.for_phase(net, "TRAIN")
    layer = _data(started)[0]
    if not detectnet.feeds(layer):
        return net, batches
    detectnet.start_at(layer, batches * detectnet.batch_size(layer))
    return started, 0


def skip(net: Any, batches: int) -> None:
    """Has the data of a caffe.Net, one layer or two, read so many batches: Data cannot be told where to begin."""
    reading = [number for number in range(len(net.layers)) if not len(net._bottom_ids(number))]
    for _ in range(batches):
        for number in reading:
            net._forward(number, number)


def nowhere(net: phases.Net) -> phases.Net:
    """`net` in phase TRAIN without the names of the folders that it reads from, and with hashes for those of files."""
    result = phases.for_phase(net, "TRAIN")
    for layer in result.layer:
        for parameter, field in ((layer.transform_param, "mean_file"), (layer.infogain_loss_param, "source")):
            if named := getattr(parameter, field):
                setattr(parameter, field, _hash(Path(named)))
    for layer in _data(result):
        if detectnet.feeds(layer):
            detectnet.forget_source(layer)
        for field in ("data_param", "image_data_param", "hdf5_data_param"):
            if layer.HasField(field):
                getattr(layer, field).ClearField("source")
    return result


def _hash(path: Path) -> str:
    """That of a file's bytes; "" where it cannot be read, of which Caffe tells."""
    try:
        return generation.sha256(path)
    except OSError:
        return ""


def _data(net: phases.Net) -> list[phases.Layer]:
    """The layers that feed `net`: one, or images and labels apart from each other."""
    return phases.feeding(net.layer)


def save_net(net: Any, path: Path) -> None:
    """Saves a caffe.Net as a caffemodel. OSError if it is not there to its end."""
    net.save(str(path))
    check_caffemodel(path, layers=len(net.layers))


def check_caffemodel(path: Path, layers: int) -> None:
    """OSError unless the caffemodel that Caffe saved has so many layers, the last one to its end."""
    model = _read(path, caffemodel_pb2.Model())
    if len(model.layer) != layers:
        raise _cut_off(path)


def check_solverstate(path: Path) -> None:
    """OSError unless the solverstate that Caffe saved has its last field."""
    if not _read(path, caffe_pb2.SolverState()).HasField("current_step"):
        raise _cut_off(path)


def _read(path: Path, message: Any) -> Any:
    try:
        message.ParseFromString(path.read_bytes())
    except DecodeError:
        raise _cut_off(path) from None
    return message


def _cut_off(path: Path) -> OSError:
    return OSError(errno.EIO, "cut off while it was written", str(path))
