"""A finished data set is a folder whose DONE.json verifies; anything else is no data set."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from evolve.base import records
from evolve.base.files import write_whole

DONE = "DONE.json"
LMDB = "data.mdb"  # of each split's folder, or of both that a split with boxes has
CENSUS = "census.json"  # what is in it, counted
LABELS = "labels.txt"  # names of the classes, a line each, where they are known
AGAIN = "make the data again"  # what is to be done where it is not as it was made
FORMAT = 1  # of what is stored; one more, and older folders are made anew


@dataclass(frozen=True)
class Dataset:
    """A data set that Caffe can read: ``folder`` is absolute and holds a folder for each of its splits.

    Images and their classes: train/, test/ and perhaps validation/, each an LMDB, and ``class_names`` of the labels
    0, 1 ... where they are known. Images and boxes: train/, val/ and perhaps test/, each with the LMDBs images/ and
    labels/ of the same keys, and ``class_names`` of the ids 1, 2 ... (``classes`` of them).

    ``shape`` is (channels, height, width) as stored, ``counts`` the images of each split, ``sha256`` that of the keys
    and values, split by split, in their order (of one's own images: of keys, labels and the pixels' sha256s). ``title``
    is what tells it from others of its name, where that is what many are called. ``origin`` is "" or the state of the
    files that it was made from. ``notice`` is "" or what the user must know. ``margin`` zeros stand on each side of an
    image (None: not known), among its height and width; ``colours``, RGB or BGR, are the order of its channels.
    ``is_own`` if a file of the user's own loads it, which may be called as one that comes along. ``shared`` if runs of
    all seeds read this one copy.
    """

    name: str
    folder: Path
    shape: tuple[int, int, int]
    counts: dict[str, int]
    classes: int
    sha256: str
    class_names: tuple[str, ...] = ()
    origin: str = ""
    title: str = ""
    notice: str = ""
    margin: int | None = None
    colours: str = ""
    is_own: bool = False
    shared: bool = False

    @property
    def called(self) -> str:
        """Its name for whoever reads what was measured on it."""
        return f"{self.title} ({self.name})" if self.title else self.name

    @property
    def has_boxes(self) -> bool:
        """Whether it is for detection."""
        return "val" in self.counts


@dataclass(frozen=True)
class _Done:
    """What DONE.json has, with its ``files``: the bytes of each.

    ``linked`` says of those that lie elsewhere, where others may write them, when each was last changed, in ns.
    """

    format: int
    name: str
    shape: list[int]
    counts: dict[str, int]
    classes: int
    sha256: str
    files: dict[str, int]
    class_names: list[str] = field(default_factory=list)
    origin: str = ""
    margin: int | None = None
    colours: str = ""
    title: str = ""
    is_own: bool = False
    linked: dict[str, int] | None = None


def write_done(folder: Path, dataset: Dataset) -> None:
    """Writes DONE.json into ``folder``, the last thing that is written; returns when it is on the disk."""
    record = asdict(dataset)
    del record["folder"], record["notice"], record["shared"]  # where it lies, and what each call of prepare says anew
    done, linked = folder / DONE, _linked(folder)
    known = {"format": FORMAT, **record, "files": _sizes(folder)} | ({"linked": linked} if linked else {})
    write_whole(done, json.dumps(known, indent=2) + "\n")


def finished(folder: Path, name: str = "") -> Dataset | None:
    """The data set in ``folder``, ``name`` or any; None if there is none, or it is not as DONE.json says.

    Sizes are compared, not content: this is done at every start of everything, and must cost nothing.
    """
    try:
        done = records.read(_Done, json.loads((folder / DONE).read_text()))
        channels, height, width = done.shape
        if (done.format, done.name, done.files) != (FORMAT, name or done.name, _sizes(folder)):
            return None
        # Earlier versions did not say.
        if done.linked is not None and done.linked != _linked(folder):
            return None
    except (OSError, ValueError):
        return None
    shape, class_names = (channels, height, width), tuple(done.class_names)
    return Dataset(
        done.name, folder, shape, done.counts, done.classes, done.sha256, class_names, done.origin, done.title,
        margin=done.margin, colours=done.colours, is_own=done.is_own,
    )  # fmt: skip


def _linked(folder: Path) -> dict[str, int]:
    """When each LMDB that lies elsewhere was last changed."""
    files = [path for path in folder.rglob(LMDB) if path.is_symlink()]
    return {path.relative_to(folder).as_posix(): path.stat().st_mtime_ns for path in files}


def _sizes(folder: Path) -> dict[str, int]:
    """Bytes of each LMDB in ``folder``, and of what else a data set keeps there."""
    files = [*folder.rglob(LMDB), *folder.glob(CENSUS)]
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in files}
