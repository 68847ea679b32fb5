"""Fuzzed: what people bring for classes: lists, CSVs, names, means, records of their databases, deep images."""

import io
import shutil
from itertools import count
from pathlib import Path
from typing import Any

import lmdb
import numpy as np
from PIL import Image

from evolve.base.caffe_messages import caffe_pb2
from evolve.datasets import image_file
from evolve.datasets.image_form import Form
from evolve.datasets.own import image_listing, lists, mean_image, pictures
from evolve.datasets.own.database import Database
from evolve.datasets.own.wish import Wish
from tests.datasets.drawn import folders, picture


def _list(folder: Path, name: str, *good: str) -> Any:
    """A list beside the pictures that it names."""
    file = folders(folder / "pictures", 2, ("bar", "disc")) / name
    picture("disc", 1).save(file.parent / "disc" / "caf\u00e9.png")

    def _read(content: bytes) -> object:
        file.write_bytes(content)
        listing = image_listing.listed(Wish(folder=str(file), width=8, height=8))
        for each in listing.splits.values():
            assert 0 <= each.labels.min() <= each.labels.max() < len(listing.class_names)
        return listing

    # All complaints that fit on a screen, how many more, and what to do.
    return tuple(each.encode() for each in good), _read, None, pictures.SHOWN + 2


def image_list(folder: Path) -> Any:
    numbers = "bar/0.png 0\nbar/1.png 0\ndisc/0.png 1\ndisc/1.png 1\n"
    return _list(folder, "train.txt", numbers, "bar/0.png bar\r\ndisc\\cafe\u0301.png disc\r\n")


def image_csv(folder: Path) -> Any:
    return _list(
        folder, "all.csv", "path,label,split\nbar/0.png,bar,train\ndisc/0.png,disc,train\ndisc/1.png,disc,test\n",
        'bar/0.png;bar\n"disc/0.png";disc\n',
    )  # fmt: skip


def class_names(folder: Path) -> Any:
    file = folder / "synset_words.txt"

    def _read(content: bytes) -> object:
        file.write_bytes(content)
        names = lists.names_in(file, 2)
        assert len(names) >= 2 and all(len(name.splitlines()) == 1 for name in names)
        assert len(set(names)) == len(names)
        return names

    return (b"n01440764 tench, Tinca tinca\nn02012849 crane\nn03126707 crane\n",), _read, None


def mean(folder: Path) -> Any:
    mean_image.write(folder, np.arange(3 * 4 * 5, dtype=np.float32).reshape(3, 4, 5))
    file = folder / mean_image.FILE

    def _read(content: bytes) -> object:
        file.write_bytes(content)
        found = mean_image.read(file, (3, 4, 5))
        assert np.isfinite(found).all()
        return found

    return (file.read_bytes(),), _read, None


def record(folder: Path) -> Any:
    """The last of three records of a database; the others are sound."""
    sound = caffe_pb2.Datum(channels=3, height=4, width=5, data=bytes(range(60)), label=1)
    file = io.BytesIO()
    picture("disc", 1, (5, 4)).save(file, "PNG")
    encoded = caffe_pb2.Datum(data=file.getvalue(), label=1, encoded=True)
    floats = caffe_pb2.Datum(channels=1, height=2, width=2, float_data=[0.5, 1, 2, 3], label=1)
    numbers = count()

    def _read(content: bytes) -> object:
        place = folder / f"database{next(numbers)}"
        try:
            return _read_at(place, content)
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def _read_at(place: Path, content: bytes) -> object:
        with lmdb.open(str(place), map_size=1 << 22, sync=False) as environment:
            with environment.begin(write=True) as transaction:
                for number, value in enumerate((sound.SerializeToString(), sound.SerializeToString(), content)):
                    transaction.put(b"%08d" % number, value)
        database = Database(place, lambda line: None)
        assert database.labels.min() >= 0
        return database.read(2, Form())[0] if not database.scan.plain else database.as_it_is(2)

    return tuple(each.SerializeToString() for each in (sound, encoded, floats)), _read, None


def database(folder: Path) -> Any:
    """All pages of a database of several: what LMDB itself reads, which maps the file."""
    with lmdb.open(str(folder / "good"), map_size=1 << 22, sync=False) as environment:
        with environment.begin(write=True) as transaction:
            for number in range(300):
                value = caffe_pb2.Datum(channels=3, height=4, width=5, data=bytes(range(60)), label=number % 3)
                transaction.put(b"%08d" % number, value.SerializeToString())
    numbers = count()

    def _read(content: bytes) -> object:
        place = folder / f"database{next(numbers)}"
        place.mkdir()
        try:
            (place / "data.mdb").write_bytes(content)
            database = Database(place, lambda line: None)
            assert database.labels.min() >= 0
            return database.as_it_is(0)
        finally:
            shutil.rmtree(place, ignore_errors=True)

    return ((folder / "good" / "data.mdb").read_bytes(),), _read, None


def deep_image(folder: Path) -> Any:
    """Grey of 16 bits and of floats, turned by EXIF, with a transparent part, as WebP."""
    random = np.random.default_rng(0)
    exif = Image.Exif()
    exif[0x0112] = 6
    made = []
    for suffix, image, options in (
        ("png", Image.fromarray(random.integers(0, 60000, (12, 20)).astype(np.uint16)), {}),
        ("tif", Image.fromarray(random.normal(size=(12, 20)).astype(np.float32)), {}),
        ("jpg", picture("bar", 1, (24, 16)), {"exif": exif}),
        ("png", picture("bar", 1, (24, 16)).convert("LA"), {}),
        ("webp", picture("disc", 1, (24, 16)), {"exif": exif}),
    ):
        image.save(folder / f"a.{suffix}", **options)  # type: ignore[arg-type]
        made.append((folder / f"a.{suffix}").read_bytes())

    def _read(content: bytes) -> object:
        for wanted in (Form(grey=True), Form(levels=(100.0, 50000.0), least=(4, 4))):
            pixels, facts = image_file.decoded_with_facts(content, "here", wanted)
            assert pixels.dtype == np.uint8 and pixels.ndim == (2 if wanted.grey else 3)
            assert facts.width > 0 and facts.height > 0
        return pixels

    return tuple(made), _read, None


FORMATS = {
    "image list": image_list,
    "image CSV": image_csv,
    "class names": class_names,
    "mean.binaryproto": mean,
    "Datum of a database": record,
    "LMDB file": database,
    "deep, turned, transparent": deep_image,
}
