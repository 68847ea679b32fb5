"""A user's damaged LMDB is refused before LMDB maps it: believed, such a number ends the process, or never ends."""

import struct
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import lmdb
import pytest

from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.datasets import lmdb_pages
from evolve.datasets.lmdb_read import opened
from evolve.datasets.lmdb_write import Store
from evolve.datasets.own.database import Database

PAGE = 4096
META = 16 + 24 + 48  # where the main database's description begins in a meta page


def store(folder: Path, records: int, size: int) -> Path:
    with Store(folder, 4 * records * (size + PAGE) + (1 << 16), lambda stored: None) as made:
        for number in range(records):
            made.put(bytes([number % 256]) * size)
    return folder / "data.mdb"


SIZES = [(0, 1), (1, 1), (3, 900), (500, 300), (2000, 300), (30, 3100), (3, 70_000)]


@pytest.mark.parametrize(("records", "size"), SIZES)
def test_whole_ones(tmp_path: Path, records: int, size: int) -> None:
    assert lmdb_pages.damage(store(tmp_path / "a", records, size)) == ""


def _root(content: bytearray, meta: int) -> int:
    return int(struct.unpack_from("<Q", content, meta * PAGE + META + 40)[0])


def _newest(content: bytearray) -> int:
    return max((0, 1), key=lambda meta: int(struct.unpack_from("<Q", content, meta * PAGE + META + 56)[0]))


def in_meta(place: int, form: str, value: int) -> Callable[[bytearray], None]:
    """Another number in the newer meta page."""
    return lambda content: struct.pack_into(form, content, _newest(content) * PAGE + place, value)


def in_root(place: int, form: str, value: int) -> Callable[[bytearray], None]:
    """Another number in the root page."""
    return lambda content: struct.pack_into(form, content, _root(content, _newest(content)) * PAGE + place, value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (in_meta(META + 6, "<H", 99), "expected a tree up to 32 deep, got 99"),
        (in_meta(META + 4, "<H", 4), "expected one value a key, got a database of kind 4"),
        (in_meta(META + 32, "<Q", 7), "expected 7 records, got 500"),
        (in_meta(META + 40, "<Q", 1 << 40), f"page {1 << 40}: expected a page up to 44 that nothing else holds"),
        (in_meta(META + 48, "<Q", 40), "page 41: expected a page up to 40 that nothing else holds"),
        (in_root(10, "<H", 2), "page 4: expected a branch, got something else"),
        (in_root(14, "<H", 9), "page 4: expected a branch, got something else"),
        (in_root(16, "<H", 9), "page 4: expected a node within it, got one at 9"),
    ],
)
def test_damage(tmp_path: Path, change: Callable[[bytearray], None], says: str) -> None:
    file = store(tmp_path / "a", 500, 300)
    content = bytearray(file.read_bytes())
    change(content)
    file.write_bytes(content)
    with pytest.raises(UserError) as error:
        Database(tmp_path / "a", lambda line: None)
    assert str(error.value) == f"{file}: {says}; make the database again"


def with_deleted(folder: Path, deleted: Iterable[int]) -> Path:
    """Of the large records of the last transaction some were deleted within it; pages were free before."""
    with lmdb.open(str(folder), map_size=1 << 24) as made:
        for numbers, size in ((range(10), 300), (range(3), 200), (range(3), 100), (range(10, 20), 70_000)):
            with made.begin(write=True) as writing:
                for number in numbers:
                    datum = caffe_pb2.Datum(channels=1, height=1, width=size, data=bytes([number]) * size)
                    writing.put(b"%08d" % number, datum.SerializeToString())
                for number in deleted if size == 70_000 else ():
                    writing.delete(b"%08d" % number)
    return folder / "data.mdb"


@pytest.mark.parametrize("deleted", [(19,), (16, 17, 18, 19), (12, 19), range(10, 20)])
def test_pages_that_were_free_again_before_they_were_written(tmp_path: Path, deleted: Sequence[int]) -> None:
    """LMDB counts them in its last page, beyond the end of the file."""
    file = with_deleted(tmp_path / "a", deleted)
    content = file.read_bytes()
    last = struct.unpack_from("<Q", content, _newest(bytearray(content)) * PAGE + META + 48)[0]
    assert (last + 1) * PAGE > len(content)
    assert len(Database(tmp_path / "a", lambda line: None).labels) == 20 - len(deleted)
    linked = tmp_path / "linked"  # as a data set has it
    linked.mkdir()
    (linked / "data.mdb").symlink_to(file)
    with opened(linked) as environment:
        assert environment.stat()["entries"] == 20 - len(deleted)


@pytest.mark.parametrize("deleted", [(), (19,), (12, 19)])
def test_whatever_is_cut_off_of_them_is_missing(tmp_path: Path, deleted: Sequence[int]) -> None:
    file = with_deleted(tmp_path / "a", deleted)
    content = file.read_bytes()
    for pages in range(1, len(content) // PAGE - 2):
        file.write_bytes(content[: -pages * PAGE])
        for read in (opened, lambda folder: Database(folder, lambda line: None)):
            with pytest.raises(UserError, match="it was cut off"):
                read(tmp_path / "a")
