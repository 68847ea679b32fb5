"""The cache is an engine on disk with its key beside it: what it was built from and for, and its own hash.

``gen013.half.engine`` is TensorRT's file, ``gen013.half.engine.json`` says whether it may be loaded: only if its key
is the wanted one and its hash is the file's. Either is written whole, the engine first: whatever stops the writing
between the two leaves a hash that does not fit, and the engine is built again.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from evolve.base import files
from evolve.base.errors import UserError
from trt.tensorrt.builder import Built

Key = dict[str, str]  # what it is -> its hash or its name

_WHY = {  # part of a key -> what it means that it differs
    "prototxt": "the prototxt changed",
    "caffemodel": "the caffemodel changed",
    "onnx": "it is translated differently",
    "precision": "it is of another precision",
    "inputs": "the range report has other inputs",
    "calibration": "its calibration is another",
    "wide": "other layers are wanted in 32 bits",
    "tensorrt": "it is of another TensorRT",
    "gpu": "it is for another GPU",
}


@dataclass(frozen=True)
class Record:
    """What the .json beside an engine says."""

    key: Key
    sha256: str
    bytes: int
    layers: int  # of TensorRT's network
    seconds: float  # that parsing and building took
    in_32_bits: list[str]  # layers of a half precision engine that are not
    ranges: str  # the range report's first line


def record_of(engine: Path) -> Path:
    """Where an engine's record lies."""
    return engine.with_name(engine.name + ".json")


def found(engine: Path, key: Key) -> tuple[Record | None, str]:
    """The record of an engine that is whole and has this key; else None, and why it is to be built again.

    The reason is empty where there never was one.
    """
    try:
        data = engine.read_bytes()
    except FileNotFoundError:
        return None, ""
    except OSError as error:
        raise UserError(f"{engine}: expected an engine, or nothing, got {error.strerror}; name another OUT=") from None
    try:
        record = Record(**json.loads(record_of(engine).read_text(encoding="utf-8")))
        different = [name for name in {**key, **record.key} if record.key.get(name) != key.get(name)]
    except (OSError, ValueError, TypeError, AttributeError):
        return None, "it is not one of ours, or its record is damaged"
    if len(data) != record.bytes:
        return None, f"it has {len(data):,} bytes, expected {record.bytes:,}"
    if hashlib.sha256(data).hexdigest() != record.sha256:
        return None, "its bytes are not those that were written"
    if different:
        return None, _WHY.get(different[0], f"the builder's setting '{different[0]}' changed")
    return record, ""


def keep(engine: Path, key: Key, built: Built, in_32_bits: list[str], ranges: str) -> Record:
    """Writes the engine and its record, and returns that. UserError where they cannot be written."""
    digest = hashlib.sha256(built.data).hexdigest()
    seconds = round(built.seconds, 3)
    record = Record(key, digest, len(built.data), built.layers, seconds, in_32_bits, ranges)
    words = json.dumps(asdict(record), indent=1) + "\n"
    for path, content in ((engine, built.data), (record_of(engine), words)):
        with files.named_by_out(path):
            files.write_whole(path, content)
    return record


def digest_of(*contents: bytes) -> str:
    """One hash of several contents, lengths included."""
    sums = hashlib.sha256()
    for content in contents:
        sums.update(f"{len(content)}:".encode() + content)
    return sums.hexdigest()
