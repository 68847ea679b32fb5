"""Databases that others made, convert_imageset or DIGITS: LMDBs of Caffe's Datum, encoded ones too, as they are.

Where every record is as Caffe without OpenCV reads it, and all have one shape, nothing is copied.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from evolve.base.counted import counted
from evolve.base.errors import UserError
from evolve.base.progress import Report, counting
from evolve.datasets import image_file, lmdb_pages
from evolve.datasets.dataset import LMDB
from evolve.datasets.image_form import Facts, Form
from evolve.datasets.lmdb_read import opened, whole
from evolve.datasets.own import lists
from evolve.datasets.own.class_folders import split_of
from evolve.datasets.own.pictures import Listing, shown, state_of
from evolve.datasets.own.stream import Made, Shape, made
from evolve.datasets.own.wish import Wish

_WHERE = 'dataset { name: "lmdb" train: "train_lmdb" test: "test_lmdb" }'
_ADVICE = "make the database again"
_KEPT = 4
_CIFARS_SHAPE, _CIFARS_KEY = (3, 32, 32), re.compile(rb"\d{5}")  # convert_imageset's keys have a file's name


@dataclass(frozen=True)
class _Scan:
    """Every record's key, label and content's digest, and the ``shapes`` that there are.

    ``plain``: none is encoded. ``largest`` is the longest record's bytes.
    """

    keys: list[bytes]
    labels: NDArray[np.int64]
    digests: list[bytes]
    shapes: frozenset[Shape]
    plain: bool
    largest: int

    @property
    def shape(self) -> Shape | None:
        """That of all; None where they have several."""
        return next(iter(self.shapes)) if len(self.shapes) == 1 else None


class _Open:
    """An environment, closed once nobody has it any more."""

    def __init__(self, environment: Any) -> None:
        self.environment = environment


_OPEN: "WeakValueDictionary[tuple[Path, str], _Open]" = WeakValueDictionary()
_SCANNED: dict[tuple[Path, str], _Scan] = {}  # the last few, so that a check and what follows it look through them once


class Database:
    """The pictures in an LMDB."""

    def __init__(self, folder: Path, report: Report, red_first: bool = False) -> None:
        self.folder, self._red_first = folder, red_first
        state = state_of([str(folder / LMDB)])
        self._open = _held(folder, state)
        self.scan = _scanned(self._open, folder, state, report)
        self.labels = self.scan.labels

    def name(self, number: int) -> str:
        return _name(self.folder, self.scan.keys[number])

    def read(self, number: int, wanted: Form) -> tuple[NDArray[np.uint8], Facts]:
        datum, where = self._datum(number)[1], self.name(number)
        if datum.encoded:
            return image_file.decoded_with_facts(datum.data, where, wanted, _ADVICE)
        pixels = _pixels(datum, where)
        if pixels.dtype != np.uint8 or pixels.shape[2] not in (1, 3):
            got = f"{counted(pixels.shape[2], 'channel')} of {pixels.dtype}"
            raise UserError(f"{where}: expected 1 or 3 channels of bytes to store anew, got {got}; {_ADVICE}")
        facts = Facts(pixels.shape[1], pixels.shape[0], pixels.shape[2] == 1, deep=False)
        if self._red_first:
            pixels = np.ascontiguousarray(pixels[:, :, ::-1])
        if facts.grey != wanted.grey:
            import cv2

            how = cv2.COLOR_BGR2GRAY if wanted.grey else cv2.COLOR_GRAY2BGR
            return np.asarray(cv2.cvtColor(pixels, how), np.uint8), facts
        return pixels[:, :, 0] if wanted.grey else pixels, facts

    def alike(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        first: dict[bytes, int] = {}
        return np.array([first.setdefault(self.scan.digests[number], number) for number in numbers], np.int64)

    def as_it_is(self, number: int) -> Made:
        """A record, and what is counted of it."""
        value, datum = self._datum(number)
        pixels = _pixels(datum, self.name(number))
        height, width, channels = pixels.shape
        return made(self.scan.keys[number], value, pixels, Facts(width, height, channels == 1, deep=False))

    def _datum(self, number: int) -> tuple[bytes, Any]:
        key = self.scan.keys[number]
        with whole(self.folder), self._open.environment.begin() as transaction:
            value = bytes(transaction.get(key) or b"")
        return value, _parsed(value, self.folder, key)


def first_shape(folder: Path) -> Shape:
    """(channels, height, width) of a database's first image, an encoded one's once it is decoded. UserError."""
    held = _held(folder, state_of([str(folder / LMDB)]))
    with whole(folder), held.environment.begin() as transaction:
        key, value = next(iter(transaction.cursor()))
        return _shape(_parsed(bytes(value), folder, key), _name(folder, key))


def listed(wish: Wish, report: Report) -> Listing:
    """What the databases hold: every record is read for it. UserError for what is none, or cannot be trained on."""
    databases = {split: Database(folder, report, wish.red_first) for split, folder in _found(wish).items()}
    count = 1 + max(int(each.labels.max()) for each in databases.values())
    # All that there are: a class may have no image here.
    names = lists.named(_places(wish, databases["train"].folder), count)
    scans = [each.scan for each in databases.values()]
    shapes = {shape for scan in scans for shape in scan.shapes}
    plain = len(shapes) == 1 and all(scan.plain for scan in scans)
    # Grey ones and colours of one size become alike as they are stored.
    sizes = {shape[1:] for shape in shapes}
    height, width = sizes.pop() if len(sizes) == 1 else (0, 0)
    return Listing(
        names, dict(databases), (_channels(scans), height, width), state(wish),
        databases={split: each.folder for split, each in databases.items()} if plain else {},
        advice="" if wish.red_first else _red_first(databases["train"]),
    )  # fmt: skip


def _red_first(train: Database) -> str:
    """What to do where records look like those of BVLC's convert_cifar_data; "" where they do not."""
    scan = train.scan
    if scan.shape != _CIFARS_SHAPE or not scan.plain or not all(map(_CIFARS_KEY.fullmatch, scan.keys)):
        return ""
    return (
        f"{shown(train.folder)}: expected blue, green, red, got records as BVLC's convert_cifar_data makes them, of "
        "red, green, blue; if they are, give SET=dataset.channel_order=RGB, or `make classify` sees other colours"
    )


