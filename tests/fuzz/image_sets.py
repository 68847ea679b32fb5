"""Fuzzed: data sets of images with a class each, as their authors published them, and the archives they came in."""

import bz2
import gzip
import hashlib
import io
import lzma
import tarfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from evolve.datasets import lookup, published
from evolve.datasets.published import Published
from evolve.datasets.raw_file import RawFile
from tests.datasets.small_files import cifar10_batches, records, stl10_files

cifar10 = lookup.module("cifar10")
mnist = lookup.module("mnist")
stl10 = lookup.module("stl10")

NAME = Path("the file")


def idx_file(folder: Path) -> Any:
    header = b"\0\0\x08\x03" + b"".join(size.to_bytes(4, "big") for size in (5, 28, 28))
    images = header + np.random.default_rng(0).integers(0, 256, 5 * 28 * 28, dtype=np.uint8).tobytes()
    return (images,), lambda content: mnist.decode(NAME, content, 3), lambda inside: gzip.compress(inside, 1, mtime=0)


def cifar_binary(folder: Path) -> Any:
    return (records(*cifar10_batches()[0]),), lambda content: cifar10.binary(NAME, content), None


def stl_binary(folder: Path) -> Any:
    """A file is images or labels; the last byte says which of them is damaged."""
    files = stl10_files(train=1)

    def _read(content: bytes) -> object:
        held = {name: (Path(name), files[name]) for name in ("train_X.bin", "train_y.bin")}
        name = "train_y.bin" if len(content) < 64 else "train_X.bin"
        return stl10.split("train", held | {name: (Path(name), content)}, 0)

    return (files["train_X.bin"], files["train_y.bin"]), _read, None


def archive(folder: Path) -> Any:
    """A tar with two wanted files, read as CIFAR-10's and STL-10's are; packed in one of four ways."""
    rng = np.random.default_rng(0)
    sizes = {"a.bin": 900, "b.bin": 70}
    files = {name: rng.integers(0, 256, size, dtype=np.uint8).tobytes() for name, size in sizes.items()}
    wanted = tuple(RawFile(name, hashlib.md5(held).hexdigest(), len(held)) for name, held in files.items())
    form = Published(RawFile("set.tar.gz", "", 0), "set", wanted, ())
    place = folder / "raw"
    place.mkdir()

    def _read(content: bytes) -> object:
        (place / "set.tar").write_bytes(content)
        return published.contents((form,), "set", "set.tar.gz", place, print)

    return (_tar(files, tarfile.GNU_FORMAT), _tar(files, tarfile.PAX_FORMAT)), _read, _packed


def _tar(files: dict[str, bytes], form: int) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=form) as made:
        for name, content in {"much longer than a tar's own header has room for" * 3: b"", **files}.items():
            member = tarfile.TarInfo(f"set/{name}")
            member.size = len(content)
            member.pax_headers = {"comment": "x" * 40}
            made.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def _packed(inside: bytes) -> bytes:
    ways: tuple[Callable[[bytes], bytes], ...] = (gzip.compress, partial(lzma.compress, preset=0), bz2.compress, bytes)
    return ways[sum(inside[:600]) % len(ways)](inside)


FORMATS = {
    "idx": idx_file,
    "CIFAR binary batch": cifar_binary,
    "STL-10 binary": stl_binary,
    "tar, gz, xz, bz2": archive,
}
