"""What Caffe saves is looked at before it is relied on: its own writer does not notice what is lost as a file closes.

A full or failing disk can cut the end off a file without a word from Caffe. Runs in the worker.
"""

import errno
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError

from evolve.base.caffe_messages import caffe_pb2
from evolve.proto import caffemodel_pb2


def save(net: Any, path: Path) -> None:
    """Saves a caffe.Net as a caffemodel. OSError if it is not there to its end."""
    net.save(str(path))
    check(path, layers=len(net.layers))


def check(path: Path, layers: int) -> None:
    """OSError unless the caffemodel that Caffe saved has so many layers, the last one to its end."""
    model = _read(path, caffemodel_pb2.Model())
    if len(model.layer) != layers:
        raise _cut_off(path)


def check_state(path: Path) -> None:
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
