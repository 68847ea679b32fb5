"""A data set as its authors published it: several files that lie in a folder, or together in a tar archive.

A raw file that is not on this machine comes from its mirrors, or the data set is unavailable.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evolve.base.errors import UserError
from evolve.base.progress import Report
from evolve.datasets.archive import BrokenArchive, members
from evolve.datasets.download import DownloadFailed, download
from evolve.datasets.raw_file import ANEW, RawFile, checked, checked_bytes, folders
from evolve.datasets.source import Unavailable

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
        raise UserError(f"{path}: expected a whole tar archive, got {error}; {ANEW}") from None
    missing = next(name for name in wanted if name not in found)
    raise UserError(f"{path}: expected {form.folder}/{missing} in it, got none; {ANEW}")
