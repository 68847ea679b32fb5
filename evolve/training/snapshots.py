"""The newest state of a training, so that a long one that was killed goes on where it was. Runs in the worker.

A training with snapshots is cut at fixed iterations, and Caffe's random numbers begin anew at each: whether it was
killed in between or not, the same bytes come out.
"""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import caffe

from datasets.disk import sync_file
from evolve import generation
from evolve.network import prototxt, text
from evolve.network.caffe_proto import caffe_pb2
from evolve.training import data_position, saving

_RECORD = "newest.json"
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
        try:
            record = json.loads((self._folder / _RECORD).read_text())
            whole = all(generation.sha256(self._folder / name) == digest for name, digest in record["sha256"].items())
            return int(record["iteration"]) if whole and record["identity"] == self._identity else 0
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return 0

    def restore(self, training: Any) -> None:
        """Takes `training` to the newest one."""
        iteration = self.newest()
        if iteration:
            training.restore(f"{self.prefix}_iter_{iteration}.solverstate")
            self._reseed(training)

    def limit(self, iteration: int) -> int:
        """The iteration at which the next one is due."""
        return (iteration // self.every + 1) * self.every

    def save(self, training: Any, say: Callable[[str], None]) -> None:
        """Writes one if it is due, and at the end; the one before goes. Left out, and said so, on a full disk."""
        if not self.every or training.iter % self.every and training.iter < training.param.max_iter:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        needed = _SPACE * sum(4 * blob.count for blobs in training.net.params.values() for blob in blobs)
        if shutil.disk_usage(self._folder).free < needed:
            say(f"{self._folder}: no room for a snapshot of {needed / 1e6:.0f} MB: a killed training would begin anew")
        else:
            before = [path for path in self._folder.glob("state_*")]
            training.snapshot()
            self._record(training)
            for path in before:
                path.unlink()
        self._reseed(training)

    def _record(self, training: Any) -> None:
        names = [f"state_iter_{training.iter}.{kind}" for kind in ("caffemodel", "solverstate")]
        saving.check(self._folder / names[0], layers=len(training.net.layers))
        saving.check_state(self._folder / names[1])
        for name in names:
            sync_file(self._folder / name)
        record = {
            "iteration": training.iter,
            "identity": self._identity,
            "sha256": {name: generation.sha256(self._folder / name) for name in names},
        }
        generation.write_whole(self._folder / _RECORD, json.dumps(record))

    def _reseed(self, training: Any) -> None:
        # Dropout's numbers come from here; Caffe keeps no record of where they were.
        caffe.set_random_seed(self._seed + training.iter)


def identity(solver: Any, net: prototxt.Net, *others: str) -> str:
    """Hexadecimal: different for every other solver, net and text; wherever their data and snapshots are."""
    plain = caffe_pb2.SolverParameter()
    plain.CopyFrom(solver)
    for place in ("net", "snapshot_prefix"):
        plain.ClearField(place)
    parts = [str(plain), str(data_position.nowhere(net)), *others]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def read_solver(path: Path) -> Any:
    """caffe_pb2.SolverParameter."""
    return text.read(path, caffe_pb2.SolverParameter())
