"""Small nets for real Caffe, which each test runs in a process of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from evolve.datasets import Split
from evolve.datasets.image_write import write
from evolve.training.caffe_process import CaffeProcess


@pytest.fixture
def caffe(tmp_path: Path) -> Iterator[CaffeProcess]:
    """A Caffe at work in the test's own folder; its errors name lines of net.prototxt there."""
    with CaffeProcess(tmp_path, tmp_path / "log", tmp_path / "net.prototxt") as process:
        yield process


@pytest.fixture
def store() -> Callable[[Path, np.ndarray, np.ndarray], None]:
    """``store(folder, images, labels)`` writes an LMDB as datasets/ does."""

    def _store(folder: Path, images: np.ndarray, labels: np.ndarray) -> None:
        write(folder, Split(images, labels), np.arange(len(images)), lambda stored: None)

    return _store
