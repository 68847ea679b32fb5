"""Images and labels that do not belong together are found out, and the message says how."""

from collections.abc import Callable
from pathlib import Path

import lmdb
import numpy as np
import pytest
from miniatures import parse27k

from evolve.base.errors import UserError
from evolve.datasets import Detection, prepare_detection
from evolve.datasets.lmdb_pair import Pair, check
from evolve.datasets.lmdb_write import Store, datum, table


@pytest.fixture
def split(tmp_path: Path, lines: list[str]) -> Path:
    """A sound split of three images with up to four boxes."""
    parse27k(tmp_path / "raw")
    wanted = Detection(96, 64, max_boxes=4)
    return prepare_detection("parse27k", wanted, data=tmp_path, report=lines.append).folder / "train"


def _put(folder: Path, key: bytes, value: bytes | None) -> None:
    with lmdb.open(str(folder), map_size=1 << 24) as environment, environment.begin(write=True) as transaction:
        if value is None:
            transaction.delete(key)
        else:
            transaction.put(key, value)


def _rename(folder: Path, key: bytes, other: bytes) -> None:
    _put(folder, key, None)
    _put(folder, other, b"")


def _change(**fields: object) -> Callable[[Path, str], None]:
    def _changed(split: Path, kind: str) -> None:
        from evolve.base.caffe_messages import caffe_pb2

        with lmdb.open(str(split / kind), readonly=True, lock=False) as environment, environment.begin() as transaction:
            message = caffe_pb2.Datum.FromString(transaction.get(b"00000000"))
        for name, value in fields.items():
            setattr(message, name, value)
        _put(split / kind, b"00000000", message.SerializeToString())

    return _changed


def test_what_prepare_makes_is_a_pair(split: Path) -> None:
    assert check(split / "images", split / "labels") == Pair(3, (3, 64, 96), 4)


SPOILED: dict[str, tuple[str, Callable[[Path, str], None], str]] = {
    "one label less": (
        "labels",
        lambda split, kind: _put(split / kind, b"00000002", None),
        "expected a label for each of 3 images in {split}/images, got 2; make both again, together",
    ),
    "another key": (
        "labels",
        lambda split, kind: _rename(split / kind, b"00000001", b"00000007"),
        "expected the keys of {split}/images, got '00000002' where that has '00000001' (record 1); make both again, "
        "together",
    ),
    "grey": (
        "images",
        _change(channels=1),
        "expected images of 3 channels, got 1; make them again in colour",
    ),
    "encoded": (
        "images",
        _change(encoded=True),
        "expected images as plain bytes, got encoded ones, which a Caffe without OpenCV cannot read; make them again "
        "without encoding",
    ),
    "too few bytes": (
        "images",
        _change(data=b"abc"),
        "expected 3x64x96 bytes in an image, got 3; make them again",
    ),
    "no datum": (
        "images",
        lambda split, kind: _put(split / kind, b"00000000", b"\xff\xff"),
        "record 00000000: expected Caffe's Datum, got something else; make it again",
    ),
    "an image for a label": (
        "labels",
        _change(channels=3, width=96),
        "expected labels of 1 x rows x 16 floats, got 3x5x96 with 80; images and labels may be interchanged",
    ),
    "a count beyond the rows": (
        "labels",
        lambda split, kind: _put(
            split / kind, b"00000000", datum(table([], 4) + np.array(5, np.float32)).SerializeToString()
        ),
        "expected a label that begins with its count of boxes (up to 4) and 16, got 5 and 21; make them again",
    ),
}


@pytest.mark.parametrize("how", SPOILED)
def test_what_does_not_belong_together(split: Path, how: str) -> None:
    kind, spoil, message = SPOILED[how]
    spoil(split, kind)
    with pytest.raises(UserError) as error:
        check(split / "images", split / "labels")
    assert str(error.value) == f"{split / kind}: {message.format(split=split)}"


def test_images_with_none_of_labels(split: Path) -> None:
    for left in (split / "labels").iterdir():
        left.unlink()
    with pytest.raises(UserError, match=f"^{split}/labels: expected an LMDB, got: .*; make the data again$"):
        check(split / "images", split / "labels")


def test_an_empty_lmdb(split: Path, tmp_path: Path) -> None:
    with Store(tmp_path / "none", 1 << 20, lambda stored: None):
        pass
    with pytest.raises(UserError) as error:
        check(split / "images", tmp_path / "none")
    assert str(error.value) == f"{tmp_path}/none: expected records, got an empty LMDB; make the data again"
