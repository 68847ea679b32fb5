"""An LMDB is filled value by value under the keys 00000000, 00000001 and so on, and is on the disk in the end."""

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import lmdb

from evolve.base.files import sync
from evolve.datasets.dataset import LMDB

PAGE = 4096  # bytes
PIECE = 1 << 20  # bytes a transaction: what it holds is in memory twice
MAPPED = 1 << 26  # bytes after which the file is mapped anew: pages that were looked at are let go


class Store:
    """A new LMDB in ``folder`` that takes ``expected`` bytes at most; ``stored`` hears each key, and then its value.

    Used as a context; when it ends well, all is on the disk. Raises lmdb.Error or OSError.
    """

    def __init__(self, folder: Path, expected: int, stored: Callable[[bytes], None] | None = None) -> None:
        folder.mkdir(parents=True)
        self._folder, self._stored = folder, stored
        # glibc gives memory back to the system that is larger than any before, and gets it again for the next
        # transaction, a fault a page, which costs more than the writing. Now it has seen something larger come and go.
        bytearray(4 * PIECE)
        # The map is address space, not disk: four times the content is never too little, and costs nothing.
        self._size = 4 * expected
        self._environment = self._opened()
        self._mapped = 0
        self._count = 0
        self._pending: list[tuple[bytes, bytes]] = []
        self._bytes = 0

    def put(self, value: bytes) -> bytes:
        """Adds a value under the next key, and returns that."""
        key = b"%08d" % self._count
        self._count += 1
        self._pending.append((key, value))
        self._bytes += len(value)
        if self._stored:
            self._stored(key)
            self._stored(value)
        if self._bytes >= PIECE:
            self._commit()
        return key

    def _commit(self) -> None:
        with self._environment.begin(write=True) as transaction:
            for key, value in self._pending:
                transaction.put(key, value, append=True)
        self._mapped += self._bytes
        self._pending, self._bytes = [], 0
        if self._mapped >= MAPPED:
            self._environment.close()
            self._environment, self._mapped = self._opened(), 0

    def _opened(self) -> Any:
        return lmdb.open(str(self._folder), map_size=self._size, sync=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._commit()
        finally:
            self._environment.close()
        (self._folder / "lock.mdb").unlink()  # readers make their own
        if kind is None:
            sync(self._folder / LMDB)
            sync(self._folder)


def space(record: int, count: int) -> int:
    """Bytes on disk, at most, of ``count`` values of ``record`` bytes: small ones share a page, large have some."""
    record += 64  # the Datum's other fields, the key, LMDB's own
    each = PAGE // (PAGE // record) if record <= PAGE // 2 else PAGE * -(-record // PAGE) + 64
    return count * each * 51 // 50 + (1 << 18)  # 2 % for the pages that lead to those
