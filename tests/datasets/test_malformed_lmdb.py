"""LMDBs that are damaged or do not belong together: what the data layer says of them."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import lmdb
import numpy as np
import pytest
from miniatures import parse27k

from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.datasets import Dataset, Detection, census, images, labels, prepare_detection
from evolve.datasets.lmdb_write import Store
from evolve.detectnet import batches
from evolve.detectnet.batches import Shapes
from evolve.network.layers import detectnet_parameters as parameters

FIRST, SECOND = b"00000000", b"00000001"
Spoil = Callable[[Path], object]


def put(folder: Path, key: bytes, value: bytes | None) -> None:
    with lmdb.open(str(folder), map_size=1 << 24) as environment, environment.begin(write=True) as transaction:
        if value is None:
            transaction.delete(key)
        else:
            transaction.put(key, value)
    (folder / "lock.mdb").unlink()


def datum(folder: Path, key: bytes = FIRST) -> Any:
    with lmdb.open(str(folder), readonly=True, lock=False) as environment, environment.begin() as transaction:
        return caffe_pb2.Datum.FromString(transaction.get(key))


def change(key: bytes = FIRST, **fields: object) -> Spoil:
    def _change(folder: Path) -> None:
        message = datum(folder, key)
        for name, value in fields.items():
            setattr(message, name, value)
        put(folder, key, message.SerializeToString())

    return _change


def number(place: int, value: float, key: bytes = FIRST) -> Spoil:
    """Another number at that place of a label: row 0 has places 0 to 15."""

    def _change(folder: Path) -> None:
        message = datum(folder, key)
        message.float_data[place] = value
        put(folder, key, message.SerializeToString())

    return _change


def fewer(folder: Path) -> None:
    message = datum(folder)
    del message.float_data[-3:]
    put(folder, FIRST, message.SerializeToString())


def rename(folder: Path) -> None:
    put(folder, b"00000007", datum(folder, SECOND).SerializeToString())
    put(folder, SECOND, None)


def empty(folder: Path) -> None:
    shutil.rmtree(folder)
    with Store(folder, 1 << 20, lambda stored: None):
        pass


def cut(of: float) -> Spoil:
    def _cut(folder: Path) -> None:
        content = (folder / "data.mdb").read_bytes()
        (folder / "data.mdb").write_bytes(content[: int(len(content) * of) // 4096 * 4096])

    return _cut


def swap(folder: Path) -> None:
    other = folder.parent / "images"
    folder.rename(folder.parent / "aside")
    other.rename(folder)
    (folder.parent / "aside").rename(other)


class Case(NamedTuple):
    """What is done to images or labels, and what the data layer says."""

    kind: str
    spoil: Spoil
    says: str


AGAIN = "; make the data again"
RECORD = "{split}/images: record '00000000': "
LABEL = "{split}/labels: record '00000000': "
BOTH = "{split}/images, {split}/labels: "
CUT = "/data.mdb: expected *** bytes, got ***: it was cut off" + AGAIN

CASES = {
    "no labels": Case(
        "labels", shutil.rmtree, "{split}/labels: expected an LMDB, got: No such file or directory" + AGAIN
    ),
    "labels that are a text": Case(
        "labels",
        lambda folder: (folder / "data.mdb").write_text("xywh\n" * 5000),
        "{split}/labels: expected an LMDB, got: MDB_INVALID: File is not an LMDB file" + AGAIN,
    ),
    "an empty file": Case(
        "labels",
        lambda folder: (folder / "data.mdb").write_bytes(b""),
        "{split}/labels: expected an LMDB, got: an empty file data.mdb" + AGAIN,
    ),
    "an empty LMDB": Case("labels", empty, "{split}/labels: expected records, got an empty LMDB" + AGAIN),
    "images cut off": Case("images", cut(0.5), "{split}/images" + CUT),
    "labels cut off": Case("labels", cut(0.8), "{split}/labels" + CUT),
    "a label less": Case(
        "labels",
        lambda folder: put(folder, b"00000002", None),
        BOTH + "expected the same keys, got 3 and 2, '00000002' in {split}/images only" + AGAIN,
    ),
    "another key": Case(
        "labels",
        rename,
        BOTH + "expected the same keys, got 3 and 3, '00000001' in {split}/images only" + AGAIN,
    ),
    "images for labels": Case(
        "labels",
        swap,
        LABEL + "expected a label of 1 x (max_boxes + 1) x 16, got 3 x 64 x 96" + AGAIN,
    ),
    "one channel": Case(
        "images",
        change(channels=1),
        RECORD + "expected an image of 3 channels, got 1 x 64 x 96" + AGAIN,
    ),
    "a size beyond 64 bits": Case(
        "images",
        change(height=2**31 - 1, width=2**31 - 1),
        RECORD + "expected 3 x 2147483647 x 2147483647 = 13835058042397261827 values, got 18432" + AGAIN,
    ),
    "an image cut off": Case(
        "images",
        change(data=b"abc"),
        RECORD + "expected 3 x 64 x 96 = 18432 values, got 3" + AGAIN,
    ),
    "a later image cut off": Case(
        "images",
        change(SECOND, data=b"abc"),
        "{split}/images: record '00000001': expected 3 x 64 x 96 = 18432 values, got 3" + AGAIN,
    ),
    "an encoded image that is none": Case(
        "images",
        change(encoded=True),
        RECORD + "expected an image, got 18,432 bytes that begin with ***" + AGAIN,
    ),
    "no Datum": Case(
        "images",
        lambda folder: put(folder, FIRST, b"\xff\xff"),
        RECORD + "expected a Datum, got ***" + AGAIN,
    ),
    "three numbers less": Case(
        "labels",
        fewer,
        LABEL + "expected 1 x 5 x 16 = 80 values, got 77" + AGAIN,
    ),
    "a row of 15": Case(
        "labels",
        change(width=15),
        LABEL + "expected a label of 1 x (max_boxes + 1) x 16, got 1 x 5 x 15" + AGAIN,
    ),
    "more boxes than rows": Case(
        "labels",
        number(0, 5),
        LABEL + "expected row 0 of a label to be a count up to 4, then 16, got 5, 16" + AGAIN,
    ),
    "half a box": Case(
        "labels",
        number(0, 0.5),
        LABEL + "expected row 0 of a label to be a count up to 4, then 16, got 0.5, 16" + AGAIN,
    ),
    "boxes that nobody can count": Case(
        "labels",
        number(0, float("nan")),
        LABEL + "expected row 0 of a label to be a count up to 4, then 16, got nan, 16" + AGAIN,
    ),
    "a box of negative width": Case(
        "labels", number(18, -4), LABEL + "expected boxes of finite, not negative size" + AGAIN
    ),
    "a box at infinity": Case(
        "labels", number(16, float("inf")), LABEL + "expected boxes of finite, not negative size" + AGAIN
    ),
    "half a class": Case(
        "labels", number(21, 1.5), LABEL + "expected whole numbers from 0 for classes, got 1.5" + AGAIN
    ),
}


@pytest.fixture
def made(tmp_path: Path, lines: list[str]) -> Dataset:
    """A sound data set of three images to train, with up to four boxes."""
    parse27k(tmp_path / "raw")
    return prepare_detection("parse27k", Detection(96, 64, max_boxes=4), data=tmp_path, report=lines.append)


def read_all(split: Path) -> None:
    """What the data layer does, in all of its batches."""
    given = parameters.parse(
        "detectnet_groundtruth_param { stride: 16 image_size_x: 96 image_size_y: 64 object_class { src: 1 dst: 0 } } "
        f'data_param {{ source: "{split}/images" label_source: "{split}/labels" batch_size: 1 }}'
    )
    assert given.data
    examples = batches.open_examples(given.data)
    shapes = Shapes.of(given, 1, examples.max_boxes)
    for batch in range(len(examples)):
        batches.make(batch, examples, given, True, shapes.views(np.empty(shapes.count, np.float32)))


def said(what: Callable[[], object], message: str) -> None:
    """Whether ``what`` says that message, *** for what a library counts."""
    with pytest.raises(UserError) as error:
        what()
    rest = str(error.value)
    for number_of, part in enumerate(message.split("***")):
        assert rest.startswith(part) if not number_of else part in rest, str(error.value)
        rest = rest[rest.index(part) + len(part) :]
    assert not rest


@pytest.mark.parametrize("name", CASES)
def test_said_by_the_data_layer(made: Dataset, name: str) -> None:
    case, split = CASES[name], made.folder / "train"
    read_all(split)
    case.spoil(split / case.kind)
    before = {path: path.stat().st_mtime_ns for path in made.folder.rglob("*")}
    said(lambda: read_all(split), case.says.format(split=split))
    assert {path: path.stat().st_mtime_ns for path in made.folder.rglob("*")} == before


def test_what_is_read_back_for_a_picture(made: Dataset) -> None:
    split = made.folder / "train"
    change(SECOND, data=b"abc")(split / "images")
    said(
        lambda: images(made, "train", 3),
        f"{split}/images: record 1: expected a Datum, got: cannot reshape array of size 3 into shape (3,64,96){AGAIN}",
    )
    fewer(split / "labels")
    said(
        lambda: labels(made, "train", 1),
        f"{split}/labels: record 0: expected a Datum, got: cannot reshape array of size 77 into shape (5,16){AGAIN}",
    )


def test_a_census_that_somebody_wrote_over(made: Dataset) -> None:
    file = made.folder / "census.json"
    file.write_text('["boxes"]')
    said(
        lambda: census.text(made),
        f"{file}: expected a census, got: 'list' object has no attribute 'items'; remove its folder to have it made "
        "anew",
    )
    file.write_text('{"train": {"images": "three"}}')
    said(
        lambda: census.text(made),
        f"{file}: expected a census, got: train.images: expected a whole number, got \"three\"; remove its folder to "
        "have it made anew",
    )
