"""A data set as its authors published it: several files that lie in a folder, or together in a tar archive.

A raw file that is not on this machine comes from its mirrors, or the data set is unavailable.

The files in a tar archive from a stranger, one after the other: nothing is written, and no header takes memory.

Only plain files are read, each by its last name: links, devices, and names that lead elsewhere lead nowhere here.
"""

import bz2
import gzip
import lzma
import os
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Self

from evolve.base.errors import UserError
from evolve.base.progress import Report
from evolve.datasets.download import DownloadFailed, download
from evolve.datasets.raw_file import RawFile, checked, checked_bytes, folders
from evolve.datasets.source import Unavailable


def obtained(
    file: RawFile, mirrors: Sequence[str], subfolder: str, originals: str, raw: Path, report: Report
) -> Path:
    """``file`` downloaded into ``raw``/``subfolder`` from the first of ``mirrors`` (URLs ending in /) that works.

    ``originals`` says in a message what the user may put there instead. Raises Unavailable if no mirror has it
    or CAVEFISH_OFFLINE is set, UserError if the disk is full or the folder cannot be written.
    """
    target = raw / subfolder / file.name
    try:
        if os.environ.get("CAVEFISH_OFFLINE", "0") not in ("", "0"):
            raise DownloadFailed("CAVEFISH_OFFLINE is set")
        download([mirror + file.name for mirror in mirrors], target, file, report)
    except DownloadFailed as failure:
        looked = ", ".join(map(str, folders(subfolder, raw)))
        raise Unavailable(
            f"expected {file.name} in one of {looked}, or a download; got neither ({failure}); set "
            f"CAVEFISH_DATA to a folder with {originals}, or put them into {target.parent}",
            reason=f"{file.name} was neither found nor downloaded: {failure}",
        ) from None
    return target


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

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        header = super().frombuf(buf, encoding, errors)
        if header.size < 0 or (header.type in _CONTINUED and header.size > LONGEST):
            raise tarfile.ReadError(f"a header of {header.size} bytes")
        return header


def members(path: Path) -> Iterator[tuple[str, Callable[[int], bytes]]]:
    """The last name of each plain file in the archive, and what reads up to so many bytes of it now.

    Packed or not. Raises BrokenArchive, as reading does.
    """
    try:
        with open(path, "rb") as file, _unpacked_member(file) as plain:
            with tarfile.open(fileobj=plain, mode="r|", tarinfo=_Header) as archive:
                for member in archive:
                    content = archive.extractfile(member) if member.isreg() else None
                    if content:
                        yield Path(member.name).name, partial(_read_member, content)
                    archive.members.clear()  # type: ignore[attr-defined]  # tarfile keeps every header that it saw
    except Exception as error:
        # Its own errors, those of four ways to pack, and whatever else a broken header makes tarfile stumble over.
        raise BrokenArchive(f"{error or type(error).__name__}") from None


def _read_member(content: IO[bytes], most: int) -> bytes:
    try:
        return content.read(most)
    except Exception as error:
        raise BrokenArchive(f"{error or type(error).__name__}") from None


def _unpacked_member(file: IO[bytes]) -> IO[bytes]:
    begin = file.read(2)
    file.seek(0)
    return _OPENED.get(begin, lambda as_it_is: as_it_is)(file)


# A copy that somebody packed anew is as good: it is the files inside that are believed, each by its md5.
ENDINGS = (".tar.gz", ".tgz", ".tar.xz", ".tar.bz2", ".tar")

Contents = dict[str, tuple[Path, bytes]]  # by file name: where it was read from (for messages), and its bytes


@dataclass(frozen=True)
class Published:
    """One form of a data set: its archive, the folder that this unpacks to, the files in it that are used."""

    archive: RawFile
    folder: str
    files: tuple[RawFile, ...]
    mirrors: tuple[str, ...]  # URLs ending in /, where the archive is


def contents(
    forms: Sequence[Published], subfolder: str, originals: str, raw: Path, report: Report
) -> tuple[Published, Contents]:
    """The first of ``forms`` that is on this machine, and its files; else the first form, downloaded.

    Raises UserError for a file that is there but wrong, Unavailable (with ``originals``, what the user may
    put there) if none can be had.
    """
    for form in forms:
        if place := _find(form, subfolder, raw):
            return form, _read(form, place)
    path = obtained(forms[0].archive, forms[0].mirrors, subfolder, originals, raw, report)
    return forms[0], _read(forms[0], path)


def _find(form: Published, subfolder: str, raw: Path) -> Path | None:
    """A folder with one of the form's files in it, or else an archive; None if there is neither."""
    places = folders(subfolder, raw)
    for folder in (path for place in places for path in (place / form.folder, place)):
        if any((folder / file.name).exists() for file in form.files):
            return folder
    stems = (form.archive.name.removesuffix(".tar.gz"), form.folder)
    archives = (place / (stem + ending) for place in places for stem in stems for ending in ENDINGS)
    return next((path for path in archives if path.exists()), None)


def _read(form: Published, place: Path) -> Contents:
    if not place.is_dir():
        return _unpacked(form, place)
    for file in form.files:
        if not (place / file.name).exists():
            raise UserError(
                f"{place}: expected {file.name} beside the other files, got none; unpack {form.archive.name} anew"
            )
    return {file.name: (place / file.name, checked_bytes(place / file.name, file)) for file in form.files}


def _unpacked(form: Published, path: Path) -> Contents:
    """The archive's files, each checked; nothing is written, and what else the archive holds is passed over."""
    wanted = {file.name: file for file in form.files}
    found: Contents = {}
    try:
        for name, read in members(path):
            if name in wanted and name not in found:
                inside = path / form.folder / name
                # One byte too many shows another file, and fills no memory.
                found[name] = inside, checked(inside, read(wanted[name].size + 1), wanted[name])
            if len(found) == len(wanted):
                return found
    except BrokenArchive as error:
        raise UserError(
            f"{path}: expected a whole tar archive, got {error}; remove it to have it downloaded, or "
            "replace it with the original file"
        ) from None
    missing = next(name for name in wanted if name not in found)
    raise UserError(
        f"{path}: expected {form.folder}/{missing} in it, got none; remove it to have it downloaded, or "
        "replace it with the original file"
    )
