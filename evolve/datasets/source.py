"""A data set of images with a class each, as its own file gives it: its title, and how to load its samples."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from evolve.base.progress import Report

SHARED = 1  # the seed in whose order all seeds have a data set that they share


@dataclass(frozen=True)
class Split:
    """One split: ``images`` (N, C, H, W) uint8 of 0..255, ``labels`` (N,) integers from 0.

    ``margin`` zeros are added on each of the four sides as the split is written, a few thousand images at a
    time, so that a large image_size does not need the memory for all of them at once.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    margin: int = 0

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width) as stored, margins included."""
        _, channels, height, width = self.images.shape
        return channels, height + 2 * self.margin, width + 2 * self.margin


@dataclass(frozen=True)
class Samples:
    """A whole data set in memory, both splits in their original order, labels below ``classes``."""

    train: Split
    test: Split
    classes: int


class Load(Protocol):
    """Loads the samples; ``raw`` is the project's own folder of raw files (data/raw).

    Raises UserError for what the user must mend (a wrong file, an impossible size) and Unavailable if the
    raw data is nowhere to be had, so that another data set may stand in.
    """

    def __call__(self, *, image_size: int, seed: int, raw: Path, report: Report) -> Samples: ...


@dataclass(frozen=True)
class Source:
    """What a data set's file defines as SOURCE; ``title`` is how a message to the user calls it.

    ``colours`` is the order of an image's channels where there are three: RGB, or BGR as OpenCV has it. ``shared`` says
    that `load` gives the same for every seed, so that all seeds read one copy, in one order.
    """

    title: str
    channels: int  # of an image
    load: Load
    classes: int = 0  # 0: known once it is loaded
    colours: str = "RGB"
    shared: bool = False


class Unavailable(Exception):
    """The raw data is neither on this machine nor downloadable: ``reason`` in short, the message in full."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason
