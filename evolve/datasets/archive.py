"""The files in a tar archive from a stranger, one after the other: nothing is written, and no header takes memory.

Only plain files are read, each by its last name: links, devices, and names that lead elsewhere lead nowhere here.
"""

import bz2
import gzip
import lzma
import tarfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Self

LONGEST = 1 << 20  # bytes of a header that goes on in data of its own: a long name, or pax's list of words
_CONTINUED = (
    *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
)
# By what a packed file begins with.
_OPENED: dict[bytes, Callable[[IO[bytes]], IO[bytes]]] = {
    b"\x1f\x8b": gzip.open,  # type: ignore[dict-item]
    b"BZ": bz2.open,  # type: ignore[dict-item]
    b"\xfd7": lzma.open,  # type: ignore[dict-item]
    b"]\0": lzma.open,  # type: ignore[dict-item]
}


class BrokenArchive(Exception):
    """It is no whole archive; the message says why."""


class _Header(tarfile.TarInfo):
    """tarfile reads such data in one piece, whatever length the header says; and a negative one leads it in circles."""

    def _proc_member(self, archive: tarfile.TarFile) -> Self:
        # tarfile's own place for a subclass: newer ones, such as Debian 13's, pass an overridden `frombuf` by.
        if self.size < 0 or (self.type in _CONTINUED and self.size > LONGEST):
            raise tarfile.ReadError(f"a header of {self.size} bytes")
        return super()._proc_member(archive)  # type: ignore[misc]  # typeshed does not name it


class _Ending:
    """A file that is read past its end once: tarfile would ask as often as a header's length has it, for years."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._ended = file, False

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; none at the end. ReadError where that was known."""
        content = self._file.read(size)
        if not content and self._ended:
            raise tarfile.ReadError("unexpected end of data")
        self._ended = not content
        return content


def members(path: Path) -> Iterator[tuple[str, Callable[[int], bytes]]]:
    """The last name of each plain file in the archive, and what reads up to so many bytes of it now.

    Packed or not. Raises BrokenArchive, as reading does.
    """
    try:
        with open(path, "rb") as file, _unpacked(file) as plain:
            with tarfile.open(fileobj=_Ending(plain), mode="r|", tarinfo=_Header) as archive:  # type: ignore[call-overload]
                for member in archive:
                    content = archive.extractfile(member) if member.isreg() else None
                    if content:
                        # Path(name).name would have every part of it interned, for good in Python 3.12.
                        yield member.name.rstrip("/").rpartition("/")[2], partial(_read, content)
                    archive.members.clear()  # type: ignore[attr-defined]  # tarfile keeps every header that it saw
    except Exception as error:
        # Its own errors, those of four ways to pack, and whatever else a broken header makes tarfile stumble over.
        raise BrokenArchive(f"{error or type(error).__name__}") from None


def _read(content: IO[bytes], most: int) -> bytes:
    try:
        return content.read(most)
    except Exception as error:
        raise BrokenArchive(f"{error or type(error).__name__}") from None


def _unpacked(file: IO[bytes]) -> IO[bytes]:
    begin = file.read(2)
    file.seek(0)
    return _OPENED.get(begin, lambda as_it_is: as_it_is)(file)