def state(wish: Wish) -> str:
    """The state of the files; nothing is read."""
    found = _found(wish)
    names = map(str, lists.names_files(_places(wish, found["train"])))
    return state_of([*(str(folder / LMDB) for folder in found.values()), *filter(None, [wish.mean_file]), *names])


def _channels(scans: list[_Scan]) -> int:
    """As many as any image has; what is of several sizes tells nothing unless it has grey ones and colours."""
    told = [{shape[0] for shape in scan.shapes} for scan in scans]
    return max((max(each) for each, scan in zip(told, scans, strict=True) if scan.shape or len(each) > 1), default=3)


def _found(wish: Wish) -> dict[str, Path]:
    """The databases' folders by split."""
    wish.check_paths()
    for path in map(Path, filter(None, (wish.folder, wish.train, wish.test))):
        if path.is_file():
            do = f"name {shown(path.parent)}" if path.name == LMDB else f"put it into one as {LMDB}, and name that"
            raise UserError(f"{shown(path)}: expected a folder with {LMDB} in it, got a file; {do}")
    if wish.train:
        return {"train": Path(wish.train)} | ({"test": Path(wish.test)} if wish.test else {})
    if not wish.folder:
        raise UserError(f"expected a database to train on, got none; write {_WHERE}")
    folder = Path(wish.folder)
    found: dict[str, Path] = {}
    for file in sorted(folder.glob(f"*/{LMDB}")):
        for split in {split_of(word) for word in file.parent.name.replace("-", "_").split("_")} - {""}:
            if split in found:
                raise UserError(f"{shown(folder)}: expected one database for {split}, got several; name train and test")
            found[split] = file.parent
    if "train" not in found:
        raise UserError(f"{shown(folder)}: expected a database like train_lmdb in it, got none; write {_WHERE}")
    if "test" not in found and "validation" in found:
        found["test"] = found.pop("validation")
    return found


