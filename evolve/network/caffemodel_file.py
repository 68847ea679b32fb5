"""A caffemodel's file becomes Caffe's message; a file of another kind is told what it is."""

import string
from pathlib import Path

from google.protobuf.message import DecodeError

from evolve.base.counted import counted
from evolve.base.errors import UserError
from evolve.proto import caffemodel_pb2

_SAVE = "load it where it is from, and save it as Caffe's own"
# What begins like this is no caffemodel.
_OTHERS = {
    b"\x89HDF": f"an HDF5 file; {_SAVE} (snapshot_format: BINARYPROTO)",
    b"PK\x03\x04": f"a zip archive, as PyTorch writes; {_SAVE}",
    b"\x1f\x8b": "a gzip file; unpack it",
}


def parsed(path: Path) -> caffemodel_pb2.Model:
    """The message in a file. UserError for one that is missing, cut off or no caffemodel."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; expected a trained caffemodel") from None
    except OSError as error:
        raise UserError(f"{path}: expected a caffemodel, got {error.strerror}; name another file") from None
    if path.suffix == ".solverstate":
        raise UserError(f"{path}: expected a caffemodel, got a solver's state; name the .caffemodel beside it")
    try:
        return caffemodel_pb2.Model.FromString(content)
    except DecodeError:
        raise UserError(f"{path}: expected a caffemodel, got {_other(content)}") from None


def _other(content: bytes) -> str:
    """What it is, and what to do."""
    for beginning, told in _OTHERS.items():
        if content.startswith(beginning):
            return told
    if _is_text(content):
        return "a text; name the file that Caffe saved"
    got = counted(len(content), "byte that is none, or is", "bytes that are none, or are")
    return f"{got} cut off; copy it anew"


def _is_text(content: bytes) -> bool:
    """As a prototxt is, or a page that came in a file's place; a newline begins a net's name in a caffemodel."""
    return not content.startswith(b"\n") and not content[:1000].translate(None, string.printable.encode())
