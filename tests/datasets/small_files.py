"""CIFAR-10 and STL-10 in a few images of noise, laid out byte by byte as their authors did."""

import hashlib
import io
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from evolve.datasets.published import Published
from evolve.datasets.raw_file import RawFile


def cifar10_batches(images_each: int = 4) -> list[tuple[np.ndarray, np.ndarray]]:
    """Five batches to train and one to test: images (N, 3, 32, 32), labels (N,)."""
    rng = np.random.default_rng(0)
    return [
        (rng.integers(0, 256, (images_each, 3, 32, 32), dtype=np.uint8), rng.integers(0, 10, images_each))
        for _ in range(6)
    ]


def pickled(images: np.ndarray, labels: np.ndarray) -> bytes:
    """A Python batch as Python 2 pickled it, which Python 3 no longer can: opcode by opcode, protocol 2."""
    rows = images.reshape(len(images), int(np.prod(images.shape[1:])))
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n" + _integer(0) + b"\x85" + _string(b"b") + b"\x87R"
        b"(" + _integer(1) + b"".join(map(_integer, rows.shape)) + b"\x86" + _dtype(rows.dtype)
        + b"\x89" + _string(rows.tobytes()) + b"tb"
    )  # fmt: skip
    listed = b"](" + b"".join(_integer(int(label)) for label in labels) + b"e"
    return b"\x80\x02}(" + _string(b"data") + array + _string(b"labels") + listed + b"u."


def _dtype(dtype: np.dtype) -> bytes:
    built = b"cnumpy\ndtype\n" + _string(dtype.str[1:].encode()) + _integer(0) + _integer(1) + b"\x87R"
    order = _string(dtype.str[:1].encode())
    return built + b"(" + _integer(3) + order + b"NNN" + _integer(-1) * 2 + _integer(0) + b"tb"


def _string(content: bytes) -> bytes:
    return b"T" + len(content).to_bytes(4, "little") + content  # BINSTRING


def _integer(value: int) -> bytes:
    return b"J" + value.to_bytes(4, "little", signed=True)  # BININT


def records(images: np.ndarray, labels: np.ndarray) -> bytes:
    """A binary batch: label, red rows, green rows, blue rows, image after image."""
    return b"".join(bytes([label]) + image.tobytes() for image, label in zip(images, labels, strict=True))


def stl10_files(train: int = 6, test: int = 4) -> dict[str, bytes]:
    """The four files of noise: labels from 1, channels one after the other, each by columns."""
    rng = np.random.default_rng(0)
    files = {}
    for name, count in (("train", train), ("test", test)):
        files[f"{name}_X.bin"] = rng.integers(0, 256, count * 3 * 96 * 96, dtype=np.uint8).tobytes()
        files[f"{name}_y.bin"] = rng.integers(1, 11, count, dtype=np.uint8).tobytes()
    return files


def expecting(form: Published, files: dict[str, bytes]) -> Published:
    """``form`` whose files' md5 and sizes are those of ``files``."""
    made = (RawFile(name, hashlib.md5(content).hexdigest(), len(content)) for name, content in files.items())
    return replace(form, files=tuple(made))


def unpack(folder: Path, files: dict[str, bytes]) -> None:
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def pack(path: Path, folder: str, files: dict[str, bytes], compression: str = "gz") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, f"w:{compression}") as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
