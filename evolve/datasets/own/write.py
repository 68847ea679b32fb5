"""Every split is stored or counted picture by picture: Datums, census, contact sheet and mean come out of one pass."""

import hashlib
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evolve.base.errors import UserError
from evolve.base.files import write_whole
from evolve.base.progress import Report, counting
from evolve.datasets.dataset import CENSUS, LMDB
from evolve.datasets.image_form import Form
from evolve.datasets.lmdb_write import Store, space
from evolve.datasets.own import mean_image, picture_fit, stream
from evolve.datasets.own.class_census import ClassCensus, SplitCensus, Tally, in_order
from evolve.datasets.own.contact_sheet import ContactSheet
from evolve.datasets.own.copies import Copies
from evolve.datasets.own.database import Database
from evolve.datasets.own.pictures import SHOWN, Listing, Pictures, raise_all
from evolve.datasets.own.stream import Made, Shape
from evolve.datasets.own.wish import Wish


@dataclass(frozen=True)
class Part:
    """A split: which rows of the pictures, in the order in which they are stored."""

    pictures: Pictures
    rows: NDArray[np.int64]


@dataclass(frozen=True)
class Written:
    """How many pictures of each split were stored, and the sha256 of their keys, labels and pixels' sha256s."""

    counts: dict[str, int]
    sha256: str


class _Writing:
    """What is gathered over all splits."""

    def __init__(self, shape: Shape, listing: Listing, counts: list[int], red_first: bool) -> None:
        self.content = hashlib.sha256()
        self.sum = np.zeros((shape[1], shape[2], shape[0]))
        self.sheet = ContactSheet(counts, red_first)
        self.census: dict[str, SplitCensus] = {}
        self.unreadable: list[str] = []
        self.copies = Copies()
        self.names = listing.class_names
        self.as_it_is = _as_it_is(listing, shape)


def stored_bytes(listing: Listing, parts: dict[str, Part], shape: Shape) -> int:
    """Bytes that the parts take where they are stored."""
    same = _as_it_is(listing, shape)
    return sum(space(record_bytes(part.pictures, shape, same), len(part.rows)) for part in parts.values())


def record_bytes(pictures: Pictures, shape: Shape, as_it_is: bool) -> int:
    """Bytes of a stored picture at most."""
    return pictures.scan.largest if as_it_is and isinstance(pictures, Database) else int(np.prod(shape))


def _as_it_is(listing: Listing, shape: Shape) -> bool:
    """Whether records of databases are what Caffe is to read, floats and any channels among them."""
    return bool(listing.databases) and shape == listing.shape


def write(
    folder: Path, parts: dict[str, Part], shape: Shape, wish: Wish, listing: Listing, linked: bool, report: Report
) -> Written:
    """Stores every split in ``folder``, or links its database there; census, contact sheet and mean beside them.

    UserError naming every picture that cannot be read, unless they are to be left out.
    """
    train = parts["train"]
    counts = np.bincount(train.pictures.labels[train.rows], minlength=len(listing.class_names)).tolist()
    writing = _Writing(shape, listing, counts, wish.red_first)
    for split, part in parts.items():
        _split(folder / split, split, part, shape, wish, writing, linked, report)
    _check_read(writing, wish, folder)
    images = {split: each.images for split, each in writing.census.items()}
    mean_image.write(folder, writing.sum.transpose(2, 0, 1) / images["train"])
    writing.sheet.write(folder, listing.class_names)
    copies, torn = writing.copies.found(listing.class_names)
    found = ClassCensus(
        writing.census, copies, torn, writing.unreadable,
        in_order=linked and in_order(train.pictures.labels), passed_over=list(listing.passed_over),
    )  # fmt: skip
    write_whole(folder / CENSUS, found.text())
    return Written(images, writing.content.hexdigest())


def _split(
    folder: Path, split: str, part: Part, shape: Shape, wish: Wish, writing: _Writing, linked: bool, report: Report
) -> None:
    pictures, total = part.pictures, len(part.rows)
    form = Form(grey=shape[0] == 1, levels=wish.levels, least=picture_fit.least((shape[2], shape[1]), wish.fit))
    tally = Tally(len(writing.names), shape[0])
    writing.copies.begin(split, pictures)
    largest = record_bytes(pictures, shape, writing.as_it_is)
    make: Callable[[int], Made]
    with ExitStack() as held:
        done = held.enter_context(counting(f"{split} images", total, report))
        if linked:
            assert isinstance(pictures, Database)
            folder.mkdir()
            (folder / LMDB).symlink_to((pictures.folder / LMDB).resolve())
            store, make = None, pictures.as_it_is
        else:
            store = held.enter_context(Store(folder, space(largest, total)))
            make = stream.stored(pictures, shape, wish.fit, form, wish.red_first)
            if writing.as_it_is and isinstance(pictures, Database):
                make = pictures.as_it_is
        for count, (number, made) in enumerate(stream.each(part.rows, make, largest), 1):
            done(count)
            if isinstance(made, UserError):
                writing.unreadable.append(str(made))
            elif wish.leave_out_unreadable or not writing.unreadable:
                _keep(made, split, pictures, number, tally, writing, store)
    if tally.any:
        writing.census[split] = tally.census()


def _keep(
    made: Made, split: str, pictures: Pictures, number: int, tally: Tally, writing: _Writing, store: Store | None
) -> None:
    label = int(pictures.labels[number])
    key = store.put(made.value) if store else made.key
    writing.content.update(b"%s %d %s" % (key, label, made.digest))
    tally.add(label, made)
    writing.copies.add(number, made.digest)
    if split == "train":
        import cv2

        cv2.accumulate(made.pixels, writing.sum)
        writing.sheet.add(label, made.pixels)


def _check_read(writing: _Writing, wish: Wish, folder: Path) -> None:
    found = sorted(writing.unreadable)
    if found and not wish.leave_out_unreadable:
        these, them = ("this image", "it") if len(found) == 1 else (f"these {len(found)} images", "them")
        advice = f"replace or remove {these}, or leave {them} out by SET='dataset.leave_out_unreadable=true'"
        if len(found) > SHOWN:
            name = folder.name.split(".unfinished")[0].lstrip(".")
            file = folder.with_name(f"{name}.unreadable.txt")
            write_whole(file, "".join(f"{each}\n" for each in found))
            advice += f"; {file} names all"
        raise_all(found, advice)
    if missing := {"train", "test"} - set(writing.census):
        raise UserError(f"expected images of {' and '.join(sorted(missing))} that can be read, got none; bring some")
