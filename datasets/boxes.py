"""What a detection data set's own file gives: photographs, each a file still to be read, and the boxes in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SPLITS = ("train", "val", "test")  # in this order; a set may have no test


@dataclass(frozen=True)
class Box:
    """One object: ``x``, ``y`` its left and top edge, ``w`` x ``h`` its size, in pixels of the photograph's file.

    Pixel 0 reaches from 0 to 1: a box around that pixel alone is (0, 0, 1, 1). ``where`` is how a message finds it
    (file and line, or row). The rest is KITTI's: angles in radians, sizes and place in metres, 0 where not known.
    """

    x: float
    y: float
    w: float
    h: float
    name: str  # of its class, as the annotations spell it
    where: str
    alpha: float = 0
    scenario: float = 0
    roty: float = 0
    truncated: float = 0
    occlusion: float = 0
    length: float = 0
    width: float = 0
    height: float = 0
    locx: float = 0
    locy: float = 0
    locz: float = 0


@dataclass(frozen=True)
class Photo:
    """An image file and its boxes; ``size`` is (width, height) where the annotations say it, to be compared."""

    file: Path
    boxes: Sequence[Box]
    where: str  # what names this file, for a message
    size: tuple[int, int] | None = None


Photos = Mapping[str, Sequence[Photo]]  # by split
