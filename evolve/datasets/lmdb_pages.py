"""Whether an LMDB's pages hang together: LMDB maps its file and believes it, and a wrong number in it ends the process.

From LMDB's own layout (mdb.c, 0.9): a page has a header of 16 bytes and places of nodes; a branch's node leads to a
page, a leaf's node holds a key and a value, or the number of the first of a row of pages that hold the value. What
Cavefish wrote itself is believed where its file is as long as it says (lmdb_read): the walk takes half a second for
60,000 small records.
"""

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_META, _PAGE, _NODE = struct.Struct("<IIQQ"), struct.Struct("<QHHHH"), struct.Struct("<HHHH")
_DATABASE = struct.Struct("<IHH5Q")
_MAGIC, _VERSION = 0xBEEFC0DE, 1
_BRANCH, _LEAF, _OVERFLOW, _OF_META = 1, 2, 4, 8
_BIG = 1  # flag of a node whose value lies on pages of its own
_NOWHERE = (1 << 64) - 1
_SIZES = tuple(1 << power for power in range(9, 17))
_DEEPEST = 32


class _Damage(Exception):
    """What is wrong."""


def damage(file: Path) -> str:
    """What was expected of an LMDB's ``file`` and what is there; "" if nothing is wrong that LMDB does not say itself.

    Values are not read. A file that is missing, empty or of another kind is for LMDB to refuse, which it does.
    """
    try:
        with open(file, "rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as held:
            if _is_lmdb(held):
                _Walk(held).all()
    except (OSError, ValueError):
        return ""
    except struct.error:
        return "expected whole pages, got one that goes beyond the file"
    except _Damage as error:
        return str(error)
    return ""


def _is_lmdb(held: mmap.mmap) -> bool:
    least = _PAGE.size + _META.size + 2 * _DATABASE.size + 16
    return len(held) >= least and _META.unpack_from(held, _PAGE.size)[:2] == (_MAGIC, _VERSION)


class _Tree(NamedTuple):
    """One of the two that a meta page has: of the pages that are free, and of records."""

    flags: int
    depth: int
    entries: int
    root: int


class _Meta(NamedTuple):
    """What a meta page says; the newer one counts."""

    transaction: int
    page_size: int
    last: int
    free: _Tree
    records: _Tree


class _Walk:
    """Every page that can be reached from the newer of the two meta pages, each once."""

    def __init__(self, held: mmap.mmap) -> None:
        self._held = held
        first = self._meta(0)
        self._size = first.page_size
        if self._size not in _SIZES or len(held) < 2 * self._size:
            raise _Damage(f"expected pages of 512 to 65536 bytes, two at least, got {self._size} in {len(held)}")
        self._newer = max(first, self._meta(self._size), key=lambda meta: meta.transaction)
        # A whole file may end before its last page: LMDB does not write what one transaction both took and freed.
        self._seen = bytearray(min(self._newer.last + 1, len(held) // self._size))
        self._seen[:2] = b"\1\1"

    def _meta(self, at: int) -> _Meta:
        flags = _PAGE.unpack_from(self._held, at)[2]
        magic, version, _, _ = _META.unpack_from(self._held, at + _PAGE.size)
        if not flags & _OF_META or (magic, version) != (_MAGIC, _VERSION):
            raise _Damage("expected an LMDB's two meta pages, got something else")
        free = at + _PAGE.size + _META.size
        records = free + _DATABASE.size
        last, transaction = struct.unpack_from("<QQ", self._held, records + _DATABASE.size)
        size = _DATABASE.unpack_from(self._held, free)[0]
        return _Meta(transaction, size, last, self._tree(free), self._tree(records))

    def _tree(self, at: int) -> _Tree:
        _, flags, depth, _, _, _, entries, root = _DATABASE.unpack_from(self._held, at)
        return _Tree(flags, depth, entries, root)

    def all(self) -> None:
        if flags := self._newer.records.flags:
            raise _Damage(f"expected one value a key, got a database of kind {flags}")
        self._below(self._newer.records)
        # No reader looks there, but a file that was cut off may lack no more than this.
        self._below(self._newer.free)

    def _below(self, tree: _Tree) -> None:
        if tree.root == _NOWHERE:
            if tree.entries:
                raise _Damage(f"expected {tree.entries} records, got none")
            return
        if not 0 < tree.depth <= _DEEPEST:
            raise _Damage(f"expected a tree up to {_DEEPEST} deep, got {tree.depth}")
        pages, found = [tree.root], 0
        for level in range(tree.depth, 0, -1):
            below: list[int] = []
            for page in pages:
                if level > 1:
                    below += self._children(page)
                else:
                    found += self._leaf(page)
            pages = below
        if found != tree.entries:
            raise _Damage(f"expected {tree.entries} records, got {found}")

    def _children(self, page: int) -> list[int]:
        below = [low | high << 16 | more << 32 for _, low, high, more, _ in self._nodes(page, _BRANCH)]
        if len(below) < 2:
            raise _Damage(f"page {page}: expected two branches and more, got {len(below)}")
        return below

    def _leaf(self, page: int) -> int:
        count = 0
        for at, low, high, flags, key in self._nodes(page, _LEAF):
            count += 1
            value, length = at + _NODE.size + key, low | high << 16
            end = (page + 1) * self._size
            if flags == _BIG and value + 8 <= end:
                self._row(struct.unpack_from("<Q", self._held, value)[0], length)
            elif flags or value + length > end:
                raise _Damage(f"page {page}: expected a value within it, got one of {length} bytes")
        return count

    def _row(self, first: int, length: int) -> None:
        """The pages of one large value."""
        count = (_PAGE.size - 1 + length) // self._size + 1
        self._visit(first, count)
        _, _, flags, lower, upper = _PAGE.unpack_from(self._held, first * self._size)
        if flags != _OVERFLOW or lower | upper << 16 < count:
            raise _Damage(f"page {first}: expected a value of {length} bytes, got {flags} for a kind")

    def _nodes(self, page: int, kind: int) -> Iterator[tuple[int, int, int, int, int]]:
        """Place of each node in the file, the three numbers that it begins with, and its key's length."""
        self._visit(page, 1)
        start = page * self._size
        number, _, flags, lower, upper = _PAGE.unpack_from(self._held, start)
        if number != page or flags != kind or not _PAGE.size <= lower <= upper <= self._size or lower % 2:
            raise _Damage(f"page {page}: expected a {'leaf' if kind == _LEAF else 'branch'}, got something else")
        for place in struct.unpack_from(f"<{(lower - _PAGE.size) // 2}H", self._held, start + _PAGE.size):
            if not upper <= place <= self._size - _NODE.size:
                raise _Damage(f"page {page}: expected a node within it, got one at {place}")
            low, high, more, key = _NODE.unpack_from(self._held, start + place)
            if place + _NODE.size + key > self._size:
                raise _Damage(f"page {page}: expected a key within it, got one of {key} bytes")
            yield start + place, low, high, more, key

    def _visit(self, page: int, count: int) -> None:
        last = self._newer.last
        if not 2 <= page <= page + count - 1 <= last or any(self._seen[page : page + count]):
            raise _Damage(f"page {page}: expected a page up to {last} that nothing else holds")
        if page + count > len(self._seen):
            raise _Damage(f"expected {(last + 1) * self._size} bytes, got {len(self._held)}: it was cut off")
        self._seen[page : page + count] = b"\1" * count