def _places(wish: Wish, train: Path) -> list[Path]:
    """Where a file with the names of the classes may lie."""
    return [*([Path(wish.folder)] if wish.folder else []), train.parent, train]


def _held(folder: Path, state: str) -> _Open:
    """The database, opened once: LMDB lets a process do no more."""
    key = folder.resolve(), state
    held = _OPEN.get(key) or _Open(_opened(folder))
    _OPEN[key] = held
    return held


def _opened(folder: Path) -> Any:
    if why := lmdb_pages.damage(folder / LMDB):
        raise UserError(f"{folder / LMDB}: {why}; {_ADVICE}")
    return opened(folder)


def _scanned(held: _Open, folder: Path, state: str, report: Report) -> _Scan:
    if (folder, state) not in _SCANNED:
        while len(_SCANNED) >= _KEPT:
            del _SCANNED[next(iter(_SCANNED))]
        _SCANNED[folder, state] = _scan(held, folder, report)
    return _SCANNED[folder, state]


def _scan(held: _Open, folder: Path, report: Report) -> _Scan:
    keys, labels, digests = [], [], []
    shapes: set[Shape] = set()
    plain, largest = True, 0
    for key, value in _records(held, folder, report):
        datum = _parsed(value, folder, key)
        if datum.label < 0:
            raise UserError(f"{_name(folder, key)}: expected a label of 0 or more, got {datum.label}; {_ADVICE}")
        keys.append(key)
        labels.append(datum.label)
        digests.append(hashlib.sha256(value).digest()[:16])
        shapes.add(_shape(datum, _name(folder, key)))
        plain, largest = plain and not datum.encoded, max(largest, len(value))
    return _Scan(keys, np.array(labels, np.int64), digests, frozenset(shapes), plain, largest)


def _records(held: _Open, folder: Path, report: Report) -> Iterator[tuple[bytes, bytes]]:
    title = f"{shown(folder)}: looked through"
    with whole(folder), held.environment.begin() as transaction:
        with counting(title, held.environment.stat()["entries"], report) as count:
            for done, (key, value) in enumerate(transaction.cursor(), 1):
                yield key, value
                count(done)


def _parsed(value: bytes, folder: Path, key: bytes) -> Any:
    from evolve.base.caffe_messages import caffe_pb2

    try:
        return caffe_pb2.Datum.FromString(value)
    except DecodeError as error:
        raise UserError(f"{_name(folder, key)}: expected a Datum, got: {error}; {_ADVICE}") from None


def _shape(datum: Any, where: str) -> Shape:
    """(channels, height, width); of an encoded one what its file says, which may be none before it is read."""
    if not datum.encoded:
        channels, height, width = datum.channels, datum.height, datum.width
        values = len(datum.data) or len(datum.float_data)
        if min(channels, height, width) < 1 or values != channels * height * width:
            got = f"{channels}x{height}x{width} and {counted(values, 'value')}"
            raise UserError(f"{where}: expected as many values as its shape has, got {got}; {_ADVICE}")
        return channels, height, width
    pixels, facts = image_file.decoded_with_facts(datum.data, where, advice=_ADVICE)
    return 1 if facts.grey else 3, pixels.shape[0], pixels.shape[1]


def _pixels(datum: Any, where: str) -> NDArray[Any]:
    """(H, W, channels) of a Datum that is not encoded: bytes, or floats."""
    channels, height, width = _shape(datum, where)
    values = np.frombuffer(datum.data, np.uint8) if datum.data else np.array(datum.float_data, np.float32)
    return np.ascontiguousarray(values.reshape(channels, height, width).transpose(1, 2, 0))


def _name(folder: Path, key: bytes) -> str:
    # A damaged key is whatever bytes lie there.
    return f"{shown(folder)}: record {key.decode('utf-8', 'backslashreplace')!r}"
