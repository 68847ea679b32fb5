"""A user's damaged LMDB is refused before LMDB maps it: believed, such a number ends the process, or never ends."""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from evolve.base.errors import UserError
from evolve.datasets.lmdb_write import Store
from evolve.datasets.own import lmdb_pages
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
        (in_meta(META + 48, "<Q", 1 << 20), f"expected {((1 << 20) + 1) * PAGE} bytes, got 184320: it was cut off"),
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
