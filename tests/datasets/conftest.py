"""A made-up MNIST of a few images, and no network: what every test of the data sets starts from."""

import gzip
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from evolve.datasets import lookup
from evolve.datasets.raw_file import RawFile

mnist = lookup.module("mnist")

REAL_DATA = os.environ.get("CAVEFISH_DATA", "")


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No raw data but the test's own, and nothing is downloaded unless the test says so."""
    monkeypatch.delenv("CAVEFISH_DATA", raising=False)
    monkeypatch.setenv("CAVEFISH_OFFLINE", "1")


@pytest.fixture
def real_files() -> Callable[[str], str]:
    """The CAVEFISH_DATA that pytest was started with; skips the test if no file of that pattern is in it."""

    def _with(pattern: str) -> str:
        if not REAL_DATA or not list(Path(REAL_DATA).rglob(pattern)):
            pytest.skip(f"no {pattern} in CAVEFISH_DATA")
        return REAL_DATA

    return _with


@pytest.fixture
def real_data(real_files: Callable[[str], str]) -> str:
    """The same with MNIST in it."""
    return real_files(mnist.FILES["train images"].name)


@pytest.fixture
def lines() -> list[str]:
    """What was reported: give ``lines.append`` as ``report``."""
    return []


def packed_idx(array: np.ndarray) -> bytes:
    """A gzipped idx file as MNIST's authors made them."""
    header = b"".join(int(size).to_bytes(4, "big") for size in (0x0800 + array.ndim, *array.shape))
    return gzip.compress(header + array.astype(np.uint8).tobytes(), mtime=0)


@pytest.fixture
def pack() -> Callable[[np.ndarray], bytes]:
    return packed_idx


@pytest.fixture
def small_mnist() -> dict[str, np.ndarray]:
    """30 and 10 images of noise, (N, 28, 28), and labels (N,)."""
    rng = np.random.default_rng(0)
    return {
        "train images": rng.integers(0, 256, (30, 28, 28), dtype=np.uint8),
        "train labels": rng.integers(0, 10, 30, dtype=np.uint8),
        "test images": rng.integers(0, 256, (10, 28, 28), dtype=np.uint8),
        "test labels": rng.integers(0, 10, 10, dtype=np.uint8),
    }


@pytest.fixture
def place(
    small_mnist: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., dict[str, bytes]]:
    """``place(folder)`` writes the made-up files there and makes their md5 the expected ones."""

    def _place(folder: Path, **instead: np.ndarray) -> dict[str, bytes]:
        folder.mkdir(parents=True, exist_ok=True)
        arrays = small_mnist | {part.replace("_", " "): array for part, array in instead.items()}
        contents = {mnist.FILES[part].name: packed_idx(array) for part, array in arrays.items()}
        for name, content in contents.items():
            (folder / name).write_bytes(content)
        expect(monkeypatch, contents)
        return contents

    return _place


def expect(monkeypatch: pytest.MonkeyPatch, contents: dict[str, bytes]) -> None:
    files = {
        part: RawFile(file.name, hashlib.md5(contents[file.name]).hexdigest(), len(contents[file.name]))
        for part, file in mnist.FILES.items()
    }
    monkeypatch.setattr(mnist, "FILES", files)
