"""A data set of images with boxes: what its own file offers, and what the user may want of it.

What it offers are photographs, each a file still to be read, and the boxes in it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Protocol

from evolve.base.errors import UserError
from evolve.base.progress import Report

SPLITS = ("train", "val", "test")  # in this order; a set may have no test


@dataclass(frozen=True)
class Box:
    """One object: ``x``, ``y`` its left and top edge, ``w`` x ``h`` its size, in pixels of the photograph's file.

    Pixel 0 reaches from 0 to 1: a box around that pixel alone is (0, 0, 1, 1). ``where`` is how a message finds it
    (file and line, or row). ``difficult`` ones count neither way, as in Pascal VOC. The rest is KITTI's: angles in
    radians, sizes and place in metres, 0 where not known.
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
    difficult: bool = False


@dataclass(frozen=True)
class Photo:
    """An image file and its boxes; ``size`` is (width, height) where the annotations say it, to be compared.

    Boxes may be ``relative``: in fractions of the image's width and height instead of pixels.
    """

    file: Path
    boxes: Sequence[Box]
    where: str  # what names this file, for a message
    size: tuple[int, int] | None = None
    relative: bool = False


Photos = Mapping[str, Sequence[Photo]]  # by split


FITS = ("resize", "letterbox", "pad")
ORIENTATIONS = ("ask", "turn", "leave")
_AN = {"fit": "a fit", "orientation": "an orientation"}
# What not every data set knows.
ONLY_SOME = frozenset({"folder", "validation_part", "split_seed", "frames", "frame_width", "frame_height"})


@dataclass(frozen=True)
class Detection:
    """How images and labels are to be stored.

    ``width`` x ``height`` pixels, reached by ``fit`` (see ``fitting``). ``classes`` are ids 1, 2 ... in this order
    and ``dontcare`` the names that become id 0; both empty: as the data set has them. ``max_boxes`` rows a label
    (0: as many as the fullest image needs). A box with a side below ``smallest`` stored pixels becomes dontcare.
    ``stride`` is the pixels of a cell of the network's grid, in which the census counts sizes. ``levels`` are the
    values of grey images with more than 8 bits that become 0 and 255; (): each image's own darkest and brightest.
    ``orientation`` says whether an image that EXIF turns is turned where its annotations do not tell on which side the
    boxes were drawn: "ask" refuses it. ``folder`` is for sets of the user's own; of these, what nobody split has
    ``validation_part`` of its images as val, drawn by ``split_seed``. ``frames``, ``frame_width`` and ``frame_height``
    are for drawn ones.
    """

    width: int
    height: int
    fit: str = "resize"
    classes: tuple[str, ...] = ()
    dontcare: tuple[str, ...] = ()
    max_boxes: int = 0
    smallest: int = 0
    stride: int = 16
    levels: tuple[float, ...] = ()
    orientation: str = "ask"
    folder: str = ""
    validation_part: float = 0
    split_seed: int = 0
    frames: int = 0
    frame_width: int = 0
    frame_height: int = 0


class Find(Protocol):
    """The folder that holds the raw data now; None if there is none."""

    def __call__(self, *, wanted: Detection, seed: int, raw: Path) -> Path | None: ...


class LoadPhotos(Protocol):
    """Every photograph with its boxes, by split; UserError for annotations that are wrong, Unavailable for none."""

    def __call__(self, *, wanted: Detection, seed: int, raw: Path, report: Report) -> Photos: ...


@dataclass(frozen=True)
class DetectionSource:
    """What a detection data set's file defines as SOURCE.

    ``state`` is a short text that differs as soon as the annotations in a folder do. ``uses`` names the fields of
    Detection that only some data sets know. ``notice`` is what is said wherever the set is used. ``kitti_size`` is
    (width, height) of most photographs where boxes have KITTI's truncation and occlusion: its difficulties are scored.
    ``has_no_others`` says that there are no other classes than ``classes``, ``shared`` that `load` gives the same for
    every seed, so that all seeds read one copy, in one order. ``no_object`` are names that the form itself has for what
    is no object: dontcare, whatever a user's list of these says.
    """

    title: str
    classes: tuple[str, ...]  # () if only the user can know
    dontcare: tuple[str, ...]
    find: Find
    state: Callable[[Path], str]
    load: LoadPhotos
    uses: frozenset[str] = frozenset()
    notice: str = ""
    channels: int = 3
    has_no_others: bool = False
    kitti_size: tuple[int, int] | None = None
    shared: bool = False
    no_object: tuple[str, ...] = ()


def checked(name: str, wanted: Detection, source: DetectionSource) -> Detection:
    """``wanted`` with the source's classes where it names none; UserError for what cannot be."""
    where = f"data set '{name}'"
    _check_sides(where, wanted)
    for what, known in (("fit", FITS), ("orientation", ORIENTATIONS)):
        if (got := getattr(wanted, what)) not in known:
            raise UserError(f"{where}: expected {_AN[what]} of {', '.join(known)}, got '{got}'; choose one of these")
    if wanted.levels and not (len(wanted.levels) == 2 and wanted.levels[0] < wanted.levels[1]):
        got = ", ".join(f"{each:g}" for each in wanted.levels)
        raise UserError(f"{where}: expected two levels, the darker one first, got {got}; correct them")
    for field in fields(wanted):
        value = getattr(wanted, field.name)
        if isinstance(value, int | float) and value < 0:
            raise UserError(f"{where}: expected a {field.name} of 0 or more, got {value}; choose another")
        if field.name in ONLY_SOME - source.uses and value:
            raise UserError(f"{where}: expected no {field.name}, got {value}; leave it out")
    return _with_classes(where, wanted, source)


def _check_sides(where: str, wanted: Detection) -> None:
    cell = wanted.stride
    if cell < 1:
        raise UserError(f"{where}: expected a stride of 1 or more pixels, got {cell}; DetectNet's is 16")
    for side in ("width", "height"):
        pixels = getattr(wanted, side)
        if pixels < cell or pixels % cell:
            near = max(cell, round(pixels / cell) * cell)
            raise UserError(f"{where}: expected a {side} that is a multiple of {cell}, got {pixels}; {near} would do")


def _with_classes(where: str, wanted: Detection, source: DetectionSource) -> Detection:
    classes = wanted.classes or source.classes
    if not classes:
        raise UserError(f"{where}: expected a list of classes, got none; name them as the files spell them")
    # What the data set itself knows of, and nobody asked for, is not to be learnt, nor to be punished.
    rest = [known for known in dict.fromkeys((*source.dontcare, *source.classes)) if known not in classes]
    dontcare = wanted.dontcare or tuple(rest)
    dontcare += tuple(name for name in source.no_object if name not in (*classes, *dontcare))
    every = [*classes, *dontcare]
    for each in every:
        if every.count(each) > 1:
            raise UserError(f"{where}: expected every class once, got '{each}' {every.count(each)} times; leave one")
    settings = {field.name: getattr(wanted, field.name) for field in fields(wanted)}
    return Detection(**(settings | {"classes": classes, "dontcare": dontcare}))
